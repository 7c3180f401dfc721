/* Has one descriptor or thread fail after the other: the n-th that a call asks for, for every n.
 *
 * Usage: resources descriptor|thread cold|warm|started one|rest
 *
 *   cold       the first call of a process
 *   warm       a call that needs an exchange, after another
 *   started    as cold, by a call that does not block
 *   one, rest  the n-th alone, or all from the n-th on
 *
 * Each n has a process of its own. Prints how many failures were tried, and what came of them.
 *
 * Run by tests/resources.rs. Nothing may reach standard error. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <connectcreds.h>

/* ---- What fails ---- */

enum kind { DESCRIPTOR, THREAD };

static enum kind failing;
static bool all_others;
/* How many more succeed; negative: nothing fails. */
static long left = -1;
static long failed;

static bool fails(enum kind kind)
{
    if (kind != failing || __sync_fetch_and_add(&left, 0) < 0)
        return false;
    if (__sync_fetch_and_sub(&left, 1) > 0)
        return false;
    if (all_others)
        __sync_lock_test_and_set(&left, 0);
    __sync_fetch_and_add(&failed, 1);
    errno = kind == THREAD ? EAGAIN : EMFILE;
    return true;
}

/* Linkers have the library call these. Not socketpair(): tokio's signals panic without one, which
 * the library has only when it is built along with the tests' server. POSIX allows to turn what
 * dlsym() returns into a function; ISO C does not. */
#define REAL(name) (*(__typeof__(&name) *)&(void *){dlsym(RTLD_NEXT, #name)})
#define REPLACE_OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return fails(DESCRIPTOR) ? -1 : REAL(name)(path, flags, mode); \
    }

REPLACE_OPEN(open)
REPLACE_OPEN(open64)

int socket(int domain, int type, int protocol)
{
    return fails(DESCRIPTOR) ? -1 : REAL(socket)(domain, type, protocol);
}

int epoll_create1(int flags)
{
    return fails(DESCRIPTOR) ? -1 : REAL(epoll_create1)(flags);
}

int eventfd(unsigned value, int flags)
{
    return fails(DESCRIPTOR) ? -1 : REAL(eventfd)(value, flags);
}

int pipe2(int ends[2], int flags)
{
    return fails(DESCRIPTOR) ? -1 : REAL(pipe2)(ends, flags);
}

/* Rust duplicates a descriptor by this. Its third argument is an int or a pointer. */
#define REPLACE_FCNTL(name) \
    int name(int descriptor, int command, ...) \
    { \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        if (command == F_DUPFD_CLOEXEC && fails(DESCRIPTOR)) \
            return -1; \
        return REAL(name)(descriptor, command, argument); \
    }

REPLACE_FCNTL(fcntl)
REPLACE_FCNTL(fcntl64)

DIR *opendir(const char *path)
{
    return fails(DESCRIPTOR) ? NULL : REAL(opendir)(path);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    return fails(THREAD) ? EAGAIN : REAL(pthread_create)(thread, attributes, start, argument);
}

/* ---- Calls ---- */

static cc_status get(bool started, bool *retryable)
{
    cc_request *request = cc_request_new();
    cc_token *token = NULL;
    cc_error *error = NULL;
    cc_call *call = NULL;
    cc_status status;
    cc_request_set_force_refresh(request, true);
    if (!started) {
        status = cc_service_account_token(request, &token, &error);
    } else {
        status = cc_service_account_token_start(request, &call, &error);
        if (status == CC_OK) {
            /* -1 if there is none. */
            (void)cc_call_fd(call);
            status = cc_call_finish(call, &token, &error);
        }
        cc_call_free(call);
    }
    *retryable = cc_error_is_retryable(error);
    if (error != NULL)
        printf("%s: %s\n", cc_status_name(status), cc_error_message(error));
    if (status == CC_OK && strncmp(cc_token_access_token(token), "sa-", 3) != 0)
        exit(4);
    cc_request_free(request);
    cc_error_free(error);
    cc_token_free(token);
    return status;
}

/* What became of the process of one n, as its exit status. */
enum { TOKEN = 10, ERROR, NOTHING_FAILED, NOT_RETRYABLE, NO_TOKEN_LATER };

static int attempt(long number, bool warm, bool started)
{
    bool retryable;
    cc_config_set_max_attempts(all_others ? 1 : 2);
    if (warm && get(started, &retryable) != CC_OK)
        return NO_TOKEN_LATER;
    __sync_lock_test_and_set(&left, number);
    cc_status status = get(started, &retryable);
    __sync_lock_test_and_set(&left, -1);
    if (status != CC_OK && !retryable)
        return NOT_RETRYABLE;
    if (get(started, &retryable) != CC_OK)
        return NO_TOKEN_LATER;
    if (failed == 0)
        return NOTHING_FAILED;
    return status == CC_OK ? TOKEN : ERROR;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    failing = strcmp(argv[1], "thread") == 0 ? THREAD : DESCRIPTOR;
    bool warm = strcmp(argv[2], "warm") == 0, started = strcmp(argv[2], "started") == 0;
    all_others = strcmp(argv[3], "rest") == 0;
    int tokens = 0, errors = 0, number = 0, status;
    for (;; number++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            int became = attempt(number, warm, started);
            fflush(stdout);
            _exit(became);
        }
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
            printf("number %d: wait status %d\n", number + 1, status);
            return 1;
        }
        int became = WEXITSTATUS(status);
        if (became == NOTHING_FAILED)
            break;
        if (number == 1000 || (became != TOKEN && became != ERROR)) {
            printf("number %d: %d\n", number + 1, became);
            return 1;
        }
        tokens += became == TOKEN;
        errors += became == ERROR;
    }
    printf("%d failed one by one: %d tokens, %d errors\n", number, tokens, errors);
    return 0;
}

/* What a process may do around calls, and how calls fare when the system has too little for them.
 *
 * Usage: process SCENE
 *
 * Run by tests/process.rs. Nothing may reach standard error. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <connectcreds.h>

static int failed;

static void pause_ms(long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static cc_status ask_for(const char *scope, bool *retryable)
{
    cc_request *request = cc_request_new();
    cc_token *token = NULL;
    cc_error *error = NULL;
    cc_request_set_scope(request, scope);
    cc_request_set_force_refresh(request, true);
    cc_status status = cc_service_account_token(request, &token, &error);
    if (error != NULL)
        printf("%s %s\n", cc_status_name(status), cc_error_message(error));
    if (retryable != NULL)
        *retryable = cc_error_is_retryable(error);
    cc_error_free(error);
    cc_token_free(token);
    cc_request_free(request);
    return status;
}

static void expect(bool is_so, const char *what)
{
    if (!is_so) {
        printf("not so: %s\n", what);
        failed = 1;
    }
}

/* Calls while a thread and the process end. */

static pthread_key_t at_the_end;

static void ask_at_the_end_of_a_thread(void *round)
{
    expect(ask_for("at the end of a thread", NULL) == CC_OK, "a token at the end of a thread");
    /* Destructors run again for what they set: after those of the library, too. */
    if (--*(int *)round > 0)
        pthread_setspecific(at_the_end, round);
}

static void ask_at_exit(void)
{
    expect(ask_for("at exit", NULL) == CC_OK, "a token at exit");
    fflush(stdout);
    if (failed)
        _exit(1);
}

static void *ask_and_end(void *rounds)
{
    pthread_setspecific(at_the_end, rounds);
    expect(ask_for("a thread", NULL) == CC_OK, "a token in a thread");
    return NULL;
}

static void ends(void)
{
    int rounds = 3;
    pthread_t thread;
    pthread_key_create(&at_the_end, ask_at_the_end_of_a_thread);
    atexit(ask_at_exit);
    pthread_create(&thread, NULL, ask_and_end, &rounds);
    pthread_join(thread, NULL);
    expect(ask_for("the first thread", NULL) == CC_OK, "a token");
    pthread_setspecific(at_the_end, &rounds);
    /* Thread-local destructors of the first thread run before the handlers of exit(). */
    exit(failed);
}

/* No thread to be had: as another user, because root is not limited. */
static void no_threads(void)
{
    struct rlimit none = {0, 0};
    bool retryable = false;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
        puts("setuid failed");
        exit(3);
    }
    if (setrlimit(RLIMIT_NPROC, &none) != 0)
        exit(3);
    expect(ask_for("by name", &retryable) == CC_ERR_NETWORK, "CC_ERR_NETWORK");
    expect(retryable, "retryable");
    /* And a call that does not block. */
    cc_call *call = NULL;
    cc_error *error = NULL;
    cc_status status = cc_service_account_token_start(NULL, &call, &error);
    if (error != NULL)
        printf("%s %s\n", cc_status_name(status), cc_error_message(error));
    expect(status == CC_ERR_NETWORK && call == NULL && cc_error_is_retryable(error),
           "a call cannot be started without a thread");
    cc_error_free(error);
}

/* A resolver that hangs. Linkers have the library call this one, too. */

static int lookups, most_lookups;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)name, (void)service, (void)hints, (void)result;
    pthread_mutex_lock(&counting);
    if (++lookups > most_lookups)
        most_lookups = lookups;
    pthread_mutex_unlock(&counting);
    pause_ms(3000);
    pthread_mutex_lock(&counting);
    lookups--;
    pthread_mutex_unlock(&counting);
    return EAI_AGAIN;
}

static void *ask_in_vain(void *viewer)
{
    char scope[30];
    snprintf(scope, sizeof scope, "viewer %d", *(int *)viewer);
    if (ask_for(scope, NULL) == CC_OK)
        failed = 1;
    return NULL;
}

static int threads_now(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    while (readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count - 2;
}

static void hanging_resolver(void)
{
    enum { VIEWERS = 60 };
    pthread_t viewers[VIEWERS];
    int numbers[VIEWERS], most_threads = 0;
    cc_config_set_timeout_ms(2000);
    cc_config_set_connect_timeout_ms(500);
    for (int i = 0; i < VIEWERS; i++) {
        numbers[i] = i;
        if (pthread_create(&viewers[i], NULL, ask_in_vain, &numbers[i]) != 0)
            exit(3);
    }
    for (int i = 0; i < 20; i++) {
        int threads = threads_now();
        if (threads > most_threads)
            most_threads = threads;
        pause_ms(50);
    }
    for (int i = 0; i < VIEWERS; i++)
        pthread_join(viewers[i], NULL);
    expect(most_lookups == 1, "one look-up at a time");
    /* The viewers', the first, that of the look-up, and the library's. */
    expect(most_threads <= VIEWERS + 3, "no thread for each viewer");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    alarm(60);
    if (strcmp(argv[1], "ends") == 0)
        ends();
    else if (strcmp(argv[1], "no_threads") == 0)
        no_threads();
    else if (strcmp(argv[1], "hanging_resolver") == 0)
        hanging_resolver();
    else
        return 2;
    return failed;
}

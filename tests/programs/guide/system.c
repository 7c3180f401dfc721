/* What calls take from the system: memory, system calls, files, threads, signals.
 *
 * Usage: system SCENE VIEWER
 *
 * Run by tests/guide/system.rs as content. This program's malloc() and open() are used by the
 * library, too. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <connectcreds.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* glibc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static volatile size_t allocations;
static volatile bool no_memory;

void *malloc(size_t size)
{
    allocations++;
    return no_memory ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return no_memory ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return no_memory ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    allocations++;
    *out = no_memory ? NULL : __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

static volatile size_t opened, opened_to_write;

static int open_it(const char *path, int flags, va_list rest)
{
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    opened++;
    if (flags & (O_WRONLY | O_RDWR | O_CREAT))
        opened_to_write++;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int file = open_it(path, flags, rest);
    va_end(rest);
    return file;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int file = open_it(path, flags, rest);
    va_end(rest);
    return file;
}

static cc_request *request;
static const char *viewer;

static void call(void)
{
    cc_token *token;
    CHECK(cc_viewer_token(viewer, request, &token, NULL) == CC_OK);
    cc_token_free(token);
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    cc_token_free(token);
}

static void call_often(void)
{
    for (int i = 0; i < 1000; i++)
        call();
}

static void make_a_system_call(void)
{
    syscall(SYS_getppid);
}

/* Whether a child does this without a system call but read(), write() and exit(): at any other, the
 * kernel ends it. */
static bool needs_no_system_call(void (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        call(); /* the first one of a process */
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        act();
        syscall(SYS_exit, 0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void hits(void)
{
    call();
    size_t before = allocations;
    CHECK(before > 0);
    call_often();
    CHECK(allocations == before);
    CHECK(needs_no_system_call(call_often));
    CHECK(!needs_no_system_call(make_a_system_call));
}

static void files(void)
{
    cc_token *token;
    char *report;
    call();
    cc_request_set_force_refresh(request, true);
    CHECK(cc_viewer_token(viewer, request, &token, NULL) == CC_OK);
    cc_token_free(token);
    CHECK(cc_viewer_token("", NULL, &token, NULL) == CC_ERR_NOT_SUPPORTED);
    CHECK(cc_diagnose(&report) == CC_OK);
    cc_string_free(report);
    CHECK(opened > 0); /* the certificate authorities, for one */
    CHECK(opened_to_write == 0);
}

static void memory(void)
{
    no_memory = true;
    request = cc_request_new();
}

static volatile sig_atomic_t signals;

static void count(int signal)
{
    (void)signal;
    signals++;
}

/* A signal every 5 ms, whose handler restarts no system call. */
static void interrupted_call(void)
{
    struct sigaction action = {.sa_handler = count};
    struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    call();
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(signals > 10);
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int found = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        found += entry->d_name[0] != '.';
    closedir(tasks);
    return found;
}

static void background_thread(void)
{
    cc_call *started;
    cc_token *token;
    CHECK(threads() == 1);
    CHECK(cc_viewer_token_start(viewer, request, &started, NULL) == CC_OK);
    CHECK(threads() == 2);
    CHECK(cc_call_finish(started, &token, NULL) == CC_OK);
    cc_call_free(started);
    cc_token_free(token);
    for (int waits = 0; threads() > 1; waits++) {
        struct timespec pause = {0, 50000000};
        CHECK(waits < 400);
        nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    const char *scene = argc > 1 ? argv[1] : "";
    viewer = argc > 2 ? argv[2] : NULL;
    request = cc_request_new();
    cc_request_set_resource(request, "https://example.cloud.databricks.com");
    if (strcmp(scene, "hits") == 0)
        hits();
    else if (strcmp(scene, "files") == 0)
        files();
    else if (strcmp(scene, "memory") == 0)
        memory();
    else if (strcmp(scene, "signals") == 0)
        interrupted_call();
    else if (strcmp(scene, "thread") == 0)
        background_thread();
    else
        return 2;
    cc_request_free(request);
    return 0;
}

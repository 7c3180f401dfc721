/* Many viewers, silent servers and leaders that do not come back: what the library takes of the
 * process, and what its callers get.
 *
 * Usage: pressure SCENE [COUNT]
 *
 * Run by tests/pressure.rs, which sets the server up while this program waits in await_server(). */
#define _DEFAULT_SOURCE /* syscall() and the coarse clocks, for clock.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <connectcreds.h>

#include "clock.h"

static void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    _exit(1);
}

/* Tells the test that the server is to change, and waits until it has. */
static void await_server(void)
{
    puts("ready");
    fflush(stdout);
    if (getchar() != '\n')
        fail("the test ended");
}

static long clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static long now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* Keeps the largest of what was measured. */
static void keep_longest(long *longest, long took)
{
    if (took > *longest)
        *longest = took;
}

static void pause_ms(long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static int entries_of(const char *directory)
{
    DIR *open = opendir(directory);
    int count = 0;
    if (open == NULL)
        fail("%s: %s", directory, strerror(errno));
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2;
}

/* The most threads and descriptors seen. */
static int most_threads, most_files;

static void look(void)
{
    int threads = entries_of("/proc/self/task"), files = entries_of("/proc/self/fd");
    if (threads > most_threads)
        most_threads = threads;
    if (files > most_files)
        most_files = files;
}

static void begin_to_look(void)
{
    most_threads = most_files = 0;
    look();
}

static cc_request *request_for(int question)
{
    char scope[20];
    cc_request *request = cc_request_new();
    snprintf(scope, sizeof scope, "%d", question);
    cc_request_set_scope(request, scope);
    return request;
}

static cc_status ask(const cc_request *request, cc_token **token)
{
    cc_error *error = NULL;
    cc_status status = cc_service_account_token(request, token, &error);
    if (status != CC_OK && status != CC_ERR_TIMEOUT)
        fail("%s: %s", cc_status_name(status), cc_error_message(error));
    cc_error_free(error);
    return status;
}

/* As many tokens as `count` get into their early window at once. Prints the figures. */
static void age(int count)
{
    char **first = calloc((size_t)count, sizeof *first);
    char **last = calloc((size_t)count, sizeof *last);
    cc_request **requests = calloc((size_t)count, sizeof *requests);
    int renewed = 0, files;
    long hit_us = 0, hit_cpu_us = 0, call_us = 0, began;
    for (int i = 0; i < count; i++) {
        cc_token *token = NULL;
        requests[i] = request_for(i);
        if (ask(requests[i], &token) != CC_OK)
            fail("no token");
        first[i] = strdup(cc_token_access_token(token));
        last[i] = strdup(first[i]);
        cc_token_free(token);
    }
    await_server();
    begin_to_look();
    files = most_files;
    advance_clocks(3400);
    began = now_us();
    while (renewed < count) {
        renewed = 0;
        for (int i = 0; i < count; i++) {
            cc_token *token = NULL;
            long before = now_us(), cpu_before = clock_us(CLOCK_THREAD_CPUTIME_ID), took;
            if (ask(requests[i], &token) != CC_OK)
                fail("a cached token is not returned");
            took = now_us() - before;
            keep_longest(&call_us, took);
            /* A minute before the end of a token, a call waits for the next one. */
            if (strcmp(cc_token_access_token(token), last[i]) == 0) {
                keep_longest(&hit_us, took);
                keep_longest(&hit_cpu_us, clock_us(CLOCK_THREAD_CPUTIME_ID) - cpu_before);
            } else {
                free(last[i]);
                last[i] = strdup(cc_token_access_token(token));
            }
            renewed += strcmp(cc_token_access_token(token), first[i]) != 0;
            cc_token_free(token);
            if (i % 100 == 0)
                look();
        }
        pause_ms(10);
    }
    printf("threads=%d files=%d hit_us=%ld hit_cpu_us=%ld call_us=%ld all_after_ms=%ld\n",
           most_threads, most_files - files, hit_us, hit_cpu_us, call_us,
           (now_us() - began) / 1000);
    for (int i = 0; i < count; i++) {
        cc_request_free(requests[i]);
        free(first[i]);
        free(last[i]);
    }
    free(requests);
    free(first);
    free(last);
}

/* Refreshes wait for a place longer than an exchange may take. */
static void age_slowly(int count)
{
    cc_config_set_timeout_ms(2000);
    age(count);
}

/* Calls of 20 ms to a server that does not answer. */
static void time_out(int count)
{
    int files;
    begin_to_look();
    files = most_files;
    for (int i = 0; i < count; i++) {
        cc_token *token = NULL;
        cc_request *request = request_for(i);
        cc_request_set_timeout_ms(request, 20);
        if (ask(request, &token) != CC_ERR_TIMEOUT)
            fail("a silent server gave a token");
        cc_request_free(request);
        look();
        int opened = open("/dev/null", O_RDONLY);
        if (opened < 0)
            fail("open() after %d calls: %s", i, strerror(errno));
        close(opened);
    }
    printf("threads=%d files=%d left=%d\n", most_threads, most_files - files,
           entries_of("/proc/self/fd") - files);
}

/* No thread of the library while background refresh is off. */
static void refresh_off(int count)
{
    if (cc_config_set_background_refresh(false) != CC_OK)
        fail("the setting is refused");
    age(0);
    time_out(count);
    if (most_threads != 1)
        fail("%d threads", most_threads);
}

/* A leader that does not come back. */

static volatile int led, go_on;
static jmp_buf outside;

static void sleep_in_the_log(int32_t level, const char *message, void *user_data)
{
    (void)level, (void)user_data;
    if (!led && strstr(message, "POST ") != NULL) {
        led = 1;
        while (!go_on)
            pause_ms(1);
    }
}

static bool leave_by_longjmp(void *user_data)
{
    if (++*(int *)user_data > 1)
        longjmp(outside, 1);
    return false;
}

static void *lead(void *cancelled)
{
    cc_token *token = NULL;
    cc_request *request = request_for(1);
    static int asked;
    cc_cancel_fn cancel = NULL;
    if (cancelled != NULL)
        cancel = leave_by_longjmp;
    cc_request_set_cancel(request, cancel, &asked);
    if (setjmp(outside) == 0)
        ask(request, &token);
    pthread_testcancel();
    led = 1;
    cc_token_free(token);
    return NULL;
}

/* Another call gets the token that a leader is stuck on. */
static void expect_an_answer(void)
{
    cc_token *token = NULL;
    cc_request *request = request_for(1);
    long before = now_us();
    if (ask(request, &token) != CC_OK)
        fail("the question is held");
    cc_token_free(token);
    cc_request_free(request);
    printf("waited_ms=%ld\n", (now_us() - before) / 1000);
}

static pthread_t start_leader(void *cancelled)
{
    pthread_t leader;
    if (pthread_create(&leader, NULL, lead, cancelled) != 0)
        fail("no thread");
    return leader;
}

static void leader_sleeps(void)
{
    cc_log_set_callback(CC_LOG_DEBUG, sleep_in_the_log, NULL);
    pthread_t leader = start_leader(NULL);
    while (!led)
        sched_yield();
    await_server();
    expect_an_answer();
    go_on = 1;
    pthread_join(leader, NULL);
}

static void leader_jumps(void)
{
    pthread_t leader = start_leader("yes");
    pthread_join(leader, NULL);
    if (!led)
        fail("it did not come back");
    await_server();
    expect_an_answer();
}

static void leader_is_cancelled(void)
{
    pthread_t leader = start_leader(NULL);
    void *result;
    pause_ms(100);
    pthread_cancel(leader);
    await_server();
    expect_an_answer();
    pthread_join(leader, &result);
    if (result != PTHREAD_CANCELED)
        fail("it was not cancelled");
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    const char *scene = argv[1];
    int count = argc > 2 ? atoi(argv[2]) : 0;
    alarm(argc > 3 ? (unsigned)atoi(argv[3]) : 120);
    if (strcmp(scene, "age") == 0)
        age(count);
    else if (strcmp(scene, "age_slowly") == 0)
        age_slowly(count);
    else if (strcmp(scene, "time_out") == 0)
        time_out(count);
    else if (strcmp(scene, "refresh_off") == 0)
        refresh_off(count);
    else if (strcmp(scene, "leader_sleeps") == 0)
        leader_sleeps();
    else if (strcmp(scene, "leader_jumps") == 0)
        leader_jumps();
    else if (strcmp(scene, "leader_is_cancelled") == 0)
        leader_is_cancelled();
    else
        return 2;
    return 0;
}

/* A C program that forks at any moment; its children must work at once.
 *
 * Usage: fork SCENE KEPT_SESSION OTHER_SESSION
 *
 * Run by tests/fork.rs. An alarm ends a child that hangs. A failure of a child fails its parent. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <connectcreds.h>

#define FORKS 60
#define PATIENCE_S 10

/* Two viewers. The entry of the first is dropped only for short times. */
static const char *kept_session, *other_session;
static const char *doing = "nothing yet";

static void fail(const char *format, ...)
{
    va_list values;
    char why[1000];
    va_start(values, format);
    vsnprintf(why, sizeof why, format, values);
    va_end(values);
    fprintf(stderr, "%d, %s: %s\n", (int)getpid(), doing, why);
    _exit(1);
}

static uint64_t exchanges(void)
{
    cc_cache_stats stats;
    cc_cache_get_stats(&stats, sizeof stats);
    return stats.exchanges;
}

/* Options of a call. With none set, the request is NULL. */
struct way {
    const char *scope; /* gives the call a cache key of its own */
    bool force;
    uint32_t timeout_ms;
    cc_cancel_fn cancelled;
};

static cc_token *ask_in_a_way(const char *session, struct way way, cc_status expected)
{
    cc_token *token = NULL;
    cc_error *error = NULL;
    cc_request *request = cc_request_new();
    cc_request_set_scope(request, way.scope);
    cc_request_set_force_refresh(request, way.force);
    cc_request_set_timeout_ms(request, way.timeout_ms);
    cc_request_set_cancel(request, way.cancelled, NULL);
    cc_status status = cc_viewer_token(session, request, &token, &error);
    if (status != CC_OK && status != expected)
        fail("%s\n%s", cc_status_name(status), cc_error_message(error));
    if (status == CC_OK && strncmp(cc_token_access_token(token), "viewer-", strlen("viewer-")) != 0)
        fail("this is no token");
    cc_error_free(error);
    cc_request_free(request);
    return token;
}

static cc_token *ask(const char *session, struct way way)
{
    return ask_in_a_way(session, way, CC_OK);
}

/* Forks. An alarm ends the child after this time. */
static pid_t fork_child(void)
{
    pid_t child = fork();
    if (child == -1)
        fail("no child");
    if (child == 0) {
        doing = "a child";
        alarm(PATIENCE_S);
    }
    return child;
}

static void wait_for(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        fail("the child is not there");
    if (WIFSIGNALED(status))
        fail("child %d ended by signal %d%s", (int)child, WTERMSIG(status),
             WTERMSIG(status) == SIGALRM ? ": it hung" : "");
    if (WEXITSTATUS(status) != 0)
        fail("child %d ended with %d", (int)child, WEXITSTATUS(status));
}

/* The work of a child and of its child. Each has one thread, so the counters only count its own
 * calls. */
static void live(cc_token *parents, const char *text, bool is_cached, int generation)
{
    uint64_t before = exchanges();
    /* At the fork, the parent may not have restored it. */
    cc_config_set_cache_capacity(0);
    doing = "the cached token in a child";
    cc_token *cached = ask(kept_session, (struct way){0});
    if (is_cached && exchanges() != before)
        fail("the parent's token is not cached here");
    if (strcmp(cc_token_access_token(cached), text) != 0)
        fail("this is another token");

    doing = "a child's own exchange";
    before = exchanges();
    cc_token *own = ask(other_session, (struct way){.scope = "of a child", .force = true});
    if (exchanges() != before + 1)
        fail("%d exchanges", (int)(exchanges() - before));

    if (generation < 2) {
        doing = "a child's child";
        pid_t child = fork_child();
        if (child == 0) {
            live(parents, text, true, generation + 1);
            exit(0);
        }
        wait_for(child);
    }
    doing = "the end of a child";
    if (strcmp(cc_token_access_token(parents), text) != 0)
        fail("the parent's handle holds something else here");
    cc_token_free(parents);
    cc_token_free(cached);
    if (!cc_token_invalidate(own))
        fail("the token is not cached");
    cc_token_free(own);
    cc_cache_forget_session(other_session);
    cc_config_set_cache_capacity(1);
    cc_cache_clear();
}

/* The scene "fire": the first thread forks while the others make every kind of call. */

static volatile bool over;
static volatile int forks_made;
/* Locked while the token of the kept session is not in the cache. */
static pthread_mutex_t keep = PTHREAD_MUTEX_INITIALIZER;

static void hit(int turn)
{
    static int forks_seen;
    (void)turn;
    cc_token_free(ask(kept_session, (struct way){0}));
    if (forks_seen != forks_made) {
        /* Threads other than the first one fork too. */
        forks_seen = forks_made;
        pid_t child = fork_child();
        if (child == 0) {
            cc_token_free(ask(kept_session, (struct way){0}));
            _exit(0);
        }
        wait_for(child);
    }
}

static void miss(int turn)
{
    char scope[20];
    snprintf(scope, sizeof scope, "%d", turn);
    cc_token_free(ask(other_session, (struct way){.scope = scope}));
}

static void force_and_forget(int turn)
{
    cc_token_free(ask(other_session, (struct way){.force = true}));
    if (turn % 3 == 0)
        cc_cache_forget_session(other_session);
}

static void clear_and_set_the_capacity(int turn)
{
    pthread_mutex_lock(&keep);
    if (turn % 2 == 0) {
        cc_cache_clear();
    } else {
        cc_config_set_cache_capacity(1);
        cc_config_set_cache_capacity(0);
    }
    cc_token_free(ask(kept_session, (struct way){0}));
    pthread_mutex_unlock(&keep);
    sched_yield();
}

static void invalidate(int turn)
{
    cc_token *token = ask(other_session, (struct way){.scope = "invalid"});
    (void)turn;
    cc_token_invalidate(token);
    cc_token_free(token);
}

static void leave(int turn)
{
    char scope[20];
    snprintf(scope, sizeof scope, "left %d", turn);
    /* An exchange that misses its deadline continues on a thread of the library, and waiters get
     * its result. */
    cc_token_free(
        ask_in_a_way(other_session, (struct way){.scope = scope, .timeout_ms = 1}, CC_ERR_TIMEOUT));
    cc_token_free(ask(other_session, (struct way){.scope = scope}));
}

static struct worker {
    void (*work)(int turn);
    pthread_t thread;
    int turns;
} workers[] = {{.work = hit},
               {.work = miss},
               {.work = force_and_forget},
               {.work = clear_and_set_the_capacity},
               {.work = invalidate},
               {.work = leave}};

#define WORKERS (sizeof workers / sizeof *workers)

static void *work_until_it_is_over(void *worker)
{
    struct worker *self = worker;
    for (; !over; self->turns++)
        self->work(self->turns);
    return NULL;
}

static void fire(void)
{
    cc_token *parents = ask(kept_session, (struct way){0});
    char *text = strdup(cc_token_access_token(parents));
    for (size_t i = 0; i < WORKERS; i++)
        if (pthread_create(&workers[i].thread, NULL, work_until_it_is_over, &workers[i]) != 0)
            fail("no thread");
    for (int i = 0; i < FORKS; i++) {
        /* In every second round the cache holds the token. In the others it may be cleared now. */
        bool is_cached = i % 2 == 0;
        if (is_cached)
            pthread_mutex_lock(&keep);
        pid_t child = fork_child();
        if (is_cached)
            pthread_mutex_unlock(&keep);
        if (child == 0) {
            live(parents, text, is_cached, 1);
            /* Runs the handlers of exit() too. */
            exit(0);
        }
        wait_for(child);
        forks_made++;
    }
    over = true;
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].turns < 3)
            fail("worker %d got no turn", (int)i);
    }
    cc_token_free(ask(other_session, (struct way){.force = true}));
    cc_token_free(parents);
    free(text);
}

/* The scene "cold": forks while threads of the parent make the first calls of the process. */

static void *first_call(void *scope)
{
    cc_token_free(ask(other_session, (struct way){.scope = scope}));
    return NULL;
}

static void spin(long microseconds)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - start.tv_sec) * 1000000L + (now.tv_nsec - start.tv_nsec) / 1000L <
           microseconds);
}

static void first_calls(long fork_after_us)
{
    char scopes[3][2] = {"a", "b", "c"};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, first_call, scopes[i]) != 0)
            fail("no thread");
    spin(fork_after_us);
    pid_t child = fork_child();
    if (child == 0) {
        doing = "a child of first calls";
        cc_token_free(ask(kept_session, (struct way){0}));
        exit(0);
    }
    wait_for(child);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    exit(0);
}

static void cold(void)
{
    for (int i = 0; i < FORKS; i++) {
        /* This process never calls the library. */
        pid_t fresh = fork_child();
        if (fresh == 0) {
            alarm(2 * PATIENCE_S);
            first_calls(i * 100L);
        }
        wait_for(fresh);
    }
}

/* The scenes "leader" and "waiter": a cancel callback forks during a call that leads the exchange,
 * or waits for it. */

static pid_t forked = -1;

static bool fork_once(void *user_data)
{
    (void)user_data;
    if (forked == -1) {
        forked = fork_child();
        if (forked != 0) {
            puts("forked");
            fflush(stdout);
        }
    }
    return false;
}

static void fork_in_a_callback(bool waits)
{
    pthread_t leader;
    char *scope = NULL;
    if (waits) {
        if (pthread_create(&leader, NULL, first_call, scope) != 0)
            fail("no thread");
        while (exchanges() == 0)
            sched_yield();
    }
    cc_token *token = ask(other_session, (struct way){.scope = scope, .cancelled = fork_once});
    if (forked == 0) {
        cc_token *again = ask(other_session, (struct way){.scope = scope});
        if (strcmp(cc_token_access_token(again), cc_token_access_token(token)) != 0)
            fail("what the child got it did not keep");
        exit(0);
    }
    if (waits)
        pthread_join(leader, NULL);
    wait_for(forked);
    cc_token_free(token);
    cc_token_free(ask(other_session, (struct way){.force = true}));
}

/* The scene "kept": children never use the connection that their parent keeps open. */
static void kept_connection(void)
{
    cc_token_free(ask(kept_session, (struct way){.force = true}));
    for (int i = 0; i < 5; i++) {
        pid_t child = fork_child();
        if (child == 0) {
            cc_token_free(ask(kept_session, (struct way){.force = true}));
            exit(0);
        }
        wait_for(child);
        cc_token_free(ask(kept_session, (struct way){.force = true}));
    }
}

/* The scene "handler": a signal handler forks wherever it interrupts a call that is answered from
 * the cache, while other threads read and write the cache. */

static volatile sig_atomic_t handler_forks, in_handlers_child;
static timer_t timer;

/* The timer counts the time that this thread runs, and is set again at the end of the handler: each
 * signal interrupts the thread somewhere else. */
static void set_timer(void)
{
    struct itimerspec once = {.it_value = {0, 100000 + handler_forks * 997L % 100000}};
    timer_settime(timer, 0, &once, NULL);
}

static void fork_in_handler(int signal)
{
    (void)signal;
    if (in_handlers_child || handler_forks >= 2 * FORKS)
        return;
    handler_forks++;
    pid_t child = fork();
    if (child == 0) {
        /* Goes back to what was interrupted. */
        alarm(PATIENCE_S);
        in_handlers_child = 1;
    } else if (child > 0) {
        int status = 0;
        while (waitpid(child, &status, 0) == -1)
            continue;
        if (status != 0)
            _exit(WIFSIGNALED(status) ? 100 + WTERMSIG(status) : 99);
        set_timer();
    }
}

static void fork_in_handlers(void)
{
    struct sigaction action = {.sa_handler = fork_in_handler, .sa_flags = SA_RESTART};
    static struct worker readers[] = {{.work = miss}, {.work = invalidate}, {.work = miss}};
    sigset_t alarms;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    cc_token_free(ask(kept_session, (struct way){0}));
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGPROF);
    /* Only this thread forks: the others never leave their work in a child. */
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    for (size_t i = 0; i < 3; i++)
        if (pthread_create(&readers[i].thread, NULL, work_until_it_is_over, &readers[i]) != 0)
            fail("no thread");
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    sigaction(SIGPROF, &action, NULL);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0)
        fail("no timer");
    set_timer();
    while (handler_forks < 2 * FORKS) {
        cc_token *token = NULL;
        if (cc_viewer_token(kept_session, NULL, &token, NULL) != CC_OK)
            fail("the cached token is not returned");
        cc_token_free(token);
        if (in_handlers_child) {
            /* A call that reads the cache and one that writes it. */
            cc_cache_forget_session(other_session);
            if (cc_viewer_token(kept_session, NULL, &token, NULL) != CC_OK)
                _exit(98);
            _exit(0);
        }
    }
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    over = true;
    for (size_t i = 0; i < 3; i++)
        pthread_join(readers[i].thread, NULL);
}

/* The scene "chain": each child makes an exchange, and forks the next one. */

static int descriptors_now(void)
{
    int count = 0;
    DIR *descriptors = opendir("/proc/self/fd");
    while (readdir(descriptors) != NULL)
        count++;
    closedir(descriptors);
    return count;
}

static void chain_of_forks(void)
{
    int first = 0;
    for (int generation = 0; generation < 2 * FORKS; generation++) {
        cc_token_free(ask(other_session, (struct way){.force = true}));
        if (generation == 0)
            first = descriptors_now();
        pid_t child = fork_child();
        /* Each waits for all that follow. */
        alarm(child > 0 ? 0 : 6 * PATIENCE_S);
        if (child > 0) {
            /* Still the parent's own connection. */
            cc_token_free(ask(other_session, (struct way){.force = true}));
            wait_for(child);
            if (exchanges() == 0)
                fail("no exchange");
            _exit(0);
        }
    }
    int last = descriptors_now();
    if (last > first + 2)
        fail("%d descriptors instead of %d", last, first);
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const char *scene = argv[1];
    kept_session = argv[2];
    other_session = argv[3];
    doing = scene;
    if (strcmp(scene, "fire") == 0)
        fire();
    else if (strcmp(scene, "cold") == 0)
        cold();
    else if (strcmp(scene, "leader") == 0 || strcmp(scene, "waiter") == 0)
        fork_in_a_callback(strcmp(scene, "waiter") == 0);
    else if (strcmp(scene, "kept") == 0)
        kept_connection();
    else if (strcmp(scene, "chain") == 0)
        chain_of_forks();
    else if (strcmp(scene, "handler") == 0)
        fork_in_handlers();
    else
        return 2;
    return 0;
}

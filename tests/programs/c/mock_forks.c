/* A C program that mocks the server and forks.
 *
 * Usage: mock_forks SCENE
 *
 * Run by tests/mocks.rs. Failed checks are printed, and make the exit status 1. An alarm ends a
 * child that hangs. */
#include <sched.h>
#include <sys/wait.h>

#include "mock.h"

#define PATIENCE_S 60
#define FORKS 60
/* Forks in a function that others wait for. A thread that joins or leaves at that moment is rare.
 */
#define FORKS_INSIDE 200
#define THREADS 4
/* Enough that one is always joining or leaving. */
#define VISITORS 100

static pid_t fork_child(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == -1) {
        puts("no child");
        exit(1);
    }
    if (child == 0)
        alarm(PATIENCE_S);
    return child;
}

/* The exit status of a child is its number of failures. */
static void leave(void)
{
    fflush(stdout);
    _exit(failures > 0);
}

static void wait_for(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(!WIFSIGNALED(status)); /* SIGALRM means that it hung. */
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_child_has_the_mock(void)
{
    cc_mock *mock = mock_token("token");
    cc_token *token;
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    cc_mock_advance_time(mock, 100);
    pid_t child = fork_child();
    if (child == 0) {
        CHECK(cc_running_on_connect() && cc_mock_request_count(mock) == 1 && stats().entries == 1);
        IS(service_account(NULL), "token");
        CHECK(cc_mock_request_count(mock) == 1);
        cc_mock_advance_time(mock, 3500);
        IS(service_account(NULL), "token");
        CHECK(cc_mock_request_count(mock) == 2);
        IS(scoped("other"), "token");
        CHECK(cc_mock_request_count(mock) == 3);
        cc_mock *inner = mock_token("inner");
        IS(service_account(NULL), "inner");
        cc_mock_end(inner);
        cc_mock_end(mock);
        IS(service_account(NULL), "CC_ERR_NOT_ON_CONNECT");
        cc_token_free(token);
        leave();
    }
    wait_for(child);
    CHECK(cc_running_on_connect() && cc_mock_request_count(mock) == 1 && stats().entries == 1);
    CHECK(cc_token_invalidate(token));
    cc_token_free(token);
    cc_mock_end(mock);
}

static cc_mock *forking;
static pid_t forked = -1;

/* Forks while others join and leave the wait for this response. Each child makes the response
 * itself. */
static bool fork_inside(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)user_data;
    reply_token(reply, "token");
    if (cc_mock_request_param(request, "scope") != NULL)
        return true;
    reach(1);
    while (stats().coalesced < 100)
        sched_yield();
    for (int i = 0; i < FORKS_INSIDE; i++) {
        forked = fork_child();
        if (forked == 0) {
            IS(scoped("other"), "token");
            if (i % 2 == 0) {
                cc_mock_end(forking);
                forking = NULL;
            }
            return true;
        }
        wait_for(forked);
    }
    return true;
}

/* As service_account(), by a call that is started and finished. */
static char *started_service_account(const cc_request *request)
{
    cc_call *call;
    cc_token *token = NULL;
    cc_error *error;
    cc_status status = cc_service_account_token_start(request, &call, &error);
    if (status == CC_OK)
        status = cc_call_finish(call, &token, &error);
    cc_call_free(call);
    return outcome(status, token, error);
}

static void *come_and_leave(void *unused)
{
    (void)unused;
    cc_request *request = cc_request_new();
    cc_request_set_timeout_ms(request, 1);
    await(1);
    char *answer = copy_of("CC_ERR_TIMEOUT");
    while (strcmp(answer, "CC_ERR_TIMEOUT") == 0) {
        free(answer);
        answer = service_account(request);
    }
    cc_request_free(request);
    return answer;
}

/* `ask_once` makes the call in whose function the forks happen. */
static void forks_inside_a_call(char *(*ask_once)(const cc_request *))
{
    pthread_t visitors[VISITORS];
    forking = mock_function(fork_inside, NULL);
    for (int i = 0; i < VISITORS; i++)
        visitors[i] = start(come_and_leave, NULL);
    IS(ask_once(NULL), "token");
    if (forked == 0) {
        if (forking != NULL) {
            CHECK(stats().entries == 2 && cc_mock_request_count(forking) == 2);
            IS(service_account(NULL), "token");
            CHECK(cc_mock_request_count(forking) == 2);
            cc_mock_end(forking);
        }
        IS(service_account(NULL), "CC_ERR_NOT_ON_CONNECT");
        leave();
    }
    for (int i = 0; i < VISITORS; i++)
        IS(finish(visitors[i]), "token");
    CHECK(cc_mock_request_count(forking) == 1);
    cc_mock_end(forking);
}

static void a_function_forks(void)
{
    forks_inside_a_call(service_account);
}

static void a_function_forks_in_a_started_call(void)
{
    forks_inside_a_call(started_service_account);
}

/* The function forks, and parent and child both send the request to the real server. */
static bool fork_and_let_out(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)request;
    (void)reply;
    (void)user_data;
    if (forked == -1)
        forked = fork_child();
    return false;
}

static void a_function_forks_and_lets_out(void)
{
    cc_request *request = cc_request_new();
    cc_request_set_server_url(request, getenv("CONNECT_SERVER"));
    cc_request_set_api_key(request, getenv("CONNECT_API_KEY"));
    cc_mock *mock = mock_function(fork_and_let_out, NULL);
    char *real = viewer(getenv("VIEWER"), request);
    CHECK(strncmp(real, "viewer-", strlen("viewer-")) == 0);
    IS(viewer(getenv("VIEWER"), request), real);
    CHECK(cc_mock_request_count(mock) == 1 && stats().hits == 1);
    free(real);
    cc_request_free(request);
    cc_mock_end(mock);
    if (forked == 0)
        leave();
    wait_for(forked);
}

static bool in_a_child;

static bool wait_in_the_parent(const cc_mock_request *request, cc_mock_reply *reply,
                               void *user_data)
{
    (void)request;
    (void)user_data;
    if (!in_a_child) {
        reach(1);
        await(2);
    }
    reply_token(reply, in_a_child ? "of the child" : "of the parent");
    return true;
}

static void a_fork_while_a_function_runs(void)
{
    cc_mock *mock = mock_function(wait_in_the_parent, NULL);
    pthread_t asks = start(ask, NULL);
    await(1);
    pid_t child = fork_child();
    if (child == 0) {
        in_a_child = true;
        /* The thread of the function does not exist here, and must not keep the mock from ending.
         */
        IS(service_account(NULL), "of the child");
        CHECK(cc_mock_request_count(mock) == 2);
        cc_mock_end(mock);
        leave();
    }
    wait_for(child);
    reach(2);
    IS(finish(asks), "of the parent");
    CHECK(cc_mock_request_count(mock) == 1);
    cc_mock_end(mock);
}

static volatile bool over;

static bool answer_at_once(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)request;
    (void)user_data;
    reply_token(reply, "token");
    return true;
}

static void *work(void *number)
{
    cc_request *request = cc_request_new();
    cc_request_set_force_refresh(request, true);
    while (!over) {
        IS(service_account(request), "token");
        cc_mock *own = mock_token("token");
        IS(viewer(NULL, NULL), "token");
        if (*(int *)number == 0)
            cc_cache_clear();
        cc_mock_end(own);
    }
    cc_request_free(request);
    return copy_of("worked");
}

static void forks_while_functions_run(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    cc_mock *mock = mock_function(answer_at_once, NULL);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        threads[i] = start(work, &numbers[i]);
    }
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork_child();
        if (child == 0) {
            IS(service_account(NULL), "token");
            IS(scoped("of a child"), "token");
            /* It must not wait for functions of threads that do not exist here. */
            cc_mock_end(mock);
            cc_mock *own = mock_token("own");
            IS(scoped("own"), "own");
            cc_mock_end(own);
            leave();
        }
        wait_for(child);
    }
    over = true;
    for (int i = 0; i < THREADS; i++)
        IS(finish(threads[i]), "worked");
    cc_mock_end(mock);
    CHECK(!cc_running_on_connect());
}

int main(int argc, char **argv)
{
    static const struct scene scenes[] = {
        {"a_child_has_the_mock", a_child_has_the_mock},
        {"a_function_forks", a_function_forks},
        {"a_function_forks_in_a_started_call", a_function_forks_in_a_started_call},
        {"a_function_forks_and_lets_out", a_function_forks_and_lets_out},
        {"a_fork_while_a_function_runs", a_fork_while_a_function_runs},
        {"forks_while_functions_run", forks_while_functions_run},
    };
    return argc == 2 ? play(scenes, sizeof scenes / sizeof *scenes, argv[1]) : 2;
}

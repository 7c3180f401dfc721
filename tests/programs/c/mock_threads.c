/* A C program that mocks the server while several threads work.
 *
 * Usage: mock_threads SCENE
 *
 * Run by tests/mocks.rs. Failed checks are printed, and make the exit status 1. */
#include <sched.h>

#include "mock.h"

#define THREADS 4

/* Reports a step of the scene to the test. */
static void tell(const char *what)
{
    puts(what);
    fflush(stdout);
}

static void *ask_as_viewer(void *request)
{
    return viewer(getenv("VIEWER"), request);
}

/* ---- Ending a mock whose function is running ---- */

static int returning;

static bool wait_to_be_released(const cc_mock_request *request, cc_mock_reply *reply,
                                void *user_data)
{
    (void)request;
    (void)user_data;
    reach(1);
    await(2);
    reply_token(reply, "token");
    returning = 1;
    return true;
}

static void *end(void *mock)
{
    cc_mock_end(mock);
    return copy_of(returning ? "after the function" : "too early");
}

static void the_end_waits(void)
{
    cc_mock *mock = mock_function(wait_to_be_released, NULL);
    pthread_t asks = start(ask, NULL);
    await(1);
    pthread_t ends = start(end, mock);
    while (cc_running_on_connect())
        sched_yield();
    IS(service_account(NULL), "CC_ERR_NOT_ON_CONNECT");
    reach(2);
    IS(finish(asks), "token");
    IS(finish(ends), "after the function");
}

static volatile bool over;

static bool never_after_the_end(const cc_mock_request *request, cc_mock_reply *reply,
                                void *mock_is_over)
{
    (void)request;
    CHECK(!*(volatile bool *)mock_is_over);
    reply_token(reply, "token");
    return true;
}

static void *ask_until_it_is_over(void *unused)
{
    (void)unused;
    char *answer = NULL;
    for (int i = 0; answer == NULL || strcmp(answer, "token") == 0; i++) {
        char scope[20];
        snprintf(scope, sizeof scope, "%d", i);
        free(answer);
        answer = scoped(scope);
    }
    /* The mock has ended, and its server with it. */
    CHECK(strcmp(answer, "CC_ERR_NOT_ON_CONNECT") == 0 ||
          strcmp(answer, "CC_ERR_BAD_RESPONSE") == 0);
    return answer;
}

static void no_call_after_the_end(void)
{
    for (int round = 0; round < 50; round++) {
        pthread_t threads[THREADS];
        over = false;
        cc_mock *mock = mock_function(never_after_the_end, (void *)&over);
        for (int i = 0; i < THREADS; i++)
            threads[i] = start(ask_until_it_is_over, NULL);
        while (cc_mock_request_count(mock) < 20)
            sched_yield();
        cc_mock_end(mock);
        over = true;
        for (int i = 0; i < THREADS; i++)
            free(finish(threads[i]));
    }
}

static cc_mock *mocks[2];

/* The function of each mock ends the other mock. */
static bool end_the_other(const cc_mock_request *request, cc_mock_reply *reply, void *own)
{
    (void)request;
    int number = *(int *)own;
    reach(number + 1);
    await(3);
    cc_mock_end(mocks[!number]);
    reply_token(reply, number == 0 ? "of the first" : "of the second");
    return true;
}

static void two_end_each_other(void)
{
    int numbers[] = {0, 1};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        mocks[i] = mock_function(end_the_other, &numbers[i]);
        threads[i] = start(ask, NULL);
        await(i + 1);
    }
    reach(3);
    IS(finish(threads[0]), "of the first");
    IS(finish(threads[1]), "of the second");
    CHECK(!cc_running_on_connect());
}

/* Each function requests the token that the other one is building. Neither can return before the
 * first timeout. */
static bool ask_the_other(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const char *own = cc_mock_request_param(request, "scope");
    cc_request *others = cc_request_new();
    (void)user_data;
    reach(step + 1);
    await(2);
    cc_request_set_scope(others, strcmp(own, "a") == 0 ? "b" : "a");
    cc_request_set_timeout_ms(others, 100);
    char *answer = service_account(others);
    CHECK(strcmp(answer, "CC_ERR_TIMEOUT") == 0 || strcmp(answer, "token") == 0);
    free(answer);
    cc_request_free(others);
    reply_token(reply, "token");
    return true;
}

static void two_ask_each_other(void)
{
    cc_mock *mock = mock_function(ask_the_other, NULL);
    pthread_t one = start(ask, "a");
    await(1);
    pthread_t two = start(ask, "b");
    IS(finish(one), "token");
    IS(finish(two), "token");
    CHECK(cc_mock_request_count(mock) == 2);
    cc_mock_end(mock);
}

/* ---- The thread of a function, and the innermost mock ---- */

static bool wait_for_seven(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)request;
    (void)user_data;
    while (stats().coalesced < 7)
        sched_yield();
    reply_token(reply, "token");
    return true;
}

static void one_question(void)
{
    pthread_t threads[8];
    cc_mock *mock = mock_function(wait_for_seven, NULL);
    for (int i = 0; i < 8; i++)
        threads[i] = start(ask, NULL);
    for (int i = 0; i < 8; i++)
        IS(finish(threads[i]), "token");
    CHECK(cc_mock_request_count(mock) == 1 && stats().exchanges == 1 && stats().coalesced == 7);
    cc_mock_end(mock);
}

struct asker {
    char scope[2];
    pthread_t thread, called_on;
};

static bool note_the_thread(const cc_mock_request *request, cc_mock_reply *reply, void *askers)
{
    struct asker *asker = askers;
    asker += cc_mock_request_param(request, "scope")[0] - 'a';
    asker->called_on = pthread_self();
    reply_token(reply, "token");
    return true;
}

static void on_the_asking_thread(void)
{
    struct asker askers[THREADS] = {{.scope = "a"}, {.scope = "b"}, {.scope = "c"}, {.scope = "d"}};
    cc_mock *mock = mock_function(note_the_thread, askers);
    for (int i = 0; i < THREADS; i++)
        askers[i].thread = start(ask, askers[i].scope);
    for (int i = 0; i < THREADS; i++) {
        IS(finish(askers[i].thread), "token");
        CHECK(pthread_equal(askers[i].thread, askers[i].called_on));
    }
    CHECK(cc_mock_request_count(mock) == THREADS);
    cc_mock_end(mock);
}

/* Mocked and real calls at the same time. The server responds after the scene has reported. */

static void a_real_call_goes_on(void)
{
    pthread_t asks = start(ask_as_viewer, NULL);
    while (stats().exchanges == 0)
        sched_yield();
    cc_mock *mock = mock_token("mocked");
    IS(viewer(getenv("VIEWER"), NULL), "mocked");
    pthread_t other = start(ask_as_viewer, NULL);
    IS(finish(other), "mocked");
    tell("mocked");
    char *real = finish(asks);
    CHECK(strncmp(real, "viewer-", strlen("viewer-")) == 0);
    CHECK(stats().entries == 1 && cc_mock_request_count(mock) == 1);
    cc_mock_end(mock);
    IS(viewer(getenv("VIEWER"), NULL), real);
    CHECK(stats().exchanges == 1 && stats().hits == 1);
    free(real);
}

static bool let_out(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)request;
    (void)reply;
    (void)user_data;
    return false;
}

static cc_request *request_to_the_server(void)
{
    cc_request *request = cc_request_new();
    cc_request_set_server_url(request, getenv("CONNECT_SERVER"));
    cc_request_set_api_key(request, getenv("CONNECT_API_KEY"));
    return request;
}

static void what_was_let_out_outlives_its_mock(void)
{
    cc_request *request = request_to_the_server();
    cc_mock *mock = mock_function(let_out, NULL);
    pthread_t asks = start(ask_as_viewer, request);
    while (cc_mock_request_count(mock) == 0)
        sched_yield();
    cc_mock_end(mock);
    tell("ended");
    char *real = finish(asks);
    CHECK(strncmp(real, "viewer-", strlen("viewer-")) == 0);
    CHECK(stats().entries == 0 && stats().exchanges == 0);
    free(real);
    cc_request_free(request);
}

/* Cancels when it is asked again: the first time is before the call waits. */
static bool cancel_while_it_waits(void *asked)
{
    return ++*(int *)asked > 1;
}

static void an_exchange_with_the_server_continues_when_its_call_leaves(void)
{
    cc_request *request = request_to_the_server();
    cc_mock *mock = mock_function(let_out, NULL);
    int asked = 0;
    cc_request_set_cancel(request, cancel_while_it_waits, &asked);
    IS(viewer(getenv("VIEWER"), request), "CC_ERR_CANCELLED");
    tell("cancelled");
    while (stats().entries == 0)
        sched_yield();
    char *cached = viewer(getenv("VIEWER"), request);
    CHECK(strncmp(cached, "viewer-", strlen("viewer-")) == 0);
    CHECK(cc_mock_request_count(mock) == 1 && stats().hits == 1);
    free(cached);
    cc_request_free(request);
    cc_mock_end(mock);
}

static bool let_the_renewal_out(const cc_mock_request *request, cc_mock_reply *reply,
                                void *asking_thread)
{
    CHECK(pthread_equal(*(pthread_t *)asking_thread, pthread_self()));
    cc_mock_reply_set(reply, 200, NULL,
                      "{\"access_token\": \"1\", \"refresh_token\": \"r\", \"expires_in\": 100}");
    return cc_mock_request_param(request, "refresh_token") == NULL;
}

/* The refresh continues in the background and is rejected there. The mock cannot be called for the
 * exchange that would follow. */
static void no_mock_is_asked_in_the_background(void)
{
    pthread_t self = pthread_self();
    cc_request *request = request_to_the_server();
    cc_mock *mock = mock_function(let_the_renewal_out, &self);
    IS(viewer(getenv("VIEWER"), request), "1");
    cc_mock_advance_time(mock, 100);
    int asked = 0;
    cc_request_set_cancel(request, cancel_while_it_waits, &asked);
    IS(viewer(getenv("VIEWER"), request), "CC_ERR_CANCELLED");
    tell("cancelled");
    while (stats().failures == 0)
        sched_yield();
    CHECK(cc_mock_request_count(mock) == 2 && stats().failures == 1);
    cc_request_free(request);
    cc_mock_end(mock);
}

int main(int argc, char **argv)
{
    static const struct scene scenes[] = {
        {"the_end_waits", the_end_waits},
        {"no_call_after_the_end", no_call_after_the_end},
        {"two_end_each_other", two_end_each_other},
        {"two_ask_each_other", two_ask_each_other},
        {"one_question", one_question},
        {"on_the_asking_thread", on_the_asking_thread},
        {"a_real_call_goes_on", a_real_call_goes_on},
        {"what_was_let_out_outlives_its_mock", what_was_let_out_outlives_its_mock},
        {"an_exchange_with_the_server_continues_when_its_call_leaves",
         an_exchange_with_the_server_continues_when_its_call_leaves},
        {"no_mock_is_asked_in_the_background", no_mock_is_asked_in_the_background},
    };
    return argc == 2 ? play(scenes, sizeof scenes / sizeof *scenes, argv[1]) : 2;
}

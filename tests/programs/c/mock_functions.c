/* A C program that mocks the server with functions, misbehaving ones included.
 *
 * Usage: mock_functions SCENE
 *
 * Run by tests/mocks.rs. Failed checks are printed, and make the exit status 1. */
#include "mock.h"

/* ---- Functions that misbehave ---- */

static bool misbehave(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const char *how = cc_mock_request_param(request, "scope");
    (void)user_data;
    if (strcmp(how, "twice") == 0) {
        cc_mock_reply_set(reply, 99, "a\nb", "{}");
        cc_mock_reply_set(reply, 500, NULL, NULL);
        reply_token(reply, "the last one");
    } else if (strcmp(how, "status") == 0) {
        cc_mock_reply_set(reply, 1000, NULL, "{}");
    } else if (strcmp(how, "type") == 0) {
        cc_mock_reply_set(reply, 200, "a\nb", "{}");
    } else if (strcmp(how, "type's bytes") == 0) {
        cc_mock_reply_set(reply, 200, "\xff", "{}");
    } else if (strcmp(how, "bytes") == 0) {
        cc_mock_reply_set(reply, 200, NULL, "\xff\x01{");
    } else if (strcmp(how, "empty") == 0) {
        cc_mock_reply_set(reply, 200, NULL, NULL);
    }
    return true;
}

static void misbehaving(void)
{
    cc_mock *mock = mock_function(misbehave, NULL);
    IS(scoped("twice"), "the last one");
    IS(scoped("nothing"), "CC_ERR_INTERNAL");
    IS(scoped("status"), "CC_ERR_INTERNAL");
    IS(scoped("type"), "CC_ERR_INTERNAL");
    IS(scoped("type's bytes"), "CC_ERR_INTERNAL");
    IS(scoped("bytes"), "CC_ERR_BAD_RESPONSE");
    IS(scoped("empty"), "CC_ERR_BAD_RESPONSE");
    cc_request *request = cc_request_new();
    cc_request_set_scope(request, "nothing");
    IS(message(request), "Cannot fetch service account credentials from the Connect server.\n"
                         "The mock callback returned true without setting a reply.");
    cc_request_set_scope(request, "status");
    IS(message(request), "Cannot fetch service account credentials from the Connect server.\n"
                         "The mock callback set an invalid reply.\n"
                         "A mocked response's status is not from 100 to 599.");
    cc_request_free(request);
    CHECK(cc_mock_request_count(mock) == 9 && stats().failures == 8);
    cc_mock_end(mock);
}

/* ---- Functions that call the library ---- */

static bool ask_others(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const char *scope = cc_mock_request_param(request, "scope");
    int *depth = user_data;
    if (scope == NULL) {
        IS(service_account(NULL), "CC_ERR_INTERNAL");
        CHECK(!cc_has_service_account_token(NULL));
        IS(scoped("other"), "of other");
        reply_token(reply, "of all");
    } else {
        /* A detour through another key gives the same error. */
        IS(service_account(NULL), "CC_ERR_INTERNAL");
        IS(scoped("other"), "CC_ERR_INTERNAL");
        reply_token(reply, "of other");
    }
    ++*depth;
    return true;
}

static void asking_inside(void)
{
    int calls = 0;
    cc_mock *mock = mock_function(ask_others, &calls);
    IS(service_account(NULL), "of all");
    IS(scoped("other"), "of other");
    CHECK(calls == 2 && cc_mock_request_count(mock) == 2);
    CHECK(stats().hits == 1 && stats().exchanges == 2 && stats().failures == 0 &&
          stats().coalesced == 0);
    cc_mock_end(mock);
}

static bool forget_everything(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)request;
    (void)user_data;
    cc_cache_clear();
    CHECK(stats().exchanges > 0);
    CHECK(cc_mock_advance_time(NULL, 1) == CC_ERR_INVALID_ARGUMENT);
    cc_config_set_cache_capacity(10);
    cc_config_set_cache_capacity(0);
    reply_token(reply, "token");
    return true;
}

static void forgetting_inside(void)
{
    cc_mock *mock = mock_function(forget_everything, NULL);
    IS(service_account(NULL), "token");
    CHECK(stats().entries == 0); /* The session was forgotten during the exchange. */
    IS(service_account(NULL), "token");
    CHECK(cc_mock_request_count(mock) == 2);
    cc_mock_end(mock);
}

static cc_mock *started, *itself;

static bool start_and_end(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)request;
    (void)user_data;
    if (started == NULL)
        started = mock_token("of the one started inside");
    IS(service_account(NULL), "of the one started inside");
    cc_mock_end(itself);
    itself = NULL;
    CHECK(cc_running_on_connect());
    cc_mock *third = mock_token("third");
    IS(service_account(NULL), "third");
    cc_mock_end(third);
    reply_token(reply, "of the one that ended");
    return true;
}

static void starting_and_ending_inside(void)
{
    itself = mock_function(start_and_end, NULL);
    IS(service_account(NULL), "of the one that ended");
    IS(service_account(NULL), "of the one started inside");
    CHECK(cc_mock_request_count(started) == 1);
    cc_mock_end(started);
    CHECK(!cc_running_on_connect());
}

/* A cancel callback that requests the token that its own call waits for: it joins the exchange. */
struct asking {
    const cc_request *request;
    int asked;
};

static bool ask_what_it_cancels(void *user_data)
{
    struct asking *asking = user_data;
    /* The first time is before the call waits. */
    if (++asking->asked == 1)
        return false;
    cc_request *hasty = cc_request_copy(asking->request);
    cc_request_set_timeout_ms(hasty, 20);
    IS(viewer(getenv("VIEWER"), hasty), "CC_ERR_TIMEOUT");
    cc_request_free(hasty);
    return true;
}

static void asking_in_a_cancel_callback(void)
{
    cc_request *request = cc_request_new();
    struct asking asking = {request, 0};
    cc_request_set_cancel(request, ask_what_it_cancels, &asking);
    IS(viewer(getenv("VIEWER"), request), "CC_ERR_CANCELLED");
    CHECK(asking.asked == 2);
    cc_request_free(request);
}

int main(int argc, char **argv)
{
    static const struct scene scenes[] = {
        {"misbehaving", misbehaving},
        {"asking_inside", asking_inside},
        {"forgetting_inside", forgetting_inside},
        {"starting_and_ending_inside", starting_and_ending_inside},
        {"asking_in_a_cancel_callback", asking_in_a_cancel_callback},
    };
    return argc == 2 ? play(scenes, sizeof scenes / sizeof *scenes, argv[1]) : 2;
}

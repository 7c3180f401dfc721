/* What a request remembers, what its copies share, and its callbacks. */
#include <limits.h>

#include "mock.h"

static cc_status check(const cc_request *request)
{
    cc_error *error = NULL;
    cc_status status = cc_request_check(request, &error);
    CHECK((error != NULL) == (status != CC_OK) && cc_error_status(error) == status);
    cc_error_free(error);
    return status;
}

static void a_copy_begins_with_the_same_options_and_goes_its_own_way(void)
{
    cc_mock *mock = mock_token("token");
    cc_request *original = cc_request_new();
    cc_request_set_scope(original, "shared");
    cc_request *copy = cc_request_copy(original);
    IS(service_account(original), "token");
    IS(service_account(copy), "token");
    CHECK(cc_mock_request_count(mock) == 1);

    cc_request_set_scope(copy, "own");
    IS(service_account(copy), "token");
    CHECK(cc_mock_request_count(mock) == 2);
    IS(service_account(original), "token");
    CHECK(cc_mock_request_count(mock) == 2);

    cc_request_free(original);
    IS(service_account(copy), "token");
    cc_request_free(copy);

    copy = cc_request_copy(NULL);
    CHECK(copy != NULL && check(copy) == CC_OK);
    IS(service_account(copy), "token");
    cc_request_free(copy);
    cc_mock_end(mock);
}

static void a_rejected_value_is_reported_until_a_good_one_is_set(void)
{
    cc_mock *mock = mock_token("token");
    cc_request *request = cc_request_new();
    CHECK(check(request) == CC_OK);
    CHECK(check(NULL) == CC_OK);
    CHECK(cc_request_check(request, NULL) == CC_OK);

    CHECK(cc_request_set_server_url(request, "ftp://connect") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_scope(request, "a\nb") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_param(request, "p", "\x01") == CC_ERR_INVALID_ARGUMENT);
    cc_error *error = NULL;
    CHECK(cc_request_check(request, &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(strstr(cc_error_message(error), "URL") != NULL);
    cc_error_free(error);
    IS(service_account(request), "CC_ERR_INVALID_ARGUMENT");

    cc_request *copy = cc_request_copy(request);
    CHECK(cc_request_set_server_url(request, "https://connect.example") == CC_OK);
    CHECK(cc_request_check(request, &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(strstr(cc_error_message(error), "scope") != NULL);
    cc_error_free(error);
    CHECK(cc_request_set_scope(request, NULL) == CC_OK);
    CHECK(check(request) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_param(request, "q", "good") == CC_OK);
    CHECK(check(request) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_param(request, "p", "good") == CC_OK);
    CHECK(check(request) == CC_OK);
    IS(service_account(request), "token");
    CHECK(check(copy) == CC_ERR_INVALID_ARGUMENT);

    CHECK(cc_request_set_param(request, "scope", "s") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_param(request, "scope", NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(check(request) == CC_ERR_INVALID_ARGUMENT);
    cc_request_free(request);
    cc_request_free(copy);
    cc_mock_end(mock);
}

static void a_call_without_time_left_gives_a_cached_token_or_times_out(void)
{
    cc_mock *mock = mock_token("token");
    cc_request *request = cc_request_new();
    const int64_t none[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        CHECK(cc_request_set_time_left_ms(request, none[i]) == CC_OK);
        IS(service_account(request), "CC_ERR_TIMEOUT");
    }
    CHECK(cc_mock_request_count(mock) == 0);
    CHECK(cc_request_set_time_left_ms(request, INT64_MAX) == CC_OK);
    IS(service_account(request), "token");
    CHECK(cc_request_set_time_left_ms(request, 0) == CC_OK);
    IS(service_account(request), "token");
    /* So close to its end that a call with time waits for another. */
    CHECK(cc_mock_advance_time(mock, 3545) == CC_OK);
    IS(service_account(request), "token");
    CHECK(cc_mock_request_count(mock) == 1);
    CHECK(cc_mock_advance_time(mock, 55) == CC_OK);
    IS(service_account(request), "CC_ERR_TIMEOUT");
    CHECK(cc_request_set_timeout_ms(request, 0) == CC_OK);
    IS(service_account(request), "token");
    CHECK(cc_mock_request_count(mock) == 2);
    cc_request_free(request);
    cc_mock_end(mock);
}

static void a_number_that_came_of_a_negative_int_is_rejected(void)
{
    const uint32_t negative[] = {(uint32_t)-1, (uint32_t)INT_MIN};
    cc_request *request = cc_request_new();
    for (size_t i = 0; i < sizeof negative / sizeof *negative; i++) {
        uint32_t number = negative[i];
        CHECK(cc_request_set_timeout_ms(request, number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(check(request) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_request_set_time_left_ms(request, 1000) == CC_OK);
        CHECK(check(request) == CC_OK);
        CHECK(cc_request_set_min_validity_s(request, number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_request_set_min_validity_s(request, 0) == CC_OK);
        CHECK(cc_config_set_timeout_ms(number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_config_set_attempt_timeout_ms(number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_config_set_connect_timeout_ms(number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_config_set_max_attempts(number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_config_set_default_lifetime_s(number) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_config_set_cache_capacity((size_t)-1 - i) == CC_ERR_INVALID_ARGUMENT);
        CHECK(cc_config_set_cache_bytes((size_t)-1 - i) == CC_ERR_INVALID_ARGUMENT);
    }
    CHECK(cc_request_set_timeout_ms(request, INT32_MAX) == CC_OK);
    CHECK(cc_config_set_timeout_ms(INT32_MAX) == CC_OK);
    CHECK(cc_config_set_timeout_ms(0) == CC_OK);
    CHECK(check(request) == CC_OK);
    cc_request_free(request);
}

/* A cancel callback, how often it was asked, and what it does with its own request. */
struct canceller {
    cc_request *request;
    int asked, at;
    enum { NOTHING, REPLACE, REMOVE, FREE } then;
    bool cancel;
};

static bool never(void *asked)
{
    ++*(int *)asked;
    return false;
}

static int asked_of_another;

static bool cancelled(void *user_data)
{
    struct canceller *canceller = user_data;
    if (++canceller->asked == canceller->at) {
        switch (canceller->then) {
        case REPLACE:
            cc_request_set_cancel(canceller->request, never, &asked_of_another);
            break;
        case REMOVE:
            cc_request_set_cancel(canceller->request, NULL, NULL);
            break;
        case FREE:
            cc_request_free(canceller->request);
            break;
        case NOTHING:
            break;
        }
    }
    return canceller->cancel && canceller->asked >= canceller->at;
}

static void a_cancel_callback_is_asked_once_before_a_call_in_a_mock_and_not_on_a_hit(void)
{
    cc_mock *mock = mock_token("token");
    struct canceller canceller = {cc_request_new(), 0, 1, NOTHING, true};
    CHECK(cc_request_set_cancel(canceller.request, cancelled, &canceller) == CC_OK);
    IS(service_account(canceller.request), "CC_ERR_CANCELLED");
    CHECK(canceller.asked == 1 && cc_mock_request_count(mock) == 0);
    canceller.cancel = false;
    IS(service_account(canceller.request), "token");
    CHECK(canceller.asked == 2 && cc_mock_request_count(mock) == 1);
    IS(service_account(canceller.request), "token");
    CHECK(canceller.asked == 2);
    cc_request_free(canceller.request);
    cc_mock_end(mock);
}

/* Makes a call whose callback does something with its request at the first or a later time it is
 * asked. */
static void call_with(int at, int then, bool cancel)
{
    static int call;
    char scope[20];
    struct canceller canceller = {cc_request_new(), 0, at, then, cancel};
    snprintf(scope, sizeof scope, "call %d", ++call);
    asked_of_another = 0;
    cc_request_set_scope(canceller.request, scope);
    cc_request_set_force_refresh(canceller.request, true);
    cc_request_set_timeout_ms(canceller.request, 400 * slower());
    cc_request_set_cancel(canceller.request, cancelled, &canceller);
    char *outcome = service_account(canceller.request);
    /* The call goes on with the callback that it began with. */
    CHECK(asked_of_another == 0);
    CHECK(canceller.asked >= at);
    if (cancel)
        IS(outcome, "CC_ERR_CANCELLED");
    else
        free(outcome);
    if (then != FREE) {
        int asked = canceller.asked;
        free(service_account(canceller.request));
        CHECK(then == NOTHING || canceller.asked == asked);
        CHECK((then == REPLACE) == (asked_of_another > 0));
        cc_request_free(canceller.request);
    }
}

static void a_cancel_callback_may_replace_or_remove_itself_or_free_its_request(void)
{
    cc_mock *mock = mock_token("token");
    for (int then = REPLACE; then <= FREE; then++) {
        call_with(1, then, false);
        call_with(1, then, true);
    }
    cc_mock_end(mock);
}

/* The same while the call waits for a server that does not answer. */
static void a_cancel_callback_may_do_so_while_its_call_waits(void)
{
    for (int then = REPLACE; then <= FREE; then++) {
        call_with(3, then, false);
        call_with(3, then, true);
    }
}

int main(int count, char **arguments)
{
    static const struct scene scenes[] = {
        {"copy", a_copy_begins_with_the_same_options_and_goes_its_own_way},
        {"check", a_rejected_value_is_reported_until_a_good_one_is_set},
        {"time_left", a_call_without_time_left_gives_a_cached_token_or_times_out},
        {"negative", a_number_that_came_of_a_negative_int_is_rejected},
        {"cancel_at_entry",
         a_cancel_callback_is_asked_once_before_a_call_in_a_mock_and_not_on_a_hit},
        {"cancel_changes", a_cancel_callback_may_replace_or_remove_itself_or_free_its_request},
        {"cancel_changes_waiting", a_cancel_callback_may_do_so_while_its_call_waits},
    };
    return play(scenes, sizeof scenes / sizeof *scenes, count > 1 ? arguments[1] : "");
}

/*
 * A program of the time of the first release: built against connectcreds.h beside it, never
 * changed, and run on the library of today by tests/abi/first.rs. What is not as it was then is
 * printed, and makes the exit status 1.
 */
#include <connectcreds.h>

#include <stdio.h>
#include <string.h>

/* Of the first header, made by the test. */
extern void (*const every_function[])(void);

static int failures;

static void check(bool holds, const char *what)
{
    if (!holds) {
        printf("no longer: %s\n", what);
        failures++;
    }
}

#define CHECK(condition) check(condition, #condition)

static bool same(const char *string, const char *expected)
{
    return string != NULL && strcmp(string, expected) == 0;
}

static void tokens(void)
{
    cc_mock *mock;
    cc_token *token;
    CHECK(cc_mock_token("my-token", &mock, NULL) == CC_OK);
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    CHECK(same(cc_token_access_token(token), "my-token"));
    CHECK(same(cc_token_authorization(token), "Bearer my-token"));
    CHECK(same(cc_token_issued_type(token), CC_TOKEN_TYPE_ACCESS_TOKEN));
    CHECK(same(cc_token_field(token, "expires_in"), "3600"));
    CHECK(cc_token_expires_at(token) > 0);
    CHECK(cc_token_invalidate(token));
    cc_token_free(token);
    CHECK(cc_viewer_token("session", NULL, &token, NULL) == CC_OK);
    cc_token_free(token);
    CHECK(cc_mock_request_count(mock) == 2);
    cc_mock_end(mock);
}

static void errors(void)
{
    cc_mock *mock;
    cc_token *token;
    cc_error *error;
    CHECK(cc_workload_token(NULL, &token, &error) == CC_ERR_NOT_ON_CONNECT && token == NULL);
    CHECK(same(cc_error_message(error),
               "Workload identity tokens are only available when running on Connect."));
    cc_error_free(error);
    CHECK(cc_mock_failure(&mock, NULL) == CC_OK);
    CHECK(cc_service_account_token(NULL, &token, &error) == CC_ERR_REFUSED);
    CHECK(cc_error_status(error) == CC_ERR_REFUSED && cc_error_connect_code(error) == 212);
    CHECK(same(cc_status_name(cc_error_status(error)), "CC_ERR_REFUSED"));
    cc_error_free(error);
    cc_mock_end(mock);
}

/* Structures keep their layout, and no more is written than this header knows of. */
static void structures(void)
{
    const cc_mock_response responses[] = {
        {200, NULL, "{\"access_token\": \"first\"}"},
        {200, "application/json", "{\"access_token\": \"second\"}"},
    };
    struct {
        cc_cache_stats stats;
        unsigned char after[64];
    } counted;
    cc_mock *mock;
    cc_token *token;
    CHECK(cc_mock_responses(responses, 2, &mock, NULL) == CC_OK);
    CHECK(cc_has_service_account_token(NULL) && cc_has_workload_token(NULL));
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    CHECK(same(cc_token_access_token(token), "first"));
    cc_token_free(token);
    memset(&counted, 0x5a, sizeof counted);
    cc_cache_get_stats(&counted.stats, sizeof counted.stats);
    CHECK(counted.stats.hits == 1 && counted.stats.misses == 2 && counted.stats.entries == 2);
    for (size_t i = 0; i < sizeof counted.after; i++)
        CHECK(counted.after[i] == 0x5a);
    cc_mock_end(mock);
}

static bool reply(const cc_mock_request *request, cc_mock_reply *answer, void *user_data)
{
    CHECK(same(cc_mock_request_param(request, "scope"), user_data));
    cc_mock_reply_set(answer, 200, NULL, "{\"access_token\": \"mine\"}");
    return true;
}

static void count(int32_t level, const char *message, void *user_data)
{
    CHECK(level >= CC_LOG_ERROR && level <= CC_LOG_DEBUG && message != NULL);
    ++*(int *)user_data;
}

static bool never(void *user_data)
{
    return user_data != NULL;
}

static void callbacks(void)
{
    char scope[] = "my-scope";
    int lines = 0;
    cc_mock *mock;
    cc_token *token;
    cc_request *request = cc_request_new();
    CHECK(cc_request_set_scope(request, scope) == CC_OK);
    CHECK(cc_request_set_timeout_ms(request, 1000) == CC_OK);
    CHECK(cc_request_set_cancel(request, never, NULL) == CC_OK);
    cc_log_set_callback(CC_LOG_DEBUG, count, &lines);
    CHECK(cc_mock_function(reply, scope, &mock, NULL) == CC_OK);
    CHECK(cc_service_account_token(request, &token, NULL) == CC_OK);
    CHECK(same(cc_token_access_token(token), "mine") && cc_token_expires_at(token) == -1);
    cc_log_set_callback(0, NULL, NULL);
    CHECK(lines > 0);
    cc_token_free(token);
    cc_mock_end(mock);
    CHECK(cc_request_set_scope(request, "a\nb") == CC_ERR_INVALID_ARGUMENT);
    cc_request_free(request);
}

int main(void)
{
    size_t functions = 0;
    while (every_function[functions] != NULL)
        functions++;
    CHECK(functions > 80);
    tokens();
    errors();
    structures();
    callbacks();
    return failures > 0;
}

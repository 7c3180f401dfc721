/* The environment of a mock, the headers of its responses, and what a message tells a C host to do.
 */
#include "mock.h"

static void set(cc_mock *mock, const char *name, const char *value)
{
    CHECK(cc_mock_set_environment(mock, name, value) == CC_OK);
}

static void what_a_test_sets_in_a_mock_counts(void)
{
    cc_mock *mock = mock_token("token");
    CHECK(cc_running_on_connect());
    IS(service_account(NULL), "token");

    set(mock, "RSTUDIO_PRODUCT", NULL);
    CHECK(!cc_running_on_connect());
    IS(service_account(NULL), "CC_ERR_NOT_ON_CONNECT");
    IS(viewer("alice", NULL), "CC_ERR_NOT_ON_CONNECT");
    IS(workload(NULL), "CC_ERR_NOT_ON_CONNECT");
    set(mock, "POSIT_PRODUCT", "CONNECT_CLOUD");
    CHECK(cc_running_on_connect());
    IS(service_account(NULL), "token");

    set(mock, "CONNECT_CONTENT_SESSION_TOKEN", "");
    IS(service_account(NULL), "CC_ERR_NOT_SUPPORTED");
    IS(workload(NULL), "CC_ERR_NOT_SUPPORTED");
    IS(viewer("alice", NULL), "token");
    set(mock, "CONNECT_SERVER", NULL);
    IS(service_account(NULL), "CC_ERR_NOT_SUPPORTED");
    set(mock, "CONNECT_CONTENT_SESSION_TOKEN", "another");
    IS(service_account(NULL), "CC_ERR_NO_SERVER");
    set(mock, "CONNECT_API_KEY", NULL);
    IS(service_account(NULL), "CC_ERR_NO_SERVER");
    set(mock, "CONNECT_SERVER", "ftp://connect");
    IS(service_account(NULL), "CC_ERR_INVALID_ARGUMENT");
    set(mock, "CONNECT_SERVER", "https://connect.example/rsc");
    IS(service_account(NULL), "CC_ERR_NO_API_KEY");
    set(mock, "CONNECT_API_KEY", "another");
    IS(service_account(NULL), "token");

    CHECK(cc_mock_set_environment(mock, "HTTPS_PROXY", "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_set_environment(mock, NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_set_environment(mock, "CONNECT_API_KEY", "a\nb") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_set_environment(mock, "CONNECT_API_KEY", "\xff") == CC_ERR_INVALID_ARGUMENT);

    /* A mock inside has an environment of its own. */
    cc_mock *inner = mock_token("inner");
    set(mock, "CONNECT_API_KEY", NULL);
    IS(service_account(NULL), "inner");
    cc_mock_end(inner);
    IS(scoped("new"), "CC_ERR_NO_API_KEY");
    cc_mock_end(mock);
}

static bool sees(const cc_mock_request *request, cc_mock_reply *reply, void *expected)
{
    const char **words = expected;
    CHECK(strcmp(cc_mock_request_url(request), words[0]) == 0);
    CHECK(strcmp(cc_mock_request_header(request, "Authorization"), words[1]) == 0);
    CHECK(strcmp(cc_mock_request_param(request, "subject_token"), words[2]) == 0);
    reply_token(reply, "seen");
    return true;
}

static void what_a_test_sets_is_what_is_sent(void)
{
    const char *words[] = {"https://connect.example/__api__/v1/oauth/integrations/credentials",
                           "Key another", "mine"};
    cc_mock *mock = mock_function(sees, words);
    set(mock, "CONNECT_SERVER", "https://connect.example");
    set(mock, "CONNECT_API_KEY", "another");
    set(mock, "CONNECT_CONTENT_SESSION_TOKEN", "mine");
    CHECK(cc_mock_set_user_session_token(mock, "mine") == CC_OK);
    IS(service_account(NULL), "seen");
    IS(viewer(NULL, NULL), "seen");
    CHECK(cc_mock_request_count(mock) == 2);
    cc_mock_end(mock);
}

/* How many lines of the log name CC_ERR_NO_SESSION. */
static void count_warnings(int32_t level, const char *message, void *count)
{
    (void)level;
    *(int *)count += strstr(message, "CC_ERR_NO_SESSION") != NULL;
}

static void a_viewer_call_without_a_session_is_logged_and_can_fail_as_outside(void)
{
    int warnings = 0;
    cc_mock *mock = mock_token("token");
    cc_log_set_callback(CC_LOG_INFO, count_warnings, &warnings);
    IS(viewer("alice", NULL), "token");
    CHECK(warnings == 0);
    IS(viewer(NULL, NULL), "token");
    CHECK(warnings == 1);
    CHECK(cc_mock_set_user_session_token(mock, NULL) == CC_OK);
    IS(viewer(NULL, NULL), "CC_ERR_NO_SESSION");
    IS(viewer("alice", NULL), "token");
    IS(viewer("", NULL), "CC_ERR_NOT_SUPPORTED");
    CHECK(cc_mock_set_user_session_token(mock, "a\nb") == CC_ERR_INVALID_ARGUMENT);
    cc_log_set_callback(0, NULL, NULL);
    cc_mock_end(mock);
}

static bool replies_with_headers(const cc_mock_request *request, cc_mock_reply *reply, void *wrong)
{
    const char *scope = cc_mock_request_param(request, "scope");
    cc_mock_reply_set_header(reply, "Retry-After", "soon");
    cc_mock_reply_set_header(reply, "x-gone", "x");
    cc_mock_reply_set_header(reply, "X-Gone", NULL);
    if (scope != NULL)
        cc_mock_reply_set_header(reply, wrong, "value");
    cc_mock_reply_set(reply, 503, "text/plain", "later");
    cc_mock_reply_set_header(reply, "retry-after", "7");
    cc_mock_reply_set_header(reply, "X-Request-Id", "request-1");
    return true;
}

static void headers_of_a_reply_are_read_as_a_servers(void)
{
    cc_mock *mock = mock_function(replies_with_headers, "a b");
    cc_token *token;
    cc_error *error;
    CHECK(cc_service_account_token(NULL, &token, &error) == CC_ERR_BAD_RESPONSE);
    CHECK(cc_error_retry_after_ms(error) == 7000);
    CHECK(strstr(cc_error_message(error), "request-1") != NULL);
    cc_error_free(error);
    IS(scoped("x"), "CC_ERR_INTERNAL");
    cc_mock_end(mock);
    mock = mock_function(replies_with_headers, NULL);
    IS(scoped("x"), "CC_ERR_INTERNAL");
    cc_mock_end(mock);
    mock = mock_function(replies_with_headers, "X-Good");
    IS(scoped("x"), "CC_ERR_BAD_RESPONSE");
    cc_mock_end(mock);
}

static void a_message_names_the_setter_and_an_error_the_option(void)
{
    static const struct {
        const char *variable, *option, *first, *second;
    } expected[] = {
        {"CONNECT_SERVER", "server_url",
         "A Connect server URL is required to retrieve credentials.",
         "Set the environment variable CONNECT_SERVER, or call cc_request_set_server_url()."},
        {"CONNECT_API_KEY", "api_key",
         "A valid Connect API key is required to retrieve credentials.",
         "Set the environment variable CONNECT_API_KEY, or call cc_request_set_api_key()."},
    };
    for (size_t i = 0; i < 2; i++) {
        char message[300];
        cc_token *token;
        cc_error *error;
        cc_mock *mock = mock_token("token");
        set(mock, expected[i].variable, NULL);
        CHECK(cc_service_account_token(NULL, &token, &error) != CC_OK);
        snprintf(message, sizeof message, "%s\n%s", expected[i].first, expected[i].second);
        CHECK(strcmp(cc_error_message(error), message) == 0);
        CHECK(strcmp(cc_error_message_without_hint(error), expected[i].first) == 0);
        CHECK(strcmp(cc_error_option(error), expected[i].option) == 0);
        cc_error_free(error);
        set(mock, "RSTUDIO_PRODUCT", NULL);
        CHECK(cc_service_account_token(NULL, &token, &error) == CC_ERR_NOT_ON_CONNECT);
        CHECK(strcmp(cc_error_message(error), cc_error_message_without_hint(error)) == 0);
        CHECK(cc_error_option(error) == NULL);
        cc_error_free(error);
        cc_mock_end(mock);
    }
}

int main(int count, char **arguments)
{
    static const struct scene scenes[] = {
        {"environment", what_a_test_sets_in_a_mock_counts},
        {"sent", what_a_test_sets_is_what_is_sent},
        {"session", a_viewer_call_without_a_session_is_logged_and_can_fail_as_outside},
        {"headers", headers_of_a_reply_are_read_as_a_servers},
        {"hints", a_message_names_the_setter_and_an_error_the_option},
    };
    return play(scenes, sizeof scenes / sizeof *scenes, count > 1 ? arguments[1] : "");
}

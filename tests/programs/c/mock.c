/* A C program that mocks the server: responses, counts, cache and clock.
 *
 * Usage: mock SCENE
 *
 * Run by tests/mocks.rs. Failed checks are printed, and make the exit status 1. */
#include <time.h>

#include "mock.h"

/* ---- Responses ---- */

static void a_token(void)
{
    cc_mock *mock = mock_token("my \"token\"");
    cc_token *token;
    CHECK(cc_running_on_connect());
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    CHECK(strcmp(cc_token_access_token(token), "my \"token\"") == 0);
    CHECK(strcmp(cc_token_authorization(token), "Bearer my \"token\"") == 0);
    CHECK(strcmp(cc_token_issued_type(token), CC_TOKEN_TYPE_ACCESS_TOKEN) == 0);
    CHECK(cc_token_field_count(token) == 4);
    CHECK(strcmp(cc_token_field(token, "expires_in"), "3600") == 0);
    int64_t lives = cc_token_expires_at(token) - (int64_t)time(NULL);
    CHECK(lives > 3500 && lives <= 3600);
    cc_token_free(token);

    CHECK(cc_workload_token(NULL, &token, NULL) == CC_OK);
    CHECK(strcmp(cc_token_issued_type(token), CC_TOKEN_TYPE_ID_TOKEN) == 0);
    cc_token_free(token);
    CHECK(cc_has_service_account_token(NULL) && cc_has_workload_token(NULL) &&
          cc_has_viewer_token(NULL, NULL));
    /* One each for the service account, the workload and the viewer. */
    CHECK(cc_mock_request_count(mock) == 3);
    cc_mock_end(mock);
    CHECK(!cc_running_on_connect());
    IS(service_account(NULL), "CC_ERR_NOT_ON_CONNECT");
}

static void a_failure(void)
{
    cc_mock *mock;
    cc_token *token;
    cc_error *error;
    CHECK(cc_mock_failure(&mock, NULL) == CC_OK);
    CHECK(cc_service_account_token(NULL, &token, &error) == CC_ERR_REFUSED);
    CHECK(cc_error_http_status(error) == 400 && cc_error_connect_code(error) == 212);
    CHECK(strcmp(cc_error_message(error),
                 "Cannot fetch service account credentials from the Connect server.\n"
                 "The server rejected the request: HTTP 400, Connect error 212: "
                 "No OAuth integrations have been associated with this content item.\n"
                 "See https://docs.posit.co/connect/user/oauth-integrations/"
                 "#adding-oauth-integrations-to-deployed-content") == 0);
    cc_error_free(error);
    CHECK(!cc_has_service_account_token(NULL));
    CHECK(cc_mock_request_count(mock) == 1); /* A refusal is cached for 2 seconds. */
    CHECK(cc_mock_advance_time(mock, 2) == CC_OK);
    CHECK(!cc_has_service_account_token(NULL));
    CHECK(cc_mock_request_count(mock) == 2);
    cc_mock_end(mock);
}

static void responses_in_order(void)
{
    char body[] = "{\"access_token\": \"first\"}", type[] = "text/html";
    cc_mock_response responses[] = {
        {200, NULL, body},
        {502, type, "<h1>Bad\nGateway</h1>"},
        {401, "",
         "{\"code\": 22, \"error\": \"No such session-token and key.\", \"payload\": null}"},
        {200, "application/json", NULL},
    };
    cc_mock *mock;
    CHECK(cc_mock_responses(responses, sizeof responses / sizeof *responses, &mock, NULL) == CC_OK);
    /* Everything was copied. */
    memset(body, 'x', sizeof body - 1);
    memset(type, 'x', sizeof type - 1);
    responses[0].status = 0;

    cc_request *request = cc_request_new();
    cc_request_set_force_refresh(request, true);
    IS(service_account(request), "first");
    IS(message(request),
       "Cannot fetch service account credentials from the Connect server.\n"
       "The server's response was not understood: HTTP 502, text/html: <h1>Bad\\nGateway</h1>");
    CHECK(cc_mock_request_count(mock) == 2); /* There are no retries. */
    IS(message(request), "Cannot fetch service account credentials from the Connect server.\n"
                         "The server rejected the request: HTTP 401, Connect error 22: No such "
                         "session-token and key.");
    IS(service_account(request), "CC_ERR_BAD_RESPONSE");
    for (int i = 0; i < 3; i++) {
        cc_token *token;
        cc_error *error;
        CHECK(cc_service_account_token(request, &token, &error) == CC_ERR_BAD_RESPONSE);
        CHECK(cc_error_http_status(error) == 503 && cc_error_is_retryable(error));
        CHECK(strstr(cc_error_message(error), "The mock has no more responses.") != NULL);
        cc_error_free(error);
    }
    CHECK(cc_mock_request_count(mock) == 7);
    cc_request_free(request);
    cc_mock_end(mock);

    CHECK(cc_mock_responses(NULL, 0, &mock, NULL) == CC_OK);
    IS(service_account(NULL), "CC_ERR_BAD_RESPONSE");
    cc_mock_end(mock);
}

static void bad_input(void)
{
    const cc_mock_response wrong[] = {
        {99, NULL, "{}"},    {600, NULL, "{}"},   {-1, NULL, "{}"},
        {65736, NULL, "{}"}, {200, "a\nb", "{}"}, {200, "\xff", "{}"},
    };
    cc_mock *mock = (cc_mock *)&failures;
    cc_error *error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(cc_mock_responses(&wrong[i], 1, &mock, &error) == CC_ERR_INVALID_ARGUMENT);
        CHECK(mock == NULL && strstr(cc_error_message(error), "ocked response's") != NULL);
        cc_error_free(error);
    }
    CHECK(cc_mock_responses(NULL, 1, &mock, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_responses(wrong, SIZE_MAX, &mock, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_token(NULL, &mock, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_token("", &mock, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_token("a\nb", &mock, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_function(NULL, NULL, &mock, NULL) == CC_ERR_INVALID_ARGUMENT);
    /* No mock was started. */
    CHECK(!cc_running_on_connect());

    mock = mock_token("token");
    CHECK(cc_mock_advance_time(mock, -1) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_advance_time(mock, INT64_MIN) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_advance_time(mock, INT64_MAX) == CC_OK);
    CHECK(cc_mock_advance_time(mock, INT64_MAX) == CC_OK);
    IS(service_account(NULL), "token");
    cc_mock_end(mock);
}

/* ---- The request that a function receives ---- */

/* Prints the request and sends it to the real server. */
static bool print(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)reply;
    (void)user_data;
    printf("url\t%s\nmethod\t%s\n", cc_mock_request_url(request), cc_mock_request_method(request));
    for (size_t i = 0; i < cc_mock_request_header_count(request); i++) {
        const char *name = cc_mock_request_header_name(request, i),
                   *value = cc_mock_request_header_value(request, i);
        CHECK(strcmp(cc_mock_request_header(request, name), value) == 0);
        printf("header\t%s\t%s\n", name, value);
    }
    for (size_t i = 0; i < cc_mock_request_param_count(request); i++) {
        const char *name = cc_mock_request_param_name(request, i),
                   *value = cc_mock_request_param_value(request, i);
        CHECK(strcmp(cc_mock_request_param(request, name), value) == 0);
        printf("param\t%s\t%s\n", name, value);
    }
    return false;
}

static void let_out(void)
{
    cc_mock *mock = mock_function(print, NULL);
    cc_request *request = cc_request_new();
    cc_request_set_server_url(request, getenv("CONNECT_SERVER"));
    cc_request_set_api_key(request, getenv("CONNECT_API_KEY"));
    cc_request_set_content_token(request, getenv("CONNECT_CONTENT_SESSION_TOKEN"));
    cc_request_set_scope(request, "a+b &=\xc3\xa9");
    cc_request_set_param(request, "login hint", "x=y&z");
    cc_token *token;
    CHECK(cc_mock_advance_time(mock, 1000000) == CC_OK);
    CHECK(cc_service_account_token(request, &token, NULL) == CC_OK);
    cc_token_free(token);
    /* It is cached inside the mock, with its real age. */
    CHECK(cc_service_account_token(request, &token, NULL) == CC_OK);
    CHECK(cc_token_expires_at(token) <= (int64_t)time(NULL) + 3600);
    cc_token_free(token);
    CHECK(cc_mock_request_count(mock) == 1);
    cc_request_free(request);
    cc_mock_end(mock);
}

/* The mocked environment. The process's own names a server that does not exist. */

struct expected {
    const char *url, *key, *type, *token;
};

static bool expect(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const struct expected *expected = user_data;
    CHECK(strcmp(cc_mock_request_url(request), expected->url) == 0);
    CHECK(strcmp(cc_mock_request_method(request), "POST") == 0);
    CHECK(strcmp(cc_mock_request_header(request, "authorization"), expected->key) == 0);
    CHECK(strcmp(cc_mock_request_header(request, "CONTENT-TYPE"),
                 "application/x-www-form-urlencoded") == 0);
    CHECK(strcmp(cc_mock_request_header(request, "Accept"), "application/json") == 0);
    CHECK(strcmp(cc_mock_request_header(request, "User-Agent"), "connectcreds/" CC_VERSION) == 0);
    CHECK(cc_mock_request_header(request, "Cookie") == NULL);
    CHECK(cc_mock_request_header(request, "\xff") == NULL &&
          cc_mock_request_header(request, NULL) == NULL);
    CHECK(strcmp(cc_mock_request_param(request, "grant_type"),
                 "urn:ietf:params:oauth:grant-type:token-exchange") == 0);
    CHECK(strcmp(cc_mock_request_param(request, "subject_token_type"), expected->type) == 0);
    CHECK(strcmp(cc_mock_request_param(request, "subject_token"), expected->token) == 0);
    CHECK(cc_mock_request_param(request, "resource") == NULL &&
          cc_mock_request_param(request, NULL) == NULL);
    CHECK(cc_mock_request_param_name(request, 1000) == NULL &&
          cc_mock_request_param_value(request, 1000) == NULL);
    CHECK(cc_mock_request_header_name(request, 4) == NULL &&
          cc_mock_request_header_value(request, 4) == NULL);
    reply_token(reply, "token");
    return true;
}

#define ENDPOINT "/__api__/v1/oauth/integrations/credentials"

static void environment(void)
{
    char *server = copy_of(getenv("CONNECT_SERVER"));
    struct expected expected = {"http://localhost:3030" ENDPOINT, "Key key",
                                CC_TOKEN_TYPE_CONTENT_SESSION, "session-token"};
    cc_mock *mock = mock_function(expect, &expected);
    IS(service_account(NULL), "token");
    IS(workload(NULL), "token");
    expected.type = CC_TOKEN_TYPE_USER_SESSION;
    expected.token = "user-token";
    IS(viewer(NULL, NULL), "token");
    expected.token = "alice";
    IS(viewer("alice", NULL), "token");
    IS(viewer("", NULL), "CC_ERR_NOT_SUPPORTED");

    /* Values of the request take precedence. */
    cc_request *request = cc_request_new();
    cc_request_set_server_url(request, "https://connect.example.com/rsc/");
    cc_request_set_api_key(request, "my-key");
    cc_request_set_content_token(request, "my-content");
    expected = (struct expected){"https://connect.example.com/rsc" ENDPOINT, "Key my-key",
                                 CC_TOKEN_TYPE_CONTENT_SESSION, "my-content"};
    IS(service_account(request), "token");
    cc_token *token;
    expected.type = CC_TOKEN_TYPE_ID_TOKEN;
    expected.token = "from a job";
    CHECK(cc_exchange_token("from a job", CC_TOKEN_TYPE_ID_TOKEN, request, &token, NULL) == CC_OK);
    cc_token_free(token);
    CHECK(cc_mock_request_count(mock) == 6);
    CHECK(strcmp(getenv("CONNECT_SERVER"), server) == 0);
    free(server);
    cc_request_free(request);
    cc_mock_end(mock);
}

static void on_connect(void)
{
    cc_request *request = cc_request_new();
    CHECK(cc_request_set_on_connect(request, true) == CC_OK);
    IS(service_account(request), "CC_ERR_NOT_SUPPORTED");
    IS(viewer(NULL, request), "CC_ERR_NO_SESSION");
    IS(viewer("", request), "CC_ERR_NOT_SUPPORTED");
    cc_request_set_content_token(request, "token");
    IS(workload(request), "CC_ERR_NO_SERVER");
    cc_request_set_on_connect(request, false);
    IS(service_account(request), "CC_ERR_NOT_ON_CONNECT");
    CHECK(!cc_running_on_connect());
    cc_request_free(request);
}

/* ---- Cache and clock ---- */

static void caches(void)
{
    cc_token *real, *mocked, *newer;
    CHECK(cc_service_account_token(NULL, &real, NULL) == CC_OK);
    cc_mock *mock = mock_token(cc_token_access_token(real));
    CHECK(stats().entries == 0 && stats().exchanges == 0);
    CHECK(cc_service_account_token(NULL, &mocked, NULL) == CC_OK);
    free(service_account(NULL));
    CHECK(stats().hits == 1 && stats().misses == 1 && stats().exchanges == 1 &&
          stats().entries == 1);

    /* A token is dropped from the cache that it came from, although an equal one is in the other.
     */
    CHECK(cc_token_invalidate(real) && !cc_token_invalidate(real));
    CHECK(stats().entries == 1);
    CHECK(cc_token_invalidate(mocked) && !cc_token_invalidate(mocked));
    CHECK(stats().entries == 0);

    free(service_account(NULL));
    free(viewer("alice", NULL));
    cc_cache_forget_session("alice");
    CHECK(stats().entries == 1);
    cc_config_set_cache_capacity(1);
    free(scoped("x"));
    CHECK(stats().entries == 1 && stats().evictions == 1);
    cc_config_set_cache_capacity(0);
    cc_cache_clear();
    CHECK(stats().entries == 0);
    CHECK(cc_mock_request_count(mock) == 4);
    free(service_account(NULL));
    cc_mock_end(mock);

    /* Its cache has ended with it, and a mock with equal responses has a different one. */
    mock = mock_token(cc_token_access_token(mocked));
    free(service_account(NULL));
    CHECK(!cc_token_invalidate(mocked) && stats().entries == 1);
    cc_mock_end(mock);
    CHECK(stats().entries == 0 && stats().exchanges == 1);
    CHECK(cc_service_account_token(NULL, &newer, NULL) == CC_OK);
    CHECK(stats().exchanges == 2);
    CHECK(strcmp(cc_token_access_token(newer), cc_token_access_token(mocked)) != 0);
    cc_token_free(real);
    cc_token_free(mocked);
    cc_token_free(newer);
}

static bool count_up(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    char name[20];
    (void)request;
    snprintf(name, sizeof name, "token %d", ++*(int *)user_data);
    reply_token(reply, name);
    return true;
}

static void keep_line(int32_t level, const char *message, void *line)
{
    (void)level;
    snprintf(line, 200, "%s", message);
}

/* By the real clock, a token that was just issued would expire "in 4600 s". */
static void log_by_its_clock(void)
{
    static char line[200];
    cc_mock *mock = mock_token("token");
    CHECK(cc_mock_advance_time(mock, 1000) == CC_OK);
    cc_log_set_callback(CC_LOG_INFO, keep_line, line);
    IS(service_account(NULL), "token");
    cc_log_set_callback(CC_LOG_INFO, NULL, NULL);
    CHECK(strstr(line, "expires in 36") != NULL || strstr(line, "expires in 35") != NULL);
    cc_mock_end(mock);
}

static void passing_time(void)
{
    int tokens = 0;
    cc_mock *mock = mock_function(count_up, &tokens);
    IS(service_account(NULL), "token 1");
    CHECK(cc_mock_advance_time(mock, 3600 - 70) == CC_OK);
    /* Outside a mock, a background refresh would start now. */
    for (int i = 0; i < 100; i++)
        IS(service_account(NULL), "token 1");
    CHECK(stats().stale_hits == 100 && cc_mock_request_count(mock) == 1);
    CHECK(cc_mock_advance_time(mock, 11) == CC_OK);
    IS(service_account(NULL), "token 2");

    /* Responses are dated by the same clock as the cache. */
    cc_token *token;
    CHECK(cc_mock_advance_time(mock, 1000000) == CC_OK);
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    int64_t lives = cc_token_expires_at(token) - (int64_t)time(NULL);
    CHECK(lives > 1003541 - 100 && lives <= 1003600 + 3541);
    cc_token_free(token);
    CHECK(cc_mock_request_count(mock) == 3 && tokens == 3);

    /* Another mock has a clock of its own. */
    cc_mock *inner = mock_token("inner");
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_OK);
    CHECK(cc_token_expires_at(token) <= (int64_t)time(NULL) + 3600);
    cc_token_free(token);
    cc_mock_end(inner);
    IS(service_account(NULL), "token 3");
    cc_mock_end(mock);
}

/* A refresh with a refresh token is a separate request, and is not retried either. */
static bool renew(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const char *refresh_token = cc_mock_request_param(request, "refresh_token");
    int *questions = user_data;
    switch (++*questions) {
    case 1:
        CHECK(refresh_token == NULL);
        cc_mock_reply_set(
            reply, 200, NULL,
            "{\"access_token\": \"1\", \"refresh_token\": \"r\", \"expires_in\": 100}");
        break;
    case 2:
        CHECK(strcmp(cc_mock_request_param(request, "grant_type"), "refresh_token") == 0);
        CHECK(strcmp(refresh_token, "r") == 0);
        cc_mock_reply_set(reply, 400, NULL, "{\"error\": \"invalid_grant\"}");
        break;
    default:
        CHECK(refresh_token == NULL);
        cc_mock_reply_set(reply, 200, NULL, "{\"access_token\": \"2\", \"expires_in\": 100}");
    }
    return true;
}

static void renewal(void)
{
    int questions = 0;
    cc_mock *mock = mock_function(renew, &questions);
    IS(service_account(NULL), "1");
    cc_mock_advance_time(mock, 100);
    IS(service_account(NULL), "2");
    CHECK(questions == 3 && cc_mock_request_count(mock) == 3 && stats().exchanges == 2);
    cc_mock_end(mock);
}

/* ---- Nesting ---- */

static void nesting(void)
{
    cc_mock *outer = mock_token("outer");
    IS(service_account(NULL), "outer");
    cc_mock *middle = mock_token("middle");
    IS(service_account(NULL), "middle");
    cc_mock *inner = mock_token("inner");
    IS(service_account(NULL), "inner");
    cc_mock_end(middle);
    IS(service_account(NULL), "inner");
    cc_mock_end(inner);
    IS(service_account(NULL), "outer"); /* From its cache, which is unchanged. */
    CHECK(cc_mock_request_count(outer) == 1 && stats().hits == 1);
    inner = mock_token("inner");
    cc_mock_end(outer);
    IS(service_account(NULL), "inner");
    cc_mock_end(inner);
    CHECK(!cc_running_on_connect());
}

/* Returns the memory of the process, in pages. */
static long resident(void)
{
    long size = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (statm != NULL)
        fclose(statm);
    return resident;
}

static void many(void)
{
    long before = 0;
    for (int i = 0; i < 20000; i++) {
        if (i == 1000)
            before = resident();
        cc_mock *mock = mock_token("token");
        IS(service_account(NULL), "token");
        cc_mock_end(mock);
    }
    /* Leaked mocks of 3 kB would add up to 57 MB. */
    CHECK(before > 0 && (resident() - before) * sysconf(_SC_PAGESIZE) < 10 * 1024 * 1024);
}

int main(int argc, char **argv)
{
    static const struct scene scenes[] = {
        {"a_token", a_token},
        {"a_failure", a_failure},
        {"responses_in_order", responses_in_order},
        {"bad_input", bad_input},
        {"let_out", let_out},
        {"environment", environment},
        {"on_connect", on_connect},
        {"caches", caches},
        {"log_by_its_clock", log_by_its_clock},
        {"passing_time", passing_time},
        {"renewal", renewal},
        {"nesting", nesting},
        {"many", many},
    };
    return argc == 2 ? play(scenes, sizeof scenes / sizeof *scenes, argv[1]) : 2;
}

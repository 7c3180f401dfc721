/* Calls the snippets of the guide, which stand before this file, and checks what they do. */

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

static char asked[500];

/* Responds to every request with AWS credentials, which are a token like any other, and notes what
 * was asked. */
static bool note(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const char *names[] = {"resource", "scope", "requested_token_type"};
    const char *values[3];
    (void)user_data;
    for (int i = 0; i < 3; i++) {
        values[i] = cc_mock_request_param(request, names[i]);
        if (values[i] == NULL)
            values[i] = "-";
    }
    CHECK(strcmp(cc_mock_request_param(request, "subject_token"), "viewer") == 0);
    snprintf(asked, sizeof asked, "resource=%s scope=%s type=%s", values[0], values[1], values[2]);
    /* {"accessKeyId":"AKIA","secretAccessKey":"s","sessionToken":"t"} */
    cc_mock_reply_set(
        reply, 200, NULL,
        "{\"access_token\": \"eyJhY2Nlc3NLZXlJZCI6IkFLSUEiLCJzZWNyZXRBY2Nlc3NLZXkiOiJzIiwic2Vzc2lv"
        "blRva2VuIjoidCJ9\"}");
    return true;
}

typedef cc_status (*service_fn)(const char *session_token, cc_token **token, cc_error **error);

static void service(const char *name, service_fn get)
{
    cc_mock *mock;
    cc_token *token = NULL;
    CHECK(cc_mock_function(note, NULL, &mock, NULL) == CC_OK);
    CHECK(get("viewer", &token, NULL) == CC_OK && token != NULL);
    printf("service %s %s\n", name, asked);
    if (get == aws_token)
        CHECK(print_expiry(token, NULL) == CC_OK);
    cc_token_free(token);
    cc_mock_end(mock);
    CHECK(get("viewer", &token, NULL) == CC_ERR_NOT_ON_CONNECT);
}

static void check_whose_token(void)
{
    cc_mock *mock;
    cc_token *token;
    cc_request *request = cc_request_new();
    mock_viewers(&mock, NULL);
    CHECK(token_for("alice", request, &token, NULL) == CC_OK);
    CHECK(strcmp(cc_token_access_token(token), "token-of-alice") == 0);
    cc_token_free(token);
    CHECK(token_for(NULL, request, &token, NULL) == CC_OK);
    CHECK(strcmp(cc_token_access_token(token), "token-of-session-token") == 0);
    cc_token_free(token);
    CHECK(token_for("", request, &token, NULL) == CC_ERR_NOT_SUPPORTED);
    cc_request_free(request);
    cc_mock_end(mock);
}

static void check_web_servers(void)
{
    cc_mock *mock;
    cc_request *request = cc_request_new();
    cc_mock_token("t", &mock, NULL);
    CHECK(serve("alice", request) == 200 && serve("", request) == 401);
    cc_mock_set_user_session_token(mock, NULL);
    CHECK(serve(NULL, request) == 401);
    cc_mock_end(mock);
    cc_mock_failure(&mock, NULL);
    CHECK(serve("alice", request) == 503);
    cc_mock_end(mock);
    cc_request_free(request);
}

static void check_integrations(void)
{
    const cc_mock_integration list[] = {
        {"guid-1", "Warehouse", NULL, "databricks", "Service Account"},
        {"guid-2", "Lake", NULL, "databricks", "Service Account"}};
    cc_mock *mock;
    cc_token *token;
    cc_mock_token("t", &mock, NULL);
    cc_mock_integrations(mock, list, 2);
    CHECK(warehouse_token(&token, NULL) == CC_OK);
    cc_token_free(token);
    CHECK(print_integrations(NULL) == CC_OK);
    cc_mock_integrations(mock, list + 1, 1);
    cc_cache_clear();
    CHECK(warehouse_token(&token, NULL) == CC_ERR_REFUSED);
    cc_mock_end(mock);
}

static void check_networks(void)
{
    cc_error *error;
    CHECK(trust("/nowhere/ca.pem", &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(strstr(cc_error_message(error), "/nowhere/ca.pem") != NULL);
    cc_error_free(error);
    CHECK(trust(NULL, NULL) == CC_OK);
}

static void check_freshness(void)
{
    const cc_mock_response responses[] = {
        {200, NULL, "{\"access_token\": \"short\", \"expires_in\": 600}"},
        {200, NULL, "{\"access_token\": \"long\", \"expires_in\": 3600}"}};
    cc_mock *mock;
    cc_token *token;
    cc_mock_responses(responses, 2, &mock, NULL);
    cc_service_account_token(NULL, &token, NULL);
    cc_token_free(token);
    CHECK(token_for_a_long_query(&token, NULL) == CC_OK);
    CHECK(strcmp(cc_token_access_token(token), "long") == 0);
    cc_token_free(token);
    cc_mock_end(mock);
}

static void check_failures(void)
{
    const cc_mock_response busy = {503, NULL, "{}"};
    cc_mock *mock;
    cc_token *token;
    cc_error *error;
    cc_mock_responses(&busy, 1, &mock, NULL);
    cc_service_account_token(NULL, &token, &error);
    CHECK(retry_in_s(error) == 30);
    cc_error_free(error);
    cc_mock_end(mock);
    cc_mock_failure(&mock, NULL);
    cc_service_account_token(NULL, &token, &error);
    CHECK(retry_in_s(error) == -1);
    cc_error_free(error);
    cc_mock_end(mock);
}

static void check_single_flight_and_threads(void)
{
    cc_mock *mock;
    cc_request *request = cc_request_new();
    cc_mock_token("t", &mock, NULL);
    cc_token *token = token_of_a_thread(request);
    CHECK(strcmp(cc_token_access_token(token), "t") == 0);
    cc_token_free(token);
    CHECK(calls_that_shared_an_exchange() == 0);
    cc_request_free(request);
    cc_mock_end(mock);
}

static void check_signals(void)
{
    cc_mock *mock;
    cc_token *token;
    cc_mock_token("t", &mock, NULL);
    interrupted = 1;
    CHECK(interruptible_token(&token, NULL) == CC_ERR_CANCELLED);
    interrupted = 0;
    CHECK(interruptible_token(&token, NULL) == CC_OK);
    cc_token_free(token);
    cc_mock_end(mock);
}

int main(void)
{
    check_whose_token();
    puts("page whose-token.md\npage how/mocks.md");
    check_web_servers();
    puts("page web-servers.md");
    check_integrations();
    puts("page integrations.md");
    check_networks();
    puts("page networks.md");
    test_that_an_expired_token_is_replaced();
    puts("page testing.md");
    check_freshness();
    puts("page how/freshness.md");
    check_failures();
    puts("page how/failures.md");
    check_single_flight_and_threads();
    puts("page how/single-flight.md\npage how/fork-and-threads.md");
    check_signals();
    puts("page how/signals.md");
    CHECK(library_is_new_enough());
    puts("page how/versions.md");
    service("databricks", databricks_token);
    service("snowflake", snowflake_token);
    service("aws", aws_token);
    service("azure", azure_token);
    service("azure_openai", azure_openai_token);
    service("google", google_token);
    service("github", github_token);
    service("salesforce", salesforce_token);
    service("microsoft_graph", microsoft_graph_token);
    service("connect_api", connect_api_token);
    return 0;
}

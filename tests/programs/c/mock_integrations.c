/* Integrations in mocks: given by the host, or listed by the mock's function. And a call that is
 * started while its integration is looked up. */
#include "mock.h"

static const cc_mock_integration given[] = {
    {"guid-1", "Warehouse", "all of it", "databricks", "Service Account"},
    {"guid-2", "Warehouse", NULL, "databricks", "Viewer"},
    {"guid-3", "Old", "", NULL, NULL},
};

static cc_request *named(const char *integration)
{
    cc_request *request = cc_request_new();
    CHECK(cc_request_set_integration(request, integration) == CC_OK);
    return request;
}

static char *token_of(const char *integration)
{
    cc_request *request = named(integration);
    char *answer = service_account(request);
    cc_request_free(request);
    return answer;
}

static bool contains(cc_request *request, const char *text)
{
    char *why = message(request);
    bool found = strstr(why, text) != NULL;
    if (!found)
        printf("%s does not contain %s\n", why, text);
    free(why);
    return found;
}

/* Replies with the audience as the token, and with a list that the test sets. */
static const char *list;
static int lists;

static bool respond(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    (void)user_data;
    if (strcmp(cc_mock_request_method(request), "GET") == 0) {
        static const char path[] =
            "http://localhost:3030/__api__/v1/content/content-guid/oauth/integrations/associations";
        lists++;
        CHECK(strcmp(cc_mock_request_url(request), path) == 0);
        CHECK(strcmp(cc_mock_request_header(request, "Authorization"), "Key key") == 0);
        CHECK(cc_mock_request_header(request, "Content-Type") == NULL);
        CHECK(cc_mock_request_param_count(request) == 0);
        cc_mock_reply_set(reply, list[0] == '[' ? 200 : 403, NULL, list);
        return true;
    }
    CHECK(strcmp(cc_mock_request_method(request), "POST") == 0);
    const char *audience = cc_mock_request_param(request, "audience");
    if (audience != NULL && strcmp(audience, "gone") == 0)
        cc_mock_reply_set(reply, 400, NULL, "{\"code\": 4, \"error\": \"No such integration.\"}");
    else
        reply_token(reply, audience != NULL ? audience : "none");
    return true;
}

static void what_a_mock_is_given_is_listed_and_chosen_from(void)
{
    cc_integrations *integrations;
    cc_mock *mock = mock_function(respond, NULL);
    list = "";
    CHECK(cc_mock_integrations(mock, given, 3) == CC_OK);
    CHECK(cc_integrations_list(NULL, &integrations, NULL) == CC_OK);
    CHECK(cc_integrations_count(integrations) == 3);
    CHECK(strcmp(cc_integrations_guid(integrations, 0), "guid-1") == 0);
    CHECK(strcmp(cc_integrations_name(integrations, 0), "Warehouse") == 0);
    CHECK(strcmp(cc_integrations_description(integrations, 0), "all of it") == 0);
    CHECK(strcmp(cc_integrations_template(integrations, 1), "databricks") == 0);
    CHECK(strcmp(cc_integrations_auth_type(integrations, 1), "Viewer") == 0);
    CHECK(cc_integrations_description(integrations, 2) == NULL);
    CHECK(cc_integrations_template(integrations, 2) == NULL);
    CHECK(cc_integrations_auth_type(integrations, 2) == NULL);
    CHECK(cc_integrations_guid(integrations, 3) == NULL);
    cc_integrations_free(integrations);

    cc_request *request = named("warehouse ");
    IS(service_account(request), "guid-1");
    IS(viewer("alice", request), "guid-2");
    cc_request_free(request);
    IS(token_of("Old"), "guid-3");
    CHECK(cc_mock_request_count(mock) == 3 && lists == 0);
    IS(token_of("databricks"), "CC_ERR_REFUSED");
    IS(token_of("22644575-7b3c-4d0e-9f2a-1c5d8e7f6a90"), "22644575-7b3c-4d0e-9f2a-1c5d8e7f6a90");

    CHECK(cc_mock_integrations(mock, NULL, 0) == CC_OK);
    IS(token_of("another"), "CC_ERR_REFUSED");
    CHECK(cc_mock_integrations(mock, NULL, 1) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_integrations(NULL, given, 3) == CC_ERR_INVALID_ARGUMENT);
    cc_mock_integration without_guid = {"", "name", NULL, NULL, NULL};
    CHECK(cc_mock_integrations(mock, &without_guid, 1) == CC_ERR_INVALID_ARGUMENT);
    cc_mock_end(mock);
}

static void a_mock_function_lists_once_in_five_minutes(void)
{
    cc_mock *mock = mock_function(respond, NULL);
    list = "[{\"oauth_integration_guid\": \"one\", \"oauth_integration_name\": \"a\"},"
           " {\"oauth_integration_guid\": \"two\", \"oauth_integration_name\": \"b\"}]";
    IS(token_of("a"), "one");
    IS(token_of("b"), "two");
    CHECK(lists == 1 && cc_mock_request_count(mock) == 3);
    cc_mock_advance_time(mock, 299);
    IS(token_of("A"), "one");
    CHECK(lists == 1);
    cc_mock_advance_time(mock, 1);
    IS(token_of("B"), "two");
    CHECK(lists == 2);

    cc_integrations *integrations;
    cc_request *request = cc_request_new();
    CHECK(cc_integrations_list(request, &integrations, NULL) == CC_OK && lists == 2);
    cc_integrations_free(integrations);
    cc_request_set_force_refresh(request, true);
    CHECK(cc_integrations_list(request, &integrations, NULL) == CC_OK && lists == 3);
    cc_integrations_free(integrations);
    cc_request_free(request);
    cc_cache_clear();
    IS(token_of("a"), "one");
    CHECK(lists == 4);
    cc_mock_end(mock);
}

static void a_guid_that_is_refused_is_looked_up_once_more(void)
{
    cc_mock *mock = mock_function(respond, NULL);
    list = "[{\"oauth_integration_guid\": \"gone\", \"oauth_integration_name\": \"a\"},"
           " {\"oauth_integration_guid\": \"two\", \"oauth_integration_name\": \"b\"}]";
    IS(token_of("b"), "two");
    list = "[{\"oauth_integration_guid\": \"new\", \"oauth_integration_name\": \"a\"}]";
    IS(token_of("a"), "new");
    CHECK(lists == 2);
    /* The same again: the server's refusal, and no request for each call. */
    cc_cache_clear();
    list = "[{\"oauth_integration_guid\": \"gone\", \"oauth_integration_name\": \"a\"}]";
    IS(token_of("a"), "CC_ERR_REFUSED");
    CHECK(lists == 3);
    IS(token_of(" a"), "CC_ERR_REFUSED");
    CHECK(lists == 4);
    IS(token_of("a "), "CC_ERR_REFUSED");
    CHECK(lists == 4);
    cc_mock_end(mock);
}

static void a_list_that_fails_is_an_error_that_says_so(void)
{
    cc_mock *mock = mock_function(respond, NULL);
    cc_request *request = named("a");
    list = "{\"code\": 22, \"error\": \"You have no permission.\"}";
    CHECK(contains(request, "Cannot list the integrations of this content.\n"));
    CHECK(contains(request, "HTTP 403, Connect error 22: You have no permission.\n"));
    CHECK(contains(request, "publisher's rights"));
    cc_mock_set_environment(mock, "CONNECT_CONTENT_GUID", NULL);
    cc_mock_advance_time(mock, 10);
    IS(service_account(request), "CC_ERR_NOT_SUPPORTED");
    CHECK(contains(request, "CONNECT_CONTENT_GUID is not set"));
    cc_request_free(request);
    cc_mock_end(mock);
}

static void a_token_outlives_the_right_to_list(void)
{
    cc_mock *mock = mock_function(respond, NULL);
    cc_request *request = named("a");
    list = "[{\"oauth_integration_guid\": \"one\", \"oauth_integration_name\": \"a\"}]";
    IS(service_account(request), "one");
    list = "{\"code\": 22, \"error\": \"You have no permission.\"}";
    cc_mock_advance_time(mock, 3000);
    cc_request_set_min_validity_s(request, 1200);
    IS(service_account(request), "one");
    CHECK(lists == 2);
    cc_mock_advance_time(mock, 600);
    IS(service_account(request), "CC_ERR_REFUSED");
    cc_request_free(request);
    cc_mock_end(mock);
}

static void other_mocks_accept_every_name(void)
{
    cc_mock_response response = {200, NULL, "{\"access_token\": \"in turn\"}"};
    cc_mock *mock = mock_token("token");
    IS(token_of("anything"), "token");
    CHECK(cc_mock_request_count(mock) == 1);
    CHECK(cc_mock_integrations(mock, given, 3) == CC_OK);
    IS(token_of("nothing"), "CC_ERR_REFUSED");
    cc_mock_end(mock);
    CHECK(cc_mock_responses(&response, 1, &mock, NULL) == CC_OK);
    IS(token_of("anything"), "in turn");
    cc_mock_end(mock);
    CHECK(cc_mock_failure(&mock, NULL) == CC_OK);
    cc_request *request = named("anything");
    CHECK(contains(request, "No integrations are associated with this content."));
    cc_request_free(request);
    cc_mock_end(mock);
}

static void an_audience_and_an_integration_exclude_one_another(void)
{
    cc_error *error;
    cc_request *request = named("a");
    CHECK(cc_request_set_audience(request, "g") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_check(request, &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(strstr(cc_error_message(error), "cannot both be set") != NULL);
    cc_error_free(error);
    CHECK(cc_request_set_integration(request, NULL) == CC_OK);
    CHECK(cc_request_check(request, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_audience(request, "g") == CC_OK);
    CHECK(cc_request_check(request, NULL) == CC_OK);
    CHECK(cc_request_set_integration(request, "a") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_integration(request, NULL) == CC_OK);
    CHECK(cc_request_check(request, NULL) == CC_OK);
    CHECK(cc_request_set_integration(request, "a\n") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_integration(NULL, "a") == CC_ERR_INVALID_ARGUMENT);
    cc_request_free(request);
    CHECK(cc_integrations_list(NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_integrations_count(NULL) == 0 && cc_integrations_guid(NULL, 0) == NULL);
    cc_integrations_free(NULL);
}

/* On a server that does not respond to the request for the list. */
static void a_start_does_not_wait_for_the_list(void)
{
    cc_call *call;
    cc_token *token;
    cc_request *request = named("Stand-in");
    cc_request_set_timeout_ms(request, 300);
    CHECK(cc_service_account_token_start(request, &call, NULL) == CC_OK);
    CHECK(!cc_call_is_done(call));
    CHECK(cc_call_finish(call, &token, NULL) == CC_ERR_TIMEOUT);
    cc_call_free(call);
    cc_request_free(request);
}

int main(int count, char **arguments)
{
    static const struct scene scenes[] = {
        {"given", what_a_mock_is_given_is_listed_and_chosen_from},
        {"function", a_mock_function_lists_once_in_five_minutes},
        {"refused", a_guid_that_is_refused_is_looked_up_once_more},
        {"fails", a_list_that_fails_is_an_error_that_says_so},
        {"outlives", a_token_outlives_the_right_to_list},
        {"others", other_mocks_accept_every_name},
        {"setters", an_audience_and_an_integration_exclude_one_another},
        {"start", a_start_does_not_wait_for_the_list},
    };
    return play(scenes, sizeof scenes / sizeof *scenes, count > 1 ? arguments[1] : "");
}

/*
 * Tests a program that uses the library, without a Connect server, a network or waiting.
 *
 *     test_with_mocks
 *
 * The first part is the code under test, which does not mention mocks. It sends requests to a
 * service on behalf of the viewer, or of the content if there is no viewer. The second part tests
 * it, outside Connect. The exit status is 0 if all tests passed.
 */
#include <connectcreds.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The code under test ---- */

#define RESOURCE "https://service.example.com"
#define UNAUTHORIZED 401

/* Sends a request to the service with this header and returns the status of the response. */
typedef int (*send_fn)(const char *authorization, void *service);

static cc_status token_for(const char *session_token, cc_token **token, char *why, size_t size)
{
    cc_error *error = NULL;
    cc_request *request = cc_request_new();
    cc_request_set_resource(request, RESOURCE);
    cc_status status = session_token != NULL
                           ? cc_viewer_token(session_token, request, token, &error)
                           : cc_service_account_token(request, token, &error);
    if (error != NULL)
        snprintf(why, size, "%s", cc_error_message(error));
    cc_error_free(error);
    cc_request_free(request);
    return status;
}

/* Returns the status of the service's response, or 0 if there was no token; `why` then says why. */
static int ask_service(const char *session_token, send_fn send, void *service, char *why,
                       size_t size)
{
    int answer = 0;
    cc_token *token = NULL;

    /* If the service rejects the token, try once more with a new one. */
    for (int attempt = 0; attempt < 2 && (attempt == 0 || answer == UNAUTHORIZED); attempt++) {
        if (token_for(session_token, &token, why, size) != CC_OK)
            return 0;
        answer = send(cc_token_authorization(token), service);
        if (answer == UNAUTHORIZED)
            cc_token_invalidate(token);
        cc_token_free(token);
    }
    return answer;
}

/* ---- Its tests ---- */

static int test_count, failure_count;
static bool failed;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("# line %d: not true: %s\n", __LINE__, #condition); \
            failed = true; \
        } \
    } while (0)

static void test(const char *name, void (*run)(void))
{
    failed = false;
    run();
    printf("%s %d - %s\n", failed ? "not ok" : "ok", ++test_count, name);
    failure_count += failed;
}

/* A service that accepts one token and records the last header that it received. */
struct service {
    const char *accepts;
    char sent[100];
};

static int receive(const char *authorization, void *service)
{
    struct service *self = service;
    snprintf(self->sent, sizeof self->sent, "%s", authorization);
    return strcmp(self->sent, self->accepts) == 0 ? 200 : UNAUTHORIZED;
}

static char why[1000];

static void the_service_gets_the_token(void)
{
    struct service service = {.accepts = "Bearer my-token"};
    cc_mock *mock;
    CHECK(cc_mock_token("my-token", &mock, NULL) == CC_OK);

    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 200);
    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 200);

    CHECK(cc_mock_request_count(mock) == 1); /* the second call was served from the cache */
    cc_mock_end(mock);
}

static void a_token_that_expired_is_replaced(void)
{
    struct service service = {.accepts = "Bearer my-token"};
    cc_mock *mock;
    CHECK(cc_mock_token("my-token", &mock, NULL) == CC_OK);

    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 200);
    cc_mock_advance_time(mock, 3600); /* seconds */
    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 200);

    CHECK(cc_mock_request_count(mock) == 2);
    cc_mock_end(mock);
}

static void a_token_that_the_service_refuses_is_replaced(void)
{
    struct service service = {.accepts = "Bearer new"};
    const cc_mock_response responses[] = {
        {200, NULL, "{\"access_token\": \"old\", \"expires_in\": 3600}"},
        {200, NULL, "{\"access_token\": \"new\", \"expires_in\": 3600}"},
    };
    cc_mock *mock;
    CHECK(cc_mock_responses(responses, 2, &mock, NULL) == CC_OK);

    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 200);

    CHECK(strcmp(service.sent, "Bearer new") == 0);
    cc_mock_end(mock);
}

static void the_user_is_told_what_is_missing(void)
{
    struct service service = {.accepts = ""};
    cc_mock *mock;
    CHECK(cc_mock_failure(&mock, NULL) == CC_OK);

    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 0);

    CHECK(strstr(why, "No OAuth integrations have been associated with this content item.") !=
          NULL);
    cc_mock_end(mock);
}

/* Builds the response from the parameters of the request. */
static bool answer_viewers(const cc_mock_request *request, cc_mock_reply *reply, void *user_data)
{
    const char *viewer = cc_mock_request_param(request, "subject_token");
    const char *resource = cc_mock_request_param(request, "resource");
    char body[100];
    (void)user_data;
    CHECK(resource != NULL && strcmp(resource, RESOURCE) == 0);
    snprintf(body, sizeof body, "{\"access_token\": \"token-of-%s\"}", viewer);
    cc_mock_reply_set(reply, 200, NULL, body);
    return true;
}

static void each_viewer_has_a_token_of_their_own(void)
{
    struct service service = {.accepts = "Bearer token-of-alice"};
    cc_mock *mock;
    CHECK(cc_mock_function(answer_viewers, NULL, &mock, NULL) == CC_OK);

    CHECK(ask_service("alice", receive, &service, why, sizeof why) == 200);
    CHECK(ask_service("bob", receive, &service, why, sizeof why) == UNAUTHORIZED);

    CHECK(strcmp(service.sent, "Bearer token-of-bob") == 0);
    CHECK(cc_mock_request_count(mock) == 3); /* 2 for bob: his first token was rejected */
    cc_mock_end(mock);
}

static void outside_connect_there_is_no_token(void)
{
    struct service service = {.accepts = ""};
    CHECK(!cc_running_on_connect()); /* the earlier mocks have ended */

    CHECK(ask_service(NULL, receive, &service, why, sizeof why) == 0);

    CHECK(strcmp(why, "Service account credentials are only available when running on Connect.") ==
          0);
}

int main(void)
{
    test("the service gets the token", the_service_gets_the_token);
    test("a token that expired is replaced", a_token_that_expired_is_replaced);
    test("a token that the service refuses is replaced",
         a_token_that_the_service_refuses_is_replaced);
    test("the user is told what is missing", the_user_is_told_what_is_missing);
    test("each viewer has a token of their own", each_viewer_has_a_token_of_their_own);
    test("outside Connect there is no token", outside_connect_there_is_no_token);
    printf("1..%d\n", test_count);
    return failure_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Passes NULL for every pointer, and uses handles after the objects that they came from were
 * freed. */
#include <stdio.h>
#include <string.h>

#include <connectcreds.h>

static int failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++; \
        } \
    } while (0)

static void accessors_of_null_return_null_zero_or_minus_one(void)
{
    CHECK(cc_token_access_token(NULL) == NULL);
    CHECK(cc_token_type(NULL) == NULL);
    CHECK(cc_token_issued_type(NULL) == NULL);
    CHECK(cc_token_expires_at(NULL) == -1);
    CHECK(cc_token_authorization(NULL) == NULL);
    CHECK(cc_token_field_count(NULL) == 0);
    CHECK(cc_token_field_name(NULL, 0) == NULL);
    CHECK(cc_token_field_value(NULL, 0) == NULL);
    CHECK(cc_token_field(NULL, "access_token") == NULL);
    CHECK(cc_token_ref(NULL) == NULL);
    CHECK(!cc_token_invalidate(NULL));
    CHECK(cc_aws_credentials_access_key_id(NULL) == NULL);
    CHECK(cc_aws_credentials_secret_access_key(NULL) == NULL);
    CHECK(cc_aws_credentials_session_token(NULL) == NULL);
    CHECK(cc_aws_credentials_expires_at(NULL) == -1);
    CHECK(cc_error_status(NULL) == CC_OK);
    CHECK(cc_error_message_without_hint(NULL) == NULL);
    CHECK(cc_error_option(NULL) == NULL);
    CHECK(cc_error_message(NULL) == NULL);
    CHECK(cc_error_http_status(NULL) == 0);
    CHECK(cc_error_oauth_code(NULL) == NULL);
    CHECK(cc_error_connect_code(NULL) == 0);
    CHECK(!cc_error_is_retryable(NULL));
    CHECK(cc_error_retry_after_ms(NULL) == -1);
    CHECK(cc_mock_request_count(NULL) == 0);
    CHECK(cc_mock_request_url(NULL) == NULL);
    CHECK(cc_mock_request_method(NULL) == NULL);
    CHECK(cc_mock_request_header(NULL, "Accept") == NULL);
    CHECK(cc_mock_request_header_count(NULL) == 0);
    CHECK(cc_mock_request_header_name(NULL, 0) == NULL);
    CHECK(cc_mock_request_header_value(NULL, 0) == NULL);
    CHECK(cc_mock_request_param(NULL, "scope") == NULL);
    CHECK(cc_mock_request_param_count(NULL) == 0);
    CHECK(cc_mock_request_param_name(NULL, 0) == NULL);
    CHECK(cc_mock_request_param_value(NULL, 0) == NULL);
}

static void freeing_null_is_a_no_op(void)
{
    cc_token_free(NULL);
    cc_string_free(NULL);
    cc_aws_credentials_free(NULL);
    cc_error_free(NULL);
    cc_request_free(NULL);
    cc_mock_end(NULL);
    cc_mock_reply_set(NULL, 200, NULL, NULL);
    cc_mock_reply_set_header(NULL, "Retry-After", "1");
    cc_cache_forget_session(NULL);
    CHECK(cc_cache_get_stats(NULL, 0) == sizeof(cc_cache_stats));
}

static void a_setter_without_a_request_is_an_invalid_argument(void)
{
    CHECK(cc_request_set_resource(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_scope(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_audience(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_integration(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_requested_token_type(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_content_token(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_server_url(NULL, "http://h") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_api_key(NULL, "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_param(NULL, "x", "x") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_timeout_ms(NULL, 1) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_min_validity_s(NULL, 1) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_force_refresh(NULL, true) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_cancel(NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_on_connect(NULL, true) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_request_set_time_left_ms(NULL, 1) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_advance_time(NULL, 1) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_set_environment(NULL, "CONNECT_SERVER", NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_set_user_session_token(NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
}

static void a_mock_without_a_place_for_it_is_an_invalid_argument(void)
{
    CHECK(cc_mock_token("token", NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_failure(NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_responses(NULL, 0, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_mock_function(NULL, NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(!cc_running_on_connect());
}

static void a_call_without_a_place_for_the_token_is_an_invalid_argument(void)
{
    cc_error *error = NULL;
    CHECK(cc_service_account_token(NULL, NULL, &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_error_status(error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(strstr(cc_error_message(error), "out-pointer") != NULL);
    cc_error_free(error);
    CHECK(cc_viewer_token("x", NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_workload_token(NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token("x", "x", NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_token_aws_credentials(NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
}

/* This process does not run on Connect, so each call fails. */
static void out_pointers_are_set_on_entry_and_the_error_may_be_null(void)
{
    cc_token *token = (cc_token *)&failures;
    cc_error *error = (cc_error *)&failures;
    cc_aws_credentials *aws = (cc_aws_credentials *)&failures;
    CHECK(cc_service_account_token(NULL, &token, NULL) == CC_ERR_NOT_ON_CONNECT);
    CHECK(token == NULL);
    token = (cc_token *)&failures;
    CHECK(cc_viewer_token(NULL, NULL, &token, &error) == CC_ERR_NOT_ON_CONNECT);
    CHECK(token == NULL && cc_error_status(error) == CC_ERR_NOT_ON_CONNECT);
    cc_error_free(error);
    CHECK(cc_token_aws_credentials(NULL, &aws, &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(aws == NULL && error != NULL);
    cc_error_free(error);
}

static void a_report_without_a_place_is_an_invalid_argument(void)
{
    CHECK(cc_diagnose(NULL) == CC_ERR_INVALID_ARGUMENT);
}

static void a_subject_token_and_its_type_are_required(void)
{
    cc_token *token;
    CHECK(cc_exchange_token(NULL, "urn:x", NULL, &token, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token("x", NULL, NULL, &token, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token("", "urn:x", NULL, &token, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token("x", "", NULL, &token, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token("x", "urn:x", NULL, &token, NULL) == CC_ERR_NO_SERVER);
}

static void an_error_outlives_the_request_it_came_of(void)
{
    cc_request *request = cc_request_new();
    cc_token *token;
    cc_error *error;
    CHECK(cc_request_set_scope(request, "a\nb") == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_service_account_token(request, &token, &error) == CC_ERR_INVALID_ARGUMENT);
    cc_request_free(request);
    CHECK(strcmp(cc_error_message(error), "The scope contains a control character.") == 0);
    cc_error_free(error);
}

static void counts_are_written_as_far_as_there_is_room(void)
{
    cc_cache_stats stats;
    memset(&stats, 0xff, sizeof stats);
    CHECK(cc_cache_get_stats(&stats, 2 * sizeof stats.hits) == sizeof stats);
    CHECK(stats.hits == 0 && stats.stale_hits == 0);
    CHECK(stats.misses == UINT64_MAX);
    CHECK(cc_cache_get_stats(&stats, (size_t)-1) == sizeof stats);
    CHECK(stats.misses == UINT64_MAX);
}

/* A program that was built with a later header has a larger struct. */
static void counts_that_the_library_does_not_know_are_zero(void)
{
    struct {
        struct cc_cache_stats known;
        uint64_t later[2], behind;
    } stats;
    memset(&stats, 0xff, sizeof stats);
    CHECK(cc_cache_get_stats(&stats.known, sizeof stats - sizeof stats.behind) ==
          sizeof stats.known);
    CHECK(stats.known.entries == 0 && stats.later[0] == 0 && stats.later[1] == 0);
    CHECK(stats.behind == UINT64_MAX);
}

static void every_status_has_its_name_and_every_other_integer_too(void)
{
    CHECK(strcmp(cc_status_name(CC_OK), "CC_OK") == 0);
    CHECK(strcmp(cc_status_name(CC_ERR_INTERNAL), "CC_ERR_INTERNAL") == 0);
    for (cc_status status = -1000; status < 1000; status++)
        CHECK(cc_status_name(status) != NULL);
}

static void the_header_and_the_library_are_of_one_version(void)
{
    char parts[40];
    snprintf(parts, sizeof parts, "%d.%d.%d", CC_VERSION_MAJOR, CC_VERSION_MINOR, CC_VERSION_PATCH);
    CHECK(strcmp(cc_version(), CC_VERSION) == 0);
    CHECK(strcmp(cc_version(), parts) == 0);
    CHECK(cc_version_number() == CC_VERSION_NUMBER);
    CHECK(CC_VERSION_NUMBER == (CC_VERSION_MAJOR << 16 | CC_VERSION_MINOR << 8 | CC_VERSION_PATCH));
}

int main(void)
{
    accessors_of_null_return_null_zero_or_minus_one();
    freeing_null_is_a_no_op();
    a_setter_without_a_request_is_an_invalid_argument();
    a_mock_without_a_place_for_it_is_an_invalid_argument();
    a_call_without_a_place_for_the_token_is_an_invalid_argument();
    out_pointers_are_set_on_entry_and_the_error_may_be_null();
    a_report_without_a_place_is_an_invalid_argument();
    a_subject_token_and_its_type_are_required();
    an_error_outlives_the_request_it_came_of();
    counts_are_written_as_far_as_there_is_room();
    counts_that_the_library_does_not_know_are_zero();
    every_status_has_its_name_and_every_other_integer_too();
    the_header_and_the_library_are_of_one_version();
    return failures > 0;
}

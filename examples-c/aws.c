/*
 * Gets temporary AWS credentials of the service account.
 *
 *     aws [AUDIENCE]
 *
 * AUDIENCE is the GUID of an integration. It is needed if the content has more than one.
 */
#include <connectcreds.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_expiry(int64_t expires_at)
{
    if (expires_at < 0) { /* the credentials state no expiration */
        printf("expires  unknown\n");
        return;
    }
    time_t when = (time_t)expires_at;
    char text[sizeof "9999-12-31 23:59:59 UTC"];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime(&when));
    long long seconds = (long long)expires_at - (long long)time(NULL);
    printf("expires  %s, in %lld minutes\n", text, (seconds + 30) / 60);
}

static void print_credentials(const cc_token *token, const cc_aws_credentials *aws)
{
    const char *issued = cc_token_issued_type(token);
    /* Pass these three to the AWS SDK, or put them into the environment. */
    const char *key_id = cc_aws_credentials_access_key_id(aws);        /* AWS_ACCESS_KEY_ID */
    const char *secret = cc_aws_credentials_secret_access_key(aws);    /* AWS_SECRET_ACCESS_KEY */
    const char *session_token = cc_aws_credentials_session_token(aws); /* AWS_SESSION_TOKEN */

    printf("server   %s\n", getenv("CONNECT_SERVER"));
    printf("key id   %s\n", key_id); /* an identifier, not a secret */
    /* Print the beginning of a long secret only, and nothing of a short one. */
    printf("secret   %.*s...\n", strlen(secret) < 32 ? 0 : 4, secret);
    printf("session  %s\n", session_token != NULL ? "with a session token" : "none");
    printf("type     %s, %s\n", cc_token_type(token), issued != NULL ? issued : "not stated");
    print_expiry(cc_aws_credentials_expires_at(aws));
    printf("fields  ");
    for (size_t i = 0; i < cc_token_field_count(token); i++)
        printf(" %s", cc_token_field_name(token, i));
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: aws [AUDIENCE]\n");
        return 2;
    }
    cc_request *request = cc_request_new();
    cc_token *token = NULL;
    cc_aws_credentials *aws = NULL;
    cc_error *error = NULL;

    /* Setters need no check: if one rejects a value, the call below fails and says why. */
    cc_request_set_requested_token_type(request, CC_TOKEN_TYPE_AWS_CREDENTIALS);
    if (argc > 1)
        cc_request_set_audience(request, argv[1]);

    cc_status status = cc_service_account_token(request, &token, &error);
    if (status == CC_OK)
        status = cc_token_aws_credentials(token, &aws, &error);
    if (status == CC_OK)
        print_credentials(token, aws);
    else
        fprintf(stderr, "%s: %s\n", cc_status_name(status), cc_error_message(error));

    /* Handles that no call has set are still NULL, and freeing NULL is a no-op. */
    cc_error_free(error);
    cc_aws_credentials_free(aws);
    cc_token_free(token);
    cc_request_free(request);
    return status == CC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

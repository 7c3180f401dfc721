/*
 * Gets a workload identity token: an OpenID Connect id token that identifies the content to
 * services that trust the Connect server.
 *
 *     workload [AUDIENCE]
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
    if (expires_at < 0) { /* the server stated no lifetime */
        printf("expires  unknown\n");
        return;
    }
    time_t when = (time_t)expires_at;
    char text[sizeof "9999-12-31 23:59:59 UTC"];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime(&when));
    long long seconds = (long long)expires_at - (long long)time(NULL);
    printf("expires  %s, in %lld minutes\n", text, (seconds + 30) / 60);
}

static void print_token(const cc_token *token)
{
    const char *secret = cc_token_access_token(token);
    const char *issued = cc_token_issued_type(token);
    const char *authorization = cc_token_authorization(token);

    printf("server   %s\n", getenv("CONNECT_SERVER"));
    /* Print the beginning of a long token only, and nothing of a short one. */
    printf("token    %.*s...\n", strlen(secret) < 32 ? 0 : 12, secret);
    printf("type     %s, %s\n", cc_token_type(token), issued != NULL ? issued : "not stated");
    print_expiry(cc_token_expires_at(token));
    printf("fields  ");
    for (size_t i = 0; i < cc_token_field_count(token); i++)
        printf(" %s", cc_token_field_name(token, i));
    printf("\n");

    /* A program sends this header with its requests to the service. Cloud providers require that
     * it first exchanges the token for one of theirs. */
    if (authorization != NULL) /* NULL for types other than Bearer */
        printf("send     Authorization: %.7s...\n", authorization);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: workload [AUDIENCE]\n");
        return 2;
    }
    cc_request *request = cc_request_new();
    cc_token *token = NULL;
    cc_error *error = NULL;

    /* Setters need no check: if one rejects a value, the call below fails and says why. */
    if (argc > 1)
        cc_request_set_audience(request, argv[1]);

    cc_status status = cc_workload_token(request, &token, &error);
    if (status == CC_OK)
        print_token(token);
    else
        fprintf(stderr, "%s: %s\n", cc_status_name(status), cc_error_message(error));

    /* Handles that no call has set are still NULL, and freeing NULL is a no-op. */
    cc_error_free(error);
    cc_token_free(token);
    cc_request_free(request);
    return status == CC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

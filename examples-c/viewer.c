/*
 * Gets a viewer token. The content acts as the person viewing it.
 *
 *     viewer [SESSION_TOKEN]
 *
 * In a web application, SESSION_TOKEN is the value of the HTTP header
 * Posit-Connect-User-Session-Token of the viewer's request. It is an argument here because the
 * example has no web server. Do not do this in a real program: other users of the machine can read
 * command lines.
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

    /* A program sends this header with the requests that it makes for this viewer, and only with
     * those. */
    if (authorization != NULL) /* NULL for types other than Bearer */
        printf("send     Authorization: %.7s...\n", authorization);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: viewer [SESSION_TOKEN]\n");
        return 2;
    }
    cc_token *token = NULL;
    cc_error *error = NULL;

    /* NULL means that there is no viewer, as in a scheduled report. A web application has a viewer,
     * and passes "" if the request lacks the header. */
    const char *session_token = argc > 1 ? argv[1] : NULL;

    /* With a NULL request, the server, the API key and the rest come from the environment. */
    cc_status status = cc_viewer_token(session_token, NULL, &token, &error);
    if (status == CC_OK)
        print_token(token);
    else
        fprintf(stderr, "%s: %s\n", cc_status_name(status), cc_error_message(error));

    /* Handles that no call has set are still NULL, and freeing NULL is a no-op. */
    cc_error_free(error);
    cc_token_free(token);
    return status == CC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

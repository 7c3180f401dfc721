/*
 * Gets a token of the viewer: the content acts as the person who looks at it.
 *
 *     viewer [SESSION_TOKEN]
 *
 * In a web application SESSION_TOKEN comes with each request of the viewer, in the HTTP header
 * Posit-Connect-User-Session-Token. It is an argument here for want of a web server: a real program
 * puts no secret on a command line, where other users of the machine can read it.
 */
#include <connectcreds.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_expiry(int64_t expires_at)
{
    if (expires_at < 0) { /* the server did not say */
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
    /* Never print a whole token; of a short one, nothing. */
    printf("token    %.*s...\n", strlen(secret) < 32 ? 0 : 12, secret);
    printf("type     %s, %s\n", cc_token_type(token), issued != NULL ? issued : "not stated");
    print_expiry(cc_token_expires_at(token));
    printf("fields  ");
    for (size_t i = 0; i < cc_token_field_count(token); i++)
        printf(" %s", cc_token_field_name(token, i));
    printf("\n");

    /* What a program does with it: this is the header of its requests to the service, for this
     * viewer and no other. */
    if (authorization != NULL) /* NULL: a token of this type is presented in another way */
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

    /* NULL: there is no viewer, as in a scheduled report. To a web application whose request lacks
     * the header there is one, and it passes "". */
    const char *session_token = argc > 1 ? argv[1] : NULL;

    /* No request: server, API key and everything else from the environment. */
    cc_status status = cc_viewer_token(session_token, NULL, &token, &error);
    if (status == CC_OK)
        print_token(token);
    else
        fprintf(stderr, "%s: %s\n", cc_status_name(status), cc_error_message(error));

    /* What no call gave is still NULL, which may be freed too: one place serves every path. */
    cc_error_free(error);
    cc_token_free(token);
    return status == CC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

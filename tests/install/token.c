/* A program that uses the installed library: prints a token, a mocked one where it does not run on
 * Connect. */
#include <connectcreds.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    cc_mock *mock = NULL;
    cc_token *token;
    cc_error *error;
    int failed;

    if (strcmp(cc_version(), CC_VERSION) != 0) {
        fprintf(stderr, "the header is %s, the library %s\n", CC_VERSION, cc_version());
        return 2;
    }
    if (!cc_running_on_connect() && cc_mock_token("mocked", &mock, NULL) != CC_OK)
        return 2;
    failed = cc_service_account_token(NULL, &token, &error) != CC_OK;
    if (failed) {
        fputs(cc_error_message(error), stderr);
        cc_error_free(error);
    } else {
        printf("%s %s\n", cc_token_type(token), mock ? cc_token_access_token(token) : "real");
        cc_token_free(token);
    }
    cc_mock_end(mock);
    return failed;
}

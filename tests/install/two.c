/* A program with two static libraries of Rust in it. */
#include <connectcreds.h>
#include <stdio.h>

int other_answer(void);

int main(void)
{
    cc_mock *mock;
    cc_token *token;
    if (cc_mock_token("mocked", &mock, NULL) != CC_OK ||
        cc_service_account_token(NULL, &token, NULL) != CC_OK)
        return 1;
    printf("%d %s\n", other_answer(), cc_token_access_token(token));
    cc_token_free(token);
    cc_mock_end(mock);
    return 0;
}

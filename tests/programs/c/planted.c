/* Has one of the faults that sanitizers must find, so that their silence elsewhere says something.
 *
 * Usage: planted none|leak|use_after_free|overflow|undefined
 *
 * Run by tests/sanitizers. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connectcreds.h>

int main(int argc, char **argv)
{
    const char *fault = argc > 1 ? argv[1] : "none";
    cc_mock *mock = NULL;
    cc_token *token = NULL;
    cc_request *request = cc_request_new();
    if (cc_mock_token("a-mocked-token", &mock, NULL) != CC_OK ||
        cc_service_account_token(request, &token, NULL) != CC_OK)
        return 2;
    const char *text = cc_token_access_token(token);
    cc_cache_clear();
    /* Several, because a register or the stack may still hold the last one. */
    for (int i = 0; strcmp(fault, "leak") == 0 && i < 20; i++)
        if (cc_request_new() == NULL)
            return 2;
    cc_token_free(token);
    cc_mock_end(mock);
    if (strcmp(fault, "use_after_free") == 0)
        printf("%s\n", text);
    if (strcmp(fault, "overflow") == 0) {
        /* The library writes 8 bytes, into 4. */
        char *small = malloc(4);
        cc_cache_get_stats((cc_cache_stats *)(void *)small, 8);
        free(small);
    }
    if (strcmp(fault, "undefined") == 0)
        printf("%d\n", INT_MAX - 1 + argc);
    cc_request_free(request);
    return 0;
}

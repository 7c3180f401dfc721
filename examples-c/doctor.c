/*
 * Prints the report that belongs into a bug ticket.
 *
 *     doctor [--ask [RESOURCE]]
 *
 * With --ask it first gets a service account token and prints the log of that call. The report then
 * says why the call failed. Neither contains a secret. The exit status is 1 if there was no token.
 */
#include <connectcreds.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message may contain text from a server, so it is printed with "%s", never as a format. */
static void print_line(int32_t level, const char *message, void *out)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    fprintf(out, "%-7s  %s\n", level >= CC_LOG_ERROR && level <= CC_LOG_DEBUG ? names[level] : "",
            message);
}

static cc_status ask(const char *resource)
{
    cc_token *token = NULL;
    cc_request *request = cc_request_new();
    cc_request_set_resource(request, resource);

    cc_log_set_callback(CC_LOG_DEBUG, print_line, stdout);
    cc_status status = cc_service_account_token(request, &token, NULL);
    cc_log_set_callback(CC_LOG_DEBUG, NULL, NULL);

    printf("\nA service account token: %s\n\n", cc_status_name(status));
    cc_token_free(token);
    cc_request_free(request);
    return status;
}

int main(int argc, char **argv)
{
    cc_status status = CC_OK;
    if (argc > 3 || (argc > 1 && strcmp(argv[1], "--ask") != 0)) {
        fprintf(stderr, "usage: doctor [--ask [RESOURCE]]\n");
        return 2;
    }
    if (argc > 1)
        status = ask(argc > 2 ? argv[2] : NULL);

    char *report;
    if (cc_diagnose(&report) != CC_OK) {
        fprintf(stderr, "the report could not be written\n");
        return EXIT_FAILURE;
    }
    fputs(report, stdout);
    cc_string_free(report);
    return status == CC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

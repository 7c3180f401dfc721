/* From what R asks for to a prepared request, or to a failure that needs no call of the library. */

#include "connectcreds_r.h"

static SEXP not_on_connect(enum kind kind)
{
    static const char *const messages[] = {
        "Service account credentials are only available when running on Connect.",
        "Viewer-based credentials are only available when running on Connect.",
        "Workload identity tokens are only available when running on Connect.",
    };
    return status_details(CC_ERR_NOT_ON_CONNECT, messages[kind]);
}

static SEXP not_supported(enum kind kind)
{
    static const char *const messages[] = {
        "Service account credentials are not supported by this version of Connect.",
        "Viewer-based credentials are not supported by this version of Connect.",
        "Workload identity tokens are not supported by this version of Connect.",
    };
    return status_details(CC_ERR_NOT_SUPPORTED, messages[kind]);
}

/* NULL for the library means "from the environment"; in R the empty string was given and is no
 * value. The checks are in the library's order. */
static SEXP failure_of_arguments(const struct wish *wish, int on_connect)
{
    const SEXP *values = wish->values;
    if (on_connect == 0)
        return not_on_connect(wish->kind);
    /* In a mock the library has a viewer for a call without one; R's mocks have a session for that.
     */
    bool no_session = wish->kind == VIEWER && values[SESSION_TOKEN] == NA_STRING;
    bool no_content = wish->kind != VIEWER && is_empty(values[CONTENT_TOKEN]);
    if (!no_session && !no_content && !is_empty(values[SERVER_URL]) && !is_empty(values[API_KEY]))
        return R_NilValue;
    if (on_connect < 0 && !cc_running_on_connect())
        return not_on_connect(wish->kind);
    if (no_session)
        return status_details(CC_ERR_NO_SESSION,
                              "Viewer-based credentials are only available in Shiny sessions.");
    if (no_content || (wish->kind == VIEWER && is_empty(values[SESSION_TOKEN])))
        return not_supported(wish->kind);
    return failure_of_server(values);
}

struct outcome prepare(struct wish *wish)
{
    struct outcome outcome = {R_NilValue, R_NilValue};
    PROTECT(complete_values(wish->values));
    int on_connect = asked_on_connect();
    if (on_connect < 0 && is_mocking())
        on_connect = mocked_on_connect();
    outcome.failure = failure_of_arguments(wish, on_connect);
    if (outcome.failure == R_NilValue) {
        outcome.handle =
            prepared_handle(wish->kind, on_connect == 1, wish->values, wish->further, wish->count);
        log_sync();
        prepared_set_options(prepared_of(outcome.handle), wish->force, wish->timeout_ms);
    }
    UNPROTECT(1);
    return outcome;
}

/* A token for R: from the arguments to the library and back, as a list or as a condition. */

#include "connectcreds_r.h"

#include <stdlib.h>
#include <string.h>

struct wish {
    enum kind kind;
    const char *called; /* the R function that asks, for its errors */
    SEXP values[VALUES];
    SEXP *further; /* names and values of parameters in turns */
    int count;
    uint32_t timeout_ms;
    bool force;
};

/* The result of a call: a failure is a list of its details. */
struct outcome {
    SEXP handle;
    SEXP failure;
};

static cc_status exchange(const struct wish *wish, struct prepared_request *prepared,
                          cc_token **token)
{
    switch (wish->kind) {
    case SERVICE_ACCOUNT:
        return cc_service_account_token(prepared->request, token, &prepared->error);
    case VIEWER:
        return cc_viewer_token(or_null(wish->values[SESSION_TOKEN]), prepared->request, token,
                               &prepared->error);
    default:
        return cc_workload_token(prepared->request, token, &prepared->error);
    }
}

/* Makes the prepared request's token the one that is good now. */
static cc_status update_token(const struct wish *wish, SEXP handle)
{
    struct prepared_request *prepared = prepared_of(handle);
    struct call call;
    cc_token *token;
    log_sync();
    prepared_set_options(prepared, wish->force, wish->timeout_ms);
    call_begin(&call);
    cc_error_free(prepared->error); /* of a call that ran out of R's memory */
    cc_status status = exchange(wish, prepared, &token);
    if (status == CC_OK && token != prepared->token) {
        cc_token_free(prepared->token);
        prepared->token = token;
        prepared_keep_list(handle, R_NilValue);
    } else {
        cc_token_free(token); /* another handle on the same one */
    }
    prepared->failed = status != CC_OK;
    call_end(&call);
    if (log_has_lines())
        log_emit();
    UNPROTECT(1); /* the continuation */
    return status;
}

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

/* The handle and the failure are not protected. */
static struct outcome obtain(struct wish *wish)
{
    struct outcome outcome = {R_NilValue, R_NilValue};
    SEXP kept = PROTECT(Rf_allocVector(STRSXP, VALUES));
    complete_values(wish->values, kept);
    int on_connect = asked_on_connect();
    if (on_connect < 0 && is_mocking())
        on_connect = mocked_on_connect();
    outcome.failure = failure_of_arguments(wish, on_connect);
    if (outcome.failure == R_NilValue) {
        outcome.handle = PROTECT(
            prepared_handle(wish->kind, on_connect == 1, wish->values, wish->further, wish->count));
        if (update_token(wish, outcome.handle) != CC_OK)
            outcome.failure = prepared_failure(prepared_of(outcome.handle));
        UNPROTECT(1);
    }
    UNPROTECT(1);
    return outcome;
}

/* Whether there is a token. A caller's mistake is an error here too: it would be one each time.
 */
static SEXP probed(const struct wish *wish, struct outcome outcome)
{
    if (outcome.failure == R_NilValue)
        return Rf_ScalarLogical(TRUE);
    if (INTEGER(VECTOR_ELT(outcome.failure, 0))[0] == CC_ERR_INVALID_ARGUMENT)
        tell_r("raise_details", outcome.failure, wish->called);
    if (log_is_on())
        tell_r("inform_no_token", outcome.failure, wish->called);
    return Rf_ScalarLogical(FALSE);
}

static SEXP aws_credentials(const struct wish *wish, SEXP handle)
{
    PROTECT(handle);
    SEXP list = PROTECT(aws_list(prepared_of(handle)));
    if (list == R_NilValue)
        tell_r("raise_details", prepared_failure(prepared_of(handle)), wish->called);
    UNPROTECT(2);
    return list;
}

/* Where the value of a named parameter goes that has a place of its own; -1: among the further
 * ones. */
static int place_of(const char *name)
{
    if (strcmp(name, "resource") == 0)
        return RESOURCE;
    if (strcmp(name, "scope") == 0)
        return SCOPE;
    if (strcmp(name, "audience") == 0)
        return AUDIENCE;
    if (strcmp(name, "requested_token_type") == 0)
        return TOKEN_TYPE;
    return -1;
}

static void read_further(struct wish *wish, SEXP named)
{
    R_xlen_t length = Rf_xlength(named);
    if (length == 0)
        return;
    SEXP names = Rf_getAttrib(named, R_NamesSymbol);
    wish->further = (SEXP *)R_alloc(2 * (size_t)length, sizeof(SEXP));
    for (R_xlen_t i = 0; i < length; i++) {
        SEXP name = names == R_NilValue ? R_BlankString : STRING_ELT(names, i);
        const char *letters = Rf_translateCharUTF8(name);
        if (letters[0] == '\0')
            call_r("stop_unnamed", R_NilValue);
        SEXP value = one_string(VECTOR_ELT(named, i), letters);
        int place = place_of(letters);
        if (value == NA_STRING)
            continue;
        if (place >= 0) {
            wish->values[place] = value;
        } else {
            wish->further[wish->count++] = name;
            wish->further[wish->count++] = value;
        }
    }
}

static enum kind kind_of(const char *called, bool has_session)
{
    if (strcmp(called, "connect_service_account_token") == 0)
        return SERVICE_ACCOUNT;
    if (strcmp(called, "connect_workload_token") == 0)
        return WORKLOAD;
    if (strcmp(called, "connect_viewer_token") == 0)
        return VIEWER;
    return has_session ? VIEWER : SERVICE_ACCOUNT; /* connect_aws_credentials() */
}

/* A mock that does not say which integrations there are takes every name; with an audience as well,
 * the library refuses both. */
static SEXP integration_of(SEXP given, SEXP audience)
{
    SEXP integration = one_string(given, "integration");
    return audience == NA_STRING && mock_accepts_any_integration() ? NA_STRING : integration;
}

SEXP cr_token(SEXP called, SEXP resource, SEXP scope, SEXP audience, SEXP integration,
              SEXP session_token, SEXP content_token, SEXP server_url, SEXP api_key, SEXP further,
              SEXP force, SEXP timeout, SEXP probe)
{
    SEXP foreign = foreign_mock();
    if (foreign != R_NilValue) {
        const SEXP arguments[] = {called,        resource,      scope,      audience, integration,
                                  session_token, content_token, server_url, api_key,  further,
                                  force,         timeout,       probe};
        return with_foreign_mock(foreign, "token", arguments, sizeof arguments / sizeof(SEXP));
    }

    struct wish wish = {.called = CHAR(STRING_ELT(called, 0)), .further = NULL, .count = 0};
    SEXP *values = wish.values;
    values[RESOURCE] = one_string(resource, "resource");
    values[SCOPE] = one_string(scope, "scope");
    values[AUDIENCE] = one_string(audience, "audience");
    values[TOKEN_TYPE] = NA_STRING;
    values[CONTENT_TOKEN] = one_string(content_token, "content_token");
    values[SERVER_URL] = one_string(server_url, "server_url");
    values[API_KEY] = one_string(api_key, "api_key");
    values[SESSION_TOKEN] = one_string(session_token, "session_token");
    read_further(&wish, further);
    values[INTEGRATION] = integration_of(integration, values[AUDIENCE]);
    wish.kind = kind_of(wish.called, values[SESSION_TOKEN] != NA_STRING);
    wish.force = one_flag(force, "force");
    wish.timeout_ms = timeout_ms(timeout);
    bool is_aws = strcmp(wish.called, "connect_aws_credentials") == 0;
    SEXP aws = PROTECT(is_aws ? Rf_mkChar(CC_TOKEN_TYPE_AWS_CREDENTIALS) : NA_STRING);
    if (is_aws)
        values[TOKEN_TYPE] = aws;

    struct outcome outcome = obtain(&wish);
    SEXP result;
    if (LOGICAL(probe)[0]) {
        result = probed(&wish, outcome);
    } else {
        if (outcome.failure != R_NilValue)
            tell_r("raise_details", outcome.failure, wish.called);
        result = is_aws ? aws_credentials(&wish, outcome.handle) : token_list(outcome.handle);
    }
    UNPROTECT(1);
    return result;
}

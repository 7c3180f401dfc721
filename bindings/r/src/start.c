/* Calls that do not block: R has a handle on a call that was started, and asks for its result when
 * the call is done. */

#include "connectcreds_r.h"

#include <string.h>

struct started {
    cc_call *call;
    bool is_aws;
};

static SEXP tag;

static void finalize(SEXP handle)
{
    struct started *started = R_ExternalPtrAddr(handle);
    R_ClearExternalPtr(handle);
    if (started == NULL)
        return;
    cc_call_free(started->call);
    R_Free(started);
}

static struct started *started_of(SEXP handle)
{
    if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != tag ||
        R_ExternalPtrAddr(handle) == NULL)
        Rf_error("not a call, or one that is finished or was saved in another session");
    return R_ExternalPtrAddr(handle);
}

static SEXP new_handle(SEXP prepared_handle, bool is_aws)
{
    if (tag == NULL)
        tag = Rf_install("connectcreds_call");
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag, prepared_handle));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);
    struct started *started = R_Calloc(1, struct started);
    started->is_aws = is_aws;
    R_SetExternalPtrAddr(handle, started);
    UNPROTECT(1);
    return handle;
}

static cc_status start(const struct wish *wish, const struct prepared_request *prepared,
                       cc_call **call, cc_error **error)
{
    switch (wish->kind) {
    case SERVICE_ACCOUNT:
        return cc_service_account_token_start(prepared->request, call, error);
    case VIEWER:
        return cc_viewer_token_start(or_null(wish->values[SESSION_TOKEN]), prepared->request, call,
                                     error);
    default:
        return cc_workload_token_start(prepared->request, call, error);
    }
}

/* In a mock its function is called here. */
static cc_status start_in_call(const struct wish *wish, struct prepared_request *prepared,
                               struct started *started)
{
    struct call call;
    call_begin(&call);
    cc_error_free(prepared->error); /* of a call that ran out of R's memory */
    cc_status status = start(wish, prepared, &started->call, &prepared->error);
    prepared->failed = status != CC_OK;
    call_end(&call);
    if (log_has_lines())
        log_emit();
    UNPROTECT(1); /* the continuation */
    return status;
}

/* A handle on a call. A failure that needs no exchange is an error here. */
SEXP cr_start(SEXP called, SEXP resource, SEXP scope, SEXP audience, SEXP integration,
              SEXP session_token, SEXP content_token, SEXP server_url, SEXP api_key, SEXP further,
              SEXP force, SEXP timeout)
{
    const SEXP given[ARGUMENTS] = {called,      resource,      scope,         audience,
                                   integration, session_token, content_token, server_url,
                                   api_key,     further,       force,         timeout};
    SEXP foreign = foreign_mock();
    if (foreign != R_NilValue)
        return with_foreign_mock(foreign, "start", given, ARGUMENTS - 1);

    struct wish wish;
    read_wish(&wish, given);
    struct outcome outcome = prepare(&wish);
    if (outcome.failure != R_NilValue)
        tell_r("raise_details", outcome.failure, wish.called);
    PROTECT(outcome.handle);
    SEXP handle = PROTECT(new_handle(outcome.handle, wish.is_aws));
    struct prepared_request *prepared = prepared_of(outcome.handle);
    if (start_in_call(&wish, prepared, started_of(handle)) != CC_OK)
        tell_r("raise_details", prepared_failure(prepared), wish.called);
    UNPROTECT(2);
    return handle;
}

SEXP cr_call_is_done(SEXP handle)
{
    return Rf_ScalarLogical(cc_call_is_done(started_of(handle)->call));
}

/* -1 when there is none. */
SEXP cr_call_fd(SEXP handle)
{
    return Rf_ScalarInteger(cc_call_fd(started_of(handle)->call));
}

/* The result, once. It waits when the call is not done. */
SEXP cr_call_finish(SEXP handle, SEXP called)
{
    struct started *started = started_of(handle);
    SEXP its = R_ExternalPtrProtected(handle);
    struct prepared_request *prepared = prepared_of(its);
    struct call call;
    cc_token *token;
    call_begin(&call);
    cc_error_free(prepared->error); /* of a call that ran out of R's memory */
    cc_status status = cc_call_finish(started->call, &token, &prepared->error);
    prepared_take_result(its, status, token);
    call_end(&call);
    if (log_has_lines())
        log_emit();
    UNPROTECT(1); /* the continuation */

    bool is_aws = started->is_aws;
    const char *name = CHAR(STRING_ELT(called, 0));
    PROTECT(its);
    finalize(handle);
    if (status != CC_OK)
        tell_r("raise_details", prepared_failure(prepared), name);
    SEXP result = result_of(its, is_aws, name);
    UNPROTECT(1);
    return result;
}

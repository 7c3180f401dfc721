/* A token for R, as a list or as a condition; or whether there is one. */

#include "connectcreds_r.h"

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
    call_begin(&call);
    cc_error_free(prepared->error); /* of a call that ran out of R's memory */
    cc_status status = exchange(wish, prepared, &token);
    prepared_take_result(handle, status, token);
    call_end(&call);
    if (log_has_lines())
        log_emit();
    UNPROTECT(1); /* the continuation */
    return status;
}

/* The handle and the failure are not protected. */
static struct outcome obtain(struct wish *wish)
{
    struct outcome outcome = prepare(wish);
    if (outcome.failure != R_NilValue)
        return outcome;
    PROTECT(outcome.handle);
    if (update_token(wish, outcome.handle) != CC_OK)
        outcome.failure = prepared_failure(prepared_of(outcome.handle));
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

SEXP result_of(SEXP handle, bool is_aws, const char *called)
{
    if (!is_aws)
        return token_list(handle);
    PROTECT(handle);
    SEXP list = PROTECT(aws_list(prepared_of(handle)));
    if (list == R_NilValue)
        tell_r("raise_details", prepared_failure(prepared_of(handle)), called);
    UNPROTECT(2);
    return list;
}

SEXP cr_token(SEXP called, SEXP resource, SEXP scope, SEXP audience, SEXP integration,
              SEXP session_token, SEXP content_token, SEXP server_url, SEXP api_key, SEXP further,
              SEXP force, SEXP timeout, SEXP probe)
{
    const SEXP given[ARGUMENTS] = {called,        resource,      scope,      audience, integration,
                                   session_token, content_token, server_url, api_key,  further,
                                   force,         timeout,       probe};
    SEXP foreign = foreign_mock();
    if (foreign != R_NilValue)
        return with_foreign_mock(foreign, "token", given, ARGUMENTS);

    struct wish wish;
    read_wish(&wish, given);
    struct outcome outcome = obtain(&wish);
    if (LOGICAL(probe)[0])
        return probed(&wish, outcome);
    if (outcome.failure != R_NilValue)
        tell_r("raise_details", outcome.failure, wish.called);
    return result_of(outcome.handle, wish.is_aws, wish.called);
}

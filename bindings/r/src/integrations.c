/* The list of the content's integrations. */

#include "connectcreds_r.h"

static SEXP tag;

static void finalize(SEXP handle)
{
    cc_integrations_free(R_ExternalPtrAddr(handle));
    R_ClearExternalPtr(handle);
}

typedef const char *(*part)(const cc_integrations *, size_t);

static SEXP column(const cc_integrations *integrations, part part)
{
    size_t count = cc_integrations_count(integrations);
    SEXP column = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)count));
    for (size_t i = 0; i < count; i++)
        SET_STRING_ELT(column, (R_xlen_t)i, utf8(part(integrations, i)));
    UNPROTECT(1);
    return column;
}

static SEXP columns(const cc_integrations *integrations)
{
    static const char *const names[] = {"guid", "name", "description", "template", "auth_type", ""};
    static const part parts[] = {cc_integrations_guid, cc_integrations_name,
                                 cc_integrations_description, cc_integrations_template,
                                 cc_integrations_auth_type};
    SEXP list = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
    for (int i = 0; i < (int)(sizeof parts / sizeof *parts); i++)
        SET_VECTOR_ELT(list, i, column(integrations, parts[i]));
    UNPROTECT(1);
    return list;
}

/* Puts the list into `handle`; a failure goes to the prepared request. */
static cc_status list_integrations(SEXP handle, struct prepared_request *prepared)
{
    struct call call;
    cc_integrations *integrations;
    call_begin(&call);
    cc_error_free(prepared->error); /* of a call that ran out of R's memory */
    cc_status status = cc_integrations_list(prepared->request, &integrations, &prepared->error);
    R_SetExternalPtrAddr(handle, integrations);
    prepared->failed = status != CC_OK;
    call_end(&call);
    if (log_has_lines())
        log_emit();
    UNPROTECT(1); /* the continuation */
    return status;
}

/* A list of columns. */
SEXP cr_integrations(SEXP server_url, SEXP api_key, SEXP force, SEXP timeout)
{
    static const char called[] = "connect_integrations";
    SEXP foreign = foreign_mock();
    if (foreign != R_NilValue) {
        const SEXP arguments[] = {server_url, api_key, force, timeout};
        return with_foreign_mock(foreign, "integrations", arguments, 4);
    }
    SEXP values[VALUES];
    for (int i = 0; i < VALUES; i++)
        values[i] = NA_STRING;
    values[SERVER_URL] = one_string(server_url, "server_url");
    values[API_KEY] = one_string(api_key, "api_key");
    bool forced = one_flag(force, "force");
    uint32_t milliseconds = timeout_ms(timeout);
    if (tag == NULL)
        tag = Rf_install("connectcreds_integrations");

    PROTECT(complete_values(values));
    SEXP failure = failure_of_server(values);
    if (failure != R_NilValue)
        tell_r("raise_details", failure, called);
    SEXP asked = PROTECT(prepared_handle(SERVICE_ACCOUNT, false, values, NULL, 0));
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag, R_NilValue));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);
    log_sync();
    prepared_set_options(prepared_of(asked), forced, milliseconds);
    if (list_integrations(handle, prepared_of(asked)) != CC_OK)
        tell_r("raise_details", prepared_failure(prepared_of(asked)), called);
    SEXP result = PROTECT(columns(R_ExternalPtrAddr(handle)));
    finalize(handle);
    UNPROTECT(4);
    return result;
}

/* What R calls by name, and the small ones of it. */

#include "connectcreds_r.h"

#include <R_ext/Rdynload.h>

SEXP cr_setup(SEXP namespace)
{
    call_setup();
    questions_setup();
    namespace_setup(namespace);
    return R_NilValue;
}

/* The shared object stays: finalizers point into it. */
SEXP cr_unload(void)
{
    log_off();
    return R_NilValue;
}

SEXP cr_running_on_connect(void)
{
    return Rf_ScalarLogical(cc_running_on_connect());
}

SEXP cr_forget_session(SEXP session_token)
{
    const char *token = or_null(one_string(session_token, "session_token"));
    if (token != NULL) {
        questions_forget(token);
        cc_cache_forget_session(token);
    }
    return R_NilValue;
}


static void free_report(SEXP handle)
{
    cc_string_free(R_ExternalPtrAddr(handle));
    R_ClearExternalPtr(handle);
}

SEXP cr_diagnose(void)
{
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, Rf_install("connectcreds_report"), R_NilValue));
    R_RegisterCFinalizerEx(handle, free_report, TRUE);
    char *report;
    if (cc_diagnose(&report) != CC_OK)
        Rf_error("the library could not make its report");
    R_SetExternalPtrAddr(handle, report);
    SEXP result = PROTECT(text(report));
    free_report(handle);
    UNPROTECT(2);
    return result;
}

SEXP cr_version(void)
{
    return text(cc_version());
}

/* What a call costs that does nothing. */
SEXP cr_nothing(void)
{
    return R_NilValue;
}

/* By way of the type to which any function may be cast. */
#define ROUTINE(name, count) {#name, (DL_FUNC)(void (*)(void))cr_##name, count}

static const R_CallMethodDef routines[] = {
    ROUTINE(setup, 1),
    ROUTINE(unload, 0),
    ROUTINE(service_account_token, 6),
    ROUTINE(viewer_token, 6),
    ROUTINE(workload_token, 4),
    ROUTINE(aws_credentials, 7),
    ROUTINE(running_on_connect, 0),
    ROUTINE(forget_session, 1),
    ROUTINE(diagnose, 0),
    ROUTINE(version, 0),
    ROUTINE(nothing, 0),
    ROUTINE(mock_token, 1),
    ROUTINE(mock_failure, 0),
    ROUTINE(mock_responses, 3),
    ROUTINE(mock_function, 1),
    ROUTINE(mock_request_count, 1),
    ROUTINE(mock_advance_time, 2),
    ROUTINE(mock_end, 1),
    {NULL, NULL, 0},
};

void R_init_connectcreds(DllInfo *dll)
{
    R_registerRoutines(dll, NULL, routines, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}

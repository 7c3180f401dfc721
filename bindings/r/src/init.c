/* What R calls by name, and the small ones of it. */

#define _GNU_SOURCE /* dladdr() */
#include "connectcreds_r.h"

#include <R_ext/Rdynload.h>
#include <dlfcn.h>

SEXP cr_setup(SEXP namespace)
{
    call_setup();
    prepared_requests_setup();
    namespace_setup(namespace);
    return R_NilValue;
}

SEXP cr_unload(void)
{
    log_off();
    return R_NilValue;
}

SEXP cr_running_on_connect(void)
{
    return Rf_ScalarLogical(is_mocking() ? mocked_on_connect() : cc_running_on_connect());
}

SEXP cr_forget_session(SEXP session_token)
{
    const char *token = or_null(one_string(session_token, "session_token"));
    if (token != NULL) {
        prepared_requests_forget(token);
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

SEXP cr_invalidate(SEXP access_token)
{
    return Rf_ScalarLogical(
        prepared_requests_invalidate(or_null(one_string(access_token, "token"))));
}

SEXP cr_cache_clear(void)
{
    cc_cache_clear();
    return R_NilValue;
}

/* Doubles: R has no integers of 64 bits. */
SEXP cr_cache_stats(void)
{
    static const char *const names[] = {"hits",      "stale_hits", "misses",    "exchanges",
                                        "coalesced", "failures",   "evictions", "entries"};
    enum { COUNT = sizeof names / sizeof names[0] };
    cc_cache_stats stats;
    cc_cache_get_stats(&stats, sizeof stats);
    const uint64_t counts[COUNT] = {stats.hits,      stats.stale_hits, stats.misses,
                                    stats.exchanges, stats.coalesced,  stats.failures,
                                    stats.evictions, stats.entries};
    SEXP result = PROTECT(Rf_allocVector(REALSXP, COUNT));
    SEXP result_names = PROTECT(Rf_allocVector(STRSXP, COUNT));
    for (int i = 0; i < COUNT; i++) {
        REAL(result)[i] = (double)counts[i];
        SET_STRING_ELT(result_names, i, Rf_mkChar(names[i]));
    }
    Rf_setAttrib(result, R_NamesSymbol, result_names);
    UNPROTECT(2);
    return result;
}

/* NULL, or the details of the error. */
SEXP cr_ca_bundle(SEXP path)
{
    cc_error *error;
    if (cc_config_set_ca_bundle(or_null(one_string(path, "path")), &error) == CC_OK)
        return R_NilValue;
    SEXP list = PROTECT(error_details(error));
    cc_error_free(error);
    UNPROTECT(1);
    return list;
}

/* The version of the library that is loaded. */
SEXP cr_version(void)
{
    return text(cc_version());
}

/* The file of the library that is loaded. */
SEXP cr_library_path(void)
{
    Dl_info info;
    int known = dladdr((void *)(uintptr_t)cc_version, &info) != 0 && info.dli_fname != NULL;
    return text(known ? info.dli_fname : "an unknown file");
}

/* That of the header the package was built with. */
SEXP cr_built_for(void)
{
    return text(CC_VERSION);
}

/* A call that does nothing, to measure its cost. */
SEXP cr_nothing(void)
{
    return R_NilValue;
}

/* By way of the type to which any function may be cast. */
#define ROUTINE(name, count) \
    { \
#name, (DL_FUNC)(void (*)(void))cr_##name, count \
    }

static const R_CallMethodDef routines[] = {
    ROUTINE(setup, 1),
    ROUTINE(unload, 0),
    ROUTINE(token, 13),
    ROUTINE(running_on_connect, 0),
    ROUTINE(session_token, 1),
    ROUTINE(forget_session, 1),
    ROUTINE(diagnose, 0),
    ROUTINE(version, 0),
    ROUTINE(library_path, 0),
    ROUTINE(nothing, 0),
    ROUTINE(start, 12),
    ROUTINE(call_is_done, 1),
    ROUTINE(call_fd, 1),
    ROUTINE(call_finish, 2),
    ROUTINE(integrations, 4),
    ROUTINE(mock_constant, 3),
    ROUTINE(mock_function, 2),
    ROUTINE(mock_integrations, 2),
    ROUTINE(mock_request_count, 1),
    ROUTINE(mock_advance_time, 2),
    ROUTINE(mock_end, 1),
    ROUTINE(serve_foreign, 1),
    ROUTINE(invalidate, 1),
    ROUTINE(cache_clear, 0),
    ROUTINE(cache_stats, 0),
    ROUTINE(ca_bundle, 1),
    ROUTINE(built_for, 0),
    {NULL, NULL, 0},
};

/* Finalizers and the library's callbacks point into this shared object: it stays in the process
 * when R unloads it. */
static void stay_loaded(void)
{
    Dl_info info;
    if (dladdr((void *)(uintptr_t)stay_loaded, &info) != 0 && info.dli_fname != NULL)
        dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

void R_init_connectcreds(DllInfo *dll)
{
    stay_loaded();
    R_registerRoutines(dll, NULL, routines, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}

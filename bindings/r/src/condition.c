/* The library's errors as R lists, from which conditions.R makes conditions. The line that names a
 * C function is left out: conditions.R has hints for R. */

#include "connectcreds_r.h"

static SEXP details(cc_status status, const char *message, const cc_error *error)
{
    static const char *const names[] = {"status",         "message",      "http_status",
                                        "oauth_code",     "connect_code", "retryable",
                                        "retry_after_ms", "option",       ""};
    SEXP list = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
    SET_VECTOR_ELT(list, 0, Rf_ScalarInteger(status));
    SET_VECTOR_ELT(list, 1, text(message));
    if (cc_error_http_status(error) != 0)
        SET_VECTOR_ELT(list, 2, Rf_ScalarInteger(cc_error_http_status(error)));
    if (cc_error_oauth_code(error) != NULL)
        SET_VECTOR_ELT(list, 3, text(cc_error_oauth_code(error)));
    if (cc_error_connect_code(error) != 0)
        SET_VECTOR_ELT(list, 4, Rf_ScalarInteger(cc_error_connect_code(error)));
    SET_VECTOR_ELT(list, 5, Rf_ScalarLogical(cc_error_is_retryable(error)));
    if (cc_error_retry_after_ms(error) >= 0)
        SET_VECTOR_ELT(list, 6, Rf_ScalarReal((double)cc_error_retry_after_ms(error)));
    if (cc_error_option(error) != NULL)
        SET_VECTOR_ELT(list, 7, text(cc_error_option(error)));
    UNPROTECT(1);
    return list;
}

SEXP error_details(const cc_error *error)
{
    return details(cc_error_status(error), cc_error_message_without_hint(error), error);
}

void tell_r(const char *function, SEXP failure, const char *called)
{
    PROTECT(failure);
    SEXP arguments = PROTECT(Rf_list2(failure, text(called)));
    call_r(function, arguments);
    UNPROTECT(2);
}

SEXP status_details(cc_status status, const char *message)
{
    return details(status, message, NULL);
}

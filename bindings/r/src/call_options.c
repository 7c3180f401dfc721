/* The arguments that are of one call alone. */

#include "connectcreds_r.h"

#include <math.h>
#include <stdlib.h>

static void stop_input_type(SEXP value, const char *expected, const char *name)
{
    PROTECT(value);
    SEXP what = PROTECT(text(expected));
    SEXP its_name = PROTECT(text(name));
    SEXP arguments = PROTECT(Rf_list3(value, what, its_name));
    call_r("stop_input_type", arguments);
    UNPROTECT(4);
}

/* A timeout beyond what the library can count is as good as none. */
static uint32_t milliseconds(SEXP value, const char *name)
{
    double seconds = Rf_isNumeric(value) && XLENGTH(value) == 1 ? Rf_asReal(value) : -1;
    if (!(seconds > 0)) /* NaN, too */
        stop_input_type(value, "a number of seconds above 0", name);
    double exact = ceil(seconds * 1000);
    return exact < INT32_MAX ? (uint32_t)exact : INT32_MAX;
}

uint32_t timeout_ms(SEXP argument)
{
    static SEXP option;
    if (option == NULL)
        option = Rf_install("connectcreds_timeout");
    if (argument != R_NilValue)
        return milliseconds(argument, "timeout");
    SEXP set = Rf_GetOption1(option);
    if (set != R_NilValue)
        return milliseconds(set, "options(connectcreds_timeout = )");
    const char *variable = getenv("CONNECTCREDS_TIMEOUT");
    if (variable == NULL || variable[0] == '\0')
        return 0;
    char *end;
    double seconds = R_strtod(variable, &end);
    SEXP number = PROTECT(Rf_ScalarReal(*end == '\0' ? seconds : -1));
    uint32_t result = milliseconds(number, "CONNECTCREDS_TIMEOUT");
    UNPROTECT(1);
    return result;
}

bool one_flag(SEXP value, const char *name)
{
    if (TYPEOF(value) != LGLSXP || XLENGTH(value) != 1 || LOGICAL(value)[0] == NA_LOGICAL)
        stop_input_type(value, "`TRUE` or `FALSE`", name);
    return LOGICAL(value)[0];
}

/* Strings between R and the library, which speaks UTF-8. */

#include "connectcreds_r.h"

SEXP utf8(const char *text)
{
    return text == NULL ? NA_STRING : Rf_mkCharCE(text, CE_UTF8);
}

SEXP text(const char *text)
{
    return Rf_ScalarString(utf8(text));
}

/* Text that is not what its encoding says would go out as something else than was meant. */
static void check_encoding(SEXP value, const char *name)
{
    for (const char *byte = CHAR(STRING_ELT(value, 0)); *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x80)
            continue;
        SEXP its_name = PROTECT(text(name));
        SEXP arguments = PROTECT(Rf_list2(value, its_name));
        call_r("check_encoding", arguments);
        UNPROTECT(2);
        return;
    }
}

SEXP one_string(SEXP value, const char *name)
{
    if (value == R_NilValue)
        return NA_STRING;
    if (TYPEOF(value) != STRSXP || XLENGTH(value) != 1 || STRING_ELT(value, 0) == NA_STRING) {
        SEXP expected = PROTECT(text("a single string or `NULL`"));
        SEXP its_name = PROTECT(text(name));
        SEXP arguments = PROTECT(Rf_list3(value, expected, its_name));
        call_r("stop_input_type", arguments);
        UNPROTECT(3);
    }
    check_encoding(value, name);
    return STRING_ELT(value, 0);
}

bool is_empty(SEXP charsxp)
{
    return charsxp != NA_STRING && LENGTH(charsxp) == 0;
}

const char *or_null(SEXP charsxp)
{
    return charsxp == NA_STRING ? NULL : Rf_translateCharUTF8(charsxp);
}

/* The session token of a Shiny session, for each call of a page: session.R has the rest. */

#include "connectcreds_r.h"

#include <string.h>

static SEXP in_environment(SEXP environment, const char *name)
{
    SEXP value = Rf_findVarInFrame(environment, Rf_install(name));
    if (value == R_UnboundValue)
        return R_NilValue;
    return TYPEOF(value) == PROMSXP ? Rf_eval(value, R_EmptyEnv) : value;
}

static SEXP in_list(SEXP list, const char *name)
{
    SEXP names = Rf_getAttrib(list, R_NamesSymbol);
    for (R_xlen_t i = 0; i < Rf_xlength(names); i++)
        if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0)
            return VECTOR_ELT(list, i);
    return R_NilValue;
}

/* What `container$name` is, where no class has a method for `$`. The result is not protected. */
static SEXP element(SEXP container, const char *name)
{
    switch (TYPEOF(container)) {
    case ENVSXP:
        return in_environment(container, name);
    case VECSXP:
        return in_list(container, name);
    default:
        return R_NilValue;
    }
}

/* Whether the session asked last of all: it is noted already. */
static bool is_latest_holder(SEXP session)
{
    return in_environment(namespace_value("holders"), "latest") == session;
}

/* NULL when there is no session, "" when Connect sent no token for it. */
SEXP cr_session_token(SEXP session)
{
    if (session == R_NilValue)
        return R_NilValue;
    if (!Rf_inherits(session, "ShinySession")) {
        SEXP arguments = PROTECT(Rf_list1(session));
        SEXP elsewhere = call_r("token_elsewhere", arguments);
        UNPROTECT(1);
        return elsewhere;
    }
    SEXP request = PROTECT(element(session, "request"));
    SEXP token = PROTECT(element(request, "HTTP_POSIT_CONNECT_USER_SESSION_TOKEN"));
    if (token == R_NilValue) {
        UNPROTECT(2);
        return text("");
    }
    if (TYPEOF(session) == ENVSXP && !is_latest_holder(session)) {
        SEXP arguments = PROTECT(Rf_list2(session, token));
        call_r("note_holder", arguments);
        UNPROTECT(1);
    }
    UNPROTECT(2);
    return token; /* its type is checked where it is read */
}

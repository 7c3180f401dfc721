/* The package's own R functions, and whether somebody has replaced them. */

#include "connectcreds_r.h"

static SEXP home;               /* the namespace */
static SEXP running_on_connect; /* as the package has it */
static SEXP its_body;           /* with which one replacement is made, in place */

void namespace_setup(SEXP given)
{
    if (home != NULL) { /* loaded again: the shared object had stayed */
        R_ReleaseObject(home);
        R_ReleaseObject(running_on_connect);
        R_ReleaseObject(its_body);
    }
    home = given;
    R_PreserveObject(home);
    running_on_connect = Rf_eval(Rf_install("running_on_connect"), home);
    R_PreserveObject(running_on_connect);
    its_body = R_ClosureExpr(running_on_connect);
    R_PreserveObject(its_body);
}

SEXP call_r(const char *name, SEXP arguments)
{
    SEXP call = PROTECT(Rf_lcons(Rf_install(name), arguments));
    SEXP result = Rf_eval(call, home);
    UNPROTECT(1);
    return result;
}

SEXP namespace_value(const char *name)
{
    return Rf_eval(Rf_install(name), home);
}

int asked_on_connect(void)
{
    static SEXP name;
    if (name == NULL)
        name = Rf_install("running_on_connect");
    SEXP now = Rf_findVarInFrame(home, name);
    if (TYPEOF(now) == PROMSXP) /* as lazy loading leaves it */
        now = Rf_eval(now, home);
    if (now == running_on_connect && R_ClosureExpr(now) == its_body)
        return -1;
    return Rf_asLogical(call_r("running_on_connect", R_NilValue)) == TRUE;
}

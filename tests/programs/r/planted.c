/* Bugs that bindings/r/tools/check-memory must find, before what it does not find means anything.
 */

#include <Rinternals.h>
#include <stdlib.h>

/* memcheck finds it. */
SEXP read_after_free(void)
{
    volatile char *bytes = malloc(16);
    bytes[0] = 1;
    free((void *)bytes);
    return Rf_ScalarInteger(bytes[0]);
}

/* Under gctorture() the first vector is collected, and the second one takes its place. */
SEXP unprotected(void)
{
    SEXP first = Rf_allocVector(REALSXP, 4);
    REAL(first)[0] = 1;
    SEXP second = Rf_allocVector(REALSXP, 4);
    REAL(second)[0] = 2;
    return Rf_ScalarLogical(REAL(first)[0] == 1);
}

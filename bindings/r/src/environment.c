/* What nobody gave, where the library does not read it from the environment itself: in a mock,
 * since tests change the environment, and for a server without a scheme. */

#include "connectcreds_r.h"

#include <stdlib.h>
#include <string.h>

/* `kept` protects the value; it is made when it is needed, since most calls have nothing to keep.
 */
static void complete(SEXP values[VALUES], SEXP *kept, PROTECT_INDEX place, int index, SEXP value)
{
    if (value == values[index])
        return;
    PROTECT(value);
    if (*kept == R_NilValue)
        REPROTECT(*kept = Rf_allocVector(STRSXP, VALUES), place);
    SET_STRING_ELT(*kept, index, value);
    values[index] = value;
    UNPROTECT(1);
}

SEXP complete_values(SEXP values[VALUES])
{
    static const struct {
        int index;
        const char *name;
    } variables[] = {
        {CONTENT_TOKEN, "CONNECT_CONTENT_SESSION_TOKEN"},
        {SERVER_URL, "CONNECT_SERVER"},
        {API_KEY, "CONNECT_API_KEY"},
    };
    SEXP kept = R_NilValue;
    PROTECT_INDEX place;
    PROTECT_WITH_INDEX(kept, &place);
    if (is_mocking()) {
        for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
            if (values[variables[i].index] == NA_STRING)
                complete(values, &kept, place, variables[i].index,
                         mocked_variable(variables[i].name));
        mock_sync_content_guid();
    } else if (values[SERVER_URL] == NA_STRING) {
        const char *server = getenv("CONNECT_SERVER");
        if (server != NULL && server[0] != '\0' && strstr(server, "://") == NULL)
            complete(values, &kept, place, SERVER_URL, Rf_mkChar(server));
        /* Otherwise the library reads it. */
    }
    complete(values, &kept, place, SERVER_URL, with_scheme(values[SERVER_URL]));
    UNPROTECT(1);
    return kept;
}

SEXP failure_of_server(const SEXP values[VALUES])
{
    if (is_empty(values[SERVER_URL]))
        return status_details(CC_ERR_NO_SERVER,
                              "A Connect server URL is required to retrieve credentials.");
    if (is_empty(values[API_KEY]))
        return status_details(CC_ERR_NO_API_KEY,
                              "A valid Connect API key is required to retrieve credentials.");
    return R_NilValue;
}

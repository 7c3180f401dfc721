/* What nobody gave, where the library does not read it from the environment itself: in a mock, since
 * tests change the environment, and for a server without a scheme. */

#include "connectcreds_r.h"

#include <stdlib.h>
#include <string.h>

static void complete(SEXP values[VALUES], SEXP kept, int index, SEXP value)
{
    values[index] = value;
    SET_STRING_ELT(kept, index, value);
}

static void complete_in_mock(SEXP values[VALUES], SEXP kept, int index, const char *variable)
{
    complete(values, kept, index,
             values[index] == NA_STRING ? mocked_variable(variable) : values[index]);
}

void complete_values(SEXP values[VALUES], SEXP kept)
{
    if (is_mocking()) {
        complete_in_mock(values, kept, CONTENT_TOKEN, "CONNECT_CONTENT_SESSION_TOKEN");
        complete_in_mock(values, kept, SERVER_URL, "CONNECT_SERVER");
        complete_in_mock(values, kept, API_KEY, "CONNECT_API_KEY");
        mock_sync_content_guid();
    } else if (values[SERVER_URL] == NA_STRING) {
        const char *server = getenv("CONNECT_SERVER");
        if (server == NULL || server[0] == '\0' || strstr(server, "://") != NULL)
            return; /* the library reads it */
        complete(values, kept, SERVER_URL, Rf_mkChar(server));
    }
    complete(values, kept, SERVER_URL, with_scheme(values[SERVER_URL]));
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

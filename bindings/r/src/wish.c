/* What R asks for: from the arguments of cr_token() and cr_start() to values. */

#include "connectcreds_r.h"

#include <string.h>

/* Where the value of a named parameter goes that has a place of its own; -1: among the further
 * ones. */
static int place_of(const char *name)
{
    if (strcmp(name, "resource") == 0)
        return RESOURCE;
    if (strcmp(name, "scope") == 0)
        return SCOPE;
    if (strcmp(name, "audience") == 0)
        return AUDIENCE;
    if (strcmp(name, "requested_token_type") == 0)
        return TOKEN_TYPE;
    return -1;
}

static void read_further(struct wish *wish, SEXP named)
{
    R_xlen_t length = Rf_xlength(named);
    if (length == 0)
        return;
    SEXP names = Rf_getAttrib(named, R_NamesSymbol);
    wish->further = (SEXP *)R_alloc(2 * (size_t)length, sizeof(SEXP));
    for (R_xlen_t i = 0; i < length; i++) {
        SEXP name = names == R_NilValue ? R_BlankString : STRING_ELT(names, i);
        const char *letters = Rf_translateCharUTF8(name);
        if (letters[0] == '\0')
            call_r("stop_unnamed", R_NilValue);
        SEXP value = one_string(VECTOR_ELT(named, i), letters);
        int place = place_of(letters);
        if (value == NA_STRING)
            continue;
        if (place >= 0) {
            wish->values[place] = value;
        } else {
            wish->further[wish->count++] = name;
            wish->further[wish->count++] = value;
        }
    }
}

/* A mock that does not say which integrations there are takes every name; with an audience as well,
 * the library refuses both. */
static SEXP integration_of(SEXP given, SEXP audience)
{
    SEXP integration = one_string(given, "integration");
    return audience == NA_STRING && mock_accepts_any_integration() ? NA_STRING : integration;
}

/* The functions that start a call have the names of those that wait, and _async. */
static bool is_called(const struct wish *wish, const char *name)
{
    return strncmp(wish->called, name, strlen(name)) == 0;
}

static void read_kind(struct wish *wish)
{
    static SEXP aws;
    wish->is_aws = is_called(wish, "connect_aws_credentials");
    if (wish->is_aws && aws == NULL) {
        aws = Rf_mkChar(CC_TOKEN_TYPE_AWS_CREDENTIALS);
        R_PreserveObject(aws);
    }
    if (wish->is_aws)
        wish->values[TOKEN_TYPE] = aws;
    if (is_called(wish, "connect_workload_token"))
        wish->kind = WORKLOAD;
    else if (is_called(wish, "connect_viewer_token") ||
             (wish->is_aws && wish->values[SESSION_TOKEN] != NA_STRING))
        wish->kind = VIEWER;
    else
        wish->kind = SERVICE_ACCOUNT;
}

void read_wish(struct wish *wish, const SEXP given[ARGUMENTS])
{
    static const struct {
        const char *name;
        int place, argument;
    } strings[] = {
        {"resource", RESOURCE, 1},
        {"scope", SCOPE, 2},
        {"audience", AUDIENCE, 3},
        {"session_token", SESSION_TOKEN, 5},
        {"content_token", CONTENT_TOKEN, 6},
        {"server_url", SERVER_URL, 7},
        {"api_key", API_KEY, 8},
    };
    wish->called = CHAR(STRING_ELT(given[0], 0));
    wish->further = NULL;
    wish->count = 0;
    wish->values[TOKEN_TYPE] = NA_STRING;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        wish->values[strings[i].place] = one_string(given[strings[i].argument], strings[i].name);
    read_further(wish, given[9]);
    wish->values[INTEGRATION] = integration_of(given[4], wish->values[AUDIENCE]);
    read_kind(wish);
    wish->force = one_flag(given[10], "force");
    wish->timeout_ms = timeout_ms(given[11]);
}

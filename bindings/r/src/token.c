/* Tokens, as httr2 makes them. */

#include "connectcreds_r.h"

#include <string.h>

static bool is_own_field(const char *name)
{
    static const char *const own[] = {"token_type", "access_token", "expires_in", "refresh_token"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    return false;
}

/* httr2 leaves out what is null. */
static bool is_null(const char *value)
{
    return value == NULL || strcmp(value, "null") == 0;
}

struct builder {
    SEXP list, names;
    R_xlen_t length;
};

static void add(struct builder *builder, const char *name, SEXP value)
{
    SET_VECTOR_ELT(builder->list, builder->length, value);
    SET_STRING_ELT(builder->names, builder->length, utf8(name));
    builder->length++;
}

/* token_type, access_token, expires_at and refresh_token when they are known, then the answer's other members. */
static SEXP new_list(const cc_token *token)
{
    size_t fields = cc_token_field_count(token);
    struct builder builder = {.length = 0};
    builder.list = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)fields + 4));
    builder.names = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)fields + 4));
    add(&builder, "token_type", text(cc_token_type(token)));
    add(&builder, "access_token", text(cc_token_access_token(token)));
    if (cc_token_expires_at(token) >= 0)
        add(&builder, "expires_at", Rf_ScalarReal((double)cc_token_expires_at(token)));
    const char *refresh_token = cc_token_field(token, "refresh_token");
    if (!is_null(refresh_token))
        add(&builder, "refresh_token", text(refresh_token));
    for (size_t i = 0; i < fields; i++) {
        const char *name = cc_token_field_name(token, i), *value = cc_token_field_value(token, i);
        if (!is_own_field(name) && !is_null(value))
            add(&builder, name, text(value));
    }

    SEXP list = PROTECT(Rf_lengthgets(builder.list, builder.length));
    Rf_setAttrib(list, R_NamesSymbol, PROTECT(Rf_lengthgets(builder.names, builder.length)));
    Rf_setAttrib(list, R_ClassSymbol, PROTECT(Rf_mkString("httr2_token")));
    MARK_NOT_MUTABLE(list); /* it is given out again */
    UNPROTECT(5);
    return list;
}

static cc_status ask(enum kind kind, const char *session_token, struct question *question, cc_token **token)
{
    switch (kind) {
    case SERVICE_ACCOUNT:
        return cc_service_account_token(question->request, token, &question->error);
    case VIEWER:
        return cc_viewer_token(session_token, question->request, token, &question->error);
    default:
        return cc_workload_token(question->request, token, &question->error);
    }
}

/* Makes the question's token the one that is good now, or raises the error. */
static void bring_up_to_date(SEXP handle, enum kind kind, const char *session_token)
{
    struct question *question = question_of(handle);
    struct call call;
    cc_token *token;
    log_sync();
    call_begin(&call);
    cc_error_free(question->error); /* of a call that ran out of R's memory */
    cc_status status = ask(kind, session_token, question, &token);
    if (status == CC_OK && token != question->token) {
        cc_token_free(question->token);
        question->token = token;
        question_keep_list(handle, R_NilValue);
    } else {
        cc_token_free(token); /* another handle on the same one */
    }
    call_end(&call);
    if (log_waits())
        log_speak();
    if (status != CC_OK)
        raise_error(question);
    UNPROTECT(1); /* the continuation */
}

static void raise_not_on_connect(enum kind kind, const char *called)
{
    static const char *const messages[] = {
        "Service account credentials are only available when running on Connect.",
        "Viewer-based credentials are only available when running on Connect.",
        "Workload identity tokens are only available when running on Connect.",
    };
    raise_status(CC_ERR_NOT_ON_CONNECT, messages[kind], called);
}

/* The question's handle, its token up to date. */
static SEXP answered(enum kind kind, const char *called, const SEXP values[VALUES], const SEXP *further, int count)
{
    int on_connect = asked_on_connect();
    if (on_connect == 0)
        raise_not_on_connect(kind, called);
    SEXP handle = PROTECT(question_handle(kind, on_connect == 1, values, further, count));
    question_of(handle)->called = called;
    bring_up_to_date(handle, kind, or_null(values[SESSION_TOKEN]));
    UNPROTECT(1);
    return handle;
}

static SEXP token_list(SEXP handle)
{
    SEXP list = question_list(handle);
    if (list != R_NilValue)
        return list;
    PROTECT(handle);
    list = PROTECT(new_list(question_of(handle)->token));
    question_keep_list(handle, list);
    UNPROTECT(2);
    return list;
}

static void read_values(SEXP values[VALUES], SEXP resource, SEXP scope, SEXP audience, SEXP content_token,
                        SEXP server_url, SEXP api_key)
{
    values[RESOURCE] = one_string(resource, "resource");
    values[SCOPE] = one_string(scope, "scope");
    values[AUDIENCE] = one_string(audience, "audience");
    values[TOKEN_TYPE] = NA_STRING;
    values[CONTENT_TOKEN] = one_string(content_token, "content_token");
    values[SERVER_URL] = one_string(server_url, "server_url");
    values[API_KEY] = one_string(api_key, "api_key");
    values[SESSION_TOKEN] = NA_STRING;
}

SEXP cr_service_account_token(SEXP resource, SEXP scope, SEXP audience, SEXP content_token, SEXP server_url,
                              SEXP api_key)
{
    SEXP values[VALUES];
    read_values(values, resource, scope, audience, content_token, server_url, api_key);
    return token_list(answered(SERVICE_ACCOUNT, "connect_service_account_token", values, NULL, 0));
}

/* In a mock the library has a viewer for a call without one; R's mocks have a session for that. */
static void raise_no_session(const char *called)
{
    int on_connect = asked_on_connect();
    if (on_connect == 0 || (on_connect == -1 && !cc_running_on_connect()))
        raise_not_on_connect(VIEWER, called);
    raise_status(CC_ERR_NO_SESSION, "Viewer-based credentials are only available in Shiny sessions.", called);
}

/* session_token: NULL when there is no session, "" when Connect sent none. */
SEXP cr_viewer_token(SEXP resource, SEXP scope, SEXP audience, SEXP session_token, SEXP server_url, SEXP api_key)
{
    SEXP values[VALUES];
    read_values(values, resource, scope, audience, R_NilValue, server_url, api_key);
    values[SESSION_TOKEN] = one_string(session_token, "session_token");
    if (values[SESSION_TOKEN] == NA_STRING)
        raise_no_session("connect_viewer_token");
    return token_list(answered(VIEWER, "connect_viewer_token", values, NULL, 0));
}

/* Where the value of a named parameter goes that has a place of its own; -1: among the further ones. */
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

SEXP cr_workload_token(SEXP named, SEXP content_token, SEXP server_url, SEXP api_key)
{
    SEXP values[VALUES];
    read_values(values, R_NilValue, R_NilValue, R_NilValue, content_token, server_url, api_key);
    R_xlen_t length = XLENGTH(named);
    SEXP names = Rf_getAttrib(named, R_NamesSymbol);
    SEXP *further = (SEXP *)R_alloc(2 * (size_t)length + 1, sizeof(SEXP));
    int count = 0;
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
            values[place] = value;
        } else {
            further[count++] = name;
            further[count++] = value;
        }
    }
    return token_list(answered(WORKLOAD, "connect_workload_token", values, further, count));
}

/* Without a session the service account's. */
SEXP cr_aws_credentials(SEXP resource, SEXP scope, SEXP audience, SEXP session_token, SEXP content_token,
                        SEXP server_url, SEXP api_key)
{
    SEXP values[VALUES];
    read_values(values, resource, scope, audience, content_token, server_url, api_key);
    values[SESSION_TOKEN] = one_string(session_token, "session_token");
    enum kind kind = values[SESSION_TOKEN] == NA_STRING ? SERVICE_ACCOUNT : VIEWER;
    values[TOKEN_TYPE] = PROTECT(Rf_mkChar(CC_TOKEN_TYPE_AWS_CREDENTIALS));
    SEXP handle = PROTECT(answered(kind, "connect_aws_credentials", values, NULL, 0));
    SEXP result = aws_list(question_of(handle));
    UNPROTECT(2);
    return result;
}

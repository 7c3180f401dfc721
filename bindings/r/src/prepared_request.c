/* Prepared requests. One is made when a request is made for the first time and serves until another
 * takes its slot. With it stay the last token it got and the list that R sees of that token, since
 * tokens are immutable.
 *
 * R has one CHARSXP for equal strings as long as it lives, and the handle keeps its own alive:
 * requests are compared by the addresses of their strings. */

#include "connectcreds_r.h"

#include <stdint.h>
#include <string.h>

enum { SLOTS = 512, DISPLACED = 4096 };

static SEXP slots; /* a list of handles, found by the hash of their values */
static SEXP
    displaced; /* those whose slot another took, of late: their tokens may still be invalidated */
static int next_displaced; /* a list of handles */
static SEXP tag;

static void release(struct prepared_request *prepared)
{
    cc_request_free(prepared->request);
    cc_token_free(prepared->token);
    cc_error_free(prepared->error);
    R_Free(prepared);
}

static void finalize(SEXP handle)
{
    struct prepared_request *prepared = R_ExternalPtrAddr(handle);
    R_ClearExternalPtr(handle);
    if (prepared != NULL)
        release(prepared);
}

void prepared_requests_setup(void)
{
    if (slots != NULL) /* loaded again: the shared object had stayed */
        return;
    tag = Rf_install("connectcreds_prepared_request");
    slots = Rf_allocVector(VECSXP, SLOTS);
    R_PreserveObject(slots);
    displaced = Rf_allocVector(VECSXP, DISPLACED);
    R_PreserveObject(displaced);
}

struct prepared_request *prepared_of(SEXP handle)
{
    return R_ExternalPtrAddr(handle);
}

/* A handle keeps a list: the key, and the token as R sees it. */
static SEXP key_of(SEXP handle)
{
    return VECTOR_ELT(R_ExternalPtrProtected(handle), 0);
}

SEXP prepared_list(SEXP handle)
{
    return VECTOR_ELT(R_ExternalPtrProtected(handle), 1);
}

void prepared_keep_list(SEXP handle, SEXP list)
{
    SET_VECTOR_ELT(R_ExternalPtrProtected(handle), 1, list);
}

/* The key: the kind of token, the values, further parameters. */
static SEXP kind_string(enum kind kind, bool pretend)
{
    static SEXP known[6];
    int index = 2 * (int)kind + pretend;
    if (known[index] == NULL) {
        static const char *const names[] = {"s", "s!", "v", "v!", "w", "w!"};
        known[index] = Rf_mkChar(names[index]);
        R_PreserveObject(known[index]);
    }
    return known[index];
}

static size_t slot_of(SEXP kind, const SEXP values[VALUES], const SEXP *further, int count)
{
    uint64_t hash = (uintptr_t)kind;
    for (int i = 0; i < VALUES + count; i++) {
        uintptr_t word = (uintptr_t)(i < VALUES ? values[i] : further[i - VALUES]);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return hash % SLOTS;
}

static bool is_key(SEXP key, SEXP kind, const SEXP values[VALUES], const SEXP *further, int count)
{
    if (XLENGTH(key) != 1 + VALUES + count || STRING_ELT(key, 0) != kind)
        return false;
    for (int i = 0; i < VALUES; i++)
        if (STRING_ELT(key, 1 + i) != values[i])
            return false;
    for (int i = 0; i < count; i++)
        if (STRING_ELT(key, 1 + VALUES + i) != further[i])
            return false;
    return true;
}

static SEXP new_key(SEXP kind, const SEXP values[VALUES], const SEXP *further, int count)
{
    SEXP key = PROTECT(Rf_allocVector(STRSXP, 1 + VALUES + count));
    SET_STRING_ELT(key, 0, kind);
    for (int i = 0; i < VALUES; i++)
        SET_STRING_ELT(key, 1 + i, values[i]);
    for (int i = 0; i < count; i++)
        SET_STRING_ELT(key, 1 + VALUES + i, further[i]);
    UNPROTECT(1);
    return key;
}

/* The call reports a value that a setter rejected. */
static void fill(cc_request *request, bool pretend, const SEXP values[VALUES], const SEXP *further,
                 int count)
{
    cc_request_set_resource(request, or_null(values[RESOURCE]));
    cc_request_set_scope(request, or_null(values[SCOPE]));
    cc_request_set_audience(request, or_null(values[AUDIENCE]));
    cc_request_set_integration(request, or_null(values[INTEGRATION]));
    cc_request_set_requested_token_type(request, or_null(values[TOKEN_TYPE]));
    cc_request_set_content_token(request, or_null(values[CONTENT_TOKEN]));
    cc_request_set_server_url(request, or_null(values[SERVER_URL]));
    cc_request_set_api_key(request, or_null(values[API_KEY]));
    for (int i = 0; i + 1 < count; i += 2)
        cc_request_set_param(request, or_null(further[i]), or_null(further[i + 1]));
    if (pretend)
        cc_request_set_on_connect(request, true);
    cc_request_set_cancel(request, call_poll, NULL);
}

static SEXP new_handle(SEXP kind, bool pretend, const SEXP values[VALUES], const SEXP *further,
                       int count)
{
    SEXP kept = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(kept, 0, new_key(kind, values, further, count));
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag, kept));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);

    struct prepared_request *prepared = R_Calloc(1, struct prepared_request);
    R_SetExternalPtrAddr(handle, prepared);
    prepared->request = cc_request_new();
    fill(prepared->request, pretend, values, further, count);
    UNPROTECT(2);
    return handle;
}

static void displace(SEXP handle)
{
    SET_VECTOR_ELT(displaced, next_displaced, handle);
    next_displaced = (next_displaced + 1) % DISPLACED;
}

SEXP prepared_handle(enum kind kind, bool pretend, const SEXP values[VALUES], const SEXP *further,
                     int count)
{
    SEXP kind_name = kind_string(kind, pretend);
    size_t slot = slot_of(kind_name, values, further, count);
    SEXP handle = VECTOR_ELT(slots, slot);
    if (handle == R_NilValue || !is_key(key_of(handle), kind_name, values, further, count)) {
        if (handle != R_NilValue)
            displace(handle);
        handle = new_handle(kind_name, pretend, values, further, count);
        SET_VECTOR_ELT(slots, slot, handle);
    }
    return handle;
}

void prepared_set_options(struct prepared_request *prepared, bool force, uint32_t timeout)
{
    /* A mock's next response counts, also right after a refusal, which the cache would remember for
     * a moment. */
    force = force || (prepared->failed && is_mocking());
    if (force != prepared->force)
        cc_request_set_force_refresh(prepared->request, force);
    prepared->force = force;
    if (timeout != prepared->timeout_ms)
        cc_request_set_timeout_ms(prepared->request, timeout);
    prepared->timeout_ms = timeout;
}

void prepared_take_result(SEXP handle, cc_status status, cc_token *token)
{
    struct prepared_request *prepared = prepared_of(handle);
    prepared->failed = status != CC_OK;
    if (status != CC_OK || token == prepared->token) {
        cc_token_free(token); /* another handle on the same one */
        return;
    }
    cc_token_free(prepared->token);
    prepared->token = token;
    prepared_keep_list(handle, R_NilValue);
}

SEXP prepared_failure(struct prepared_request *prepared)
{
    cc_error *error = prepared->error;
    SEXP list = error_details(error);
    prepared->error = NULL;
    cc_error_free(error);
    return list;
}

static void forget_in(SEXP handles, const char *session_token)
{
    for (R_xlen_t i = 0; i < XLENGTH(handles); i++) {
        SEXP handle = VECTOR_ELT(handles, i);
        if (handle == R_NilValue)
            continue;
        const char *its = or_null(STRING_ELT(key_of(handle), 1 + SESSION_TOKEN));
        if (its != NULL && strcmp(its, session_token) == 0)
            SET_VECTOR_ELT(handles, i, R_NilValue);
    }
}

void prepared_requests_forget(const char *session_token)
{
    forget_in(slots, session_token);
    forget_in(displaced, session_token);
}

static bool invalidate_in(SEXP handles, const char *access_token)
{
    bool dropped = false;
    for (R_xlen_t i = 0; i < XLENGTH(handles); i++) {
        SEXP handle = VECTOR_ELT(handles, i);
        if (handle == R_NilValue)
            continue;
        struct prepared_request *prepared = prepared_of(handle);
        if (prepared->token != NULL &&
            strcmp(cc_token_access_token(prepared->token), access_token) == 0)
            dropped |= cc_token_invalidate(prepared->token);
    }
    return dropped;
}

bool prepared_requests_invalidate(const char *access_token)
{
    bool dropped = invalidate_in(slots, access_token);
    return invalidate_in(displaced, access_token) || dropped;
}

/* Prepared requests. One is made when a question is asked for the first time and serves until another question takes
 * its slot; with it stays the last token it gave and the list that R sees of it, since tokens are immutable.
 *
 * R has one CHARSXP for equal strings as long as it lives, and the handle keeps its own alive: questions are compared
 * by the strings' addresses. */

#include "connectcreds_r.h"

#include <stdint.h>
#include <string.h>

enum { SLOTS = 512 };

static SEXP slots; /* a list of handles */
static SEXP tag;

static void release(struct question *question)
{
    cc_request_free(question->request);
    cc_token_free(question->token);
    cc_error_free(question->error);
    R_Free(question);
}

static void finalize(SEXP handle)
{
    struct question *question = R_ExternalPtrAddr(handle);
    R_ClearExternalPtr(handle);
    if (question != NULL)
        release(question);
}

void questions_setup(void)
{
    tag = Rf_install("connectcreds_question");
    slots = Rf_allocVector(VECSXP, SLOTS);
    R_PreserveObject(slots);
}

struct question *question_of(SEXP handle)
{
    return R_ExternalPtrAddr(handle);
}

/* A handle keeps a list: the key, and the token as R sees it. */
static SEXP key_of(SEXP handle)
{
    return VECTOR_ELT(R_ExternalPtrProtected(handle), 0);
}

SEXP question_list(SEXP handle)
{
    return VECTOR_ELT(R_ExternalPtrProtected(handle), 1);
}

void question_keep_list(SEXP handle, SEXP list)
{
    SET_VECTOR_ELT(R_ExternalPtrProtected(handle), 1, list);
}

/* The key: what kind of question, its values, further parameters. */
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

/* What a setter rejects, the call reports. */
static void fill(cc_request *request, bool pretend, const SEXP values[VALUES], const SEXP *further, int count)
{
    cc_request_set_resource(request, or_null(values[RESOURCE]));
    cc_request_set_scope(request, or_null(values[SCOPE]));
    cc_request_set_audience(request, or_null(values[AUDIENCE]));
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

static SEXP new_handle(SEXP kind, bool pretend, const SEXP values[VALUES], const SEXP *further, int count)
{
    SEXP kept = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(kept, 0, new_key(kind, values, further, count));
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag, kept));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);

    struct question *question = R_Calloc(1, struct question);
    R_SetExternalPtrAddr(handle, question);
    question->request = cc_request_new();
    fill(question->request, pretend, values, further, count);
    UNPROTECT(2);
    return handle;
}

SEXP question_handle(enum kind kind, bool pretend, const SEXP values[VALUES], const SEXP *further, int count)
{
    SEXP kind_name = kind_string(kind, pretend);
    size_t slot = slot_of(kind_name, values, further, count);
    SEXP handle = VECTOR_ELT(slots, slot);
    if (handle == R_NilValue || !is_key(key_of(handle), kind_name, values, further, count)) {
        handle = new_handle(kind_name, pretend, values, further, count);
        /* The one that was there lives on while a call is using it. */
        SET_VECTOR_ELT(slots, slot, handle);
    }
    return handle;
}

void questions_forget(const char *session_token)
{
    for (int i = 0; i < SLOTS; i++) {
        SEXP handle = VECTOR_ELT(slots, i);
        if (handle == R_NilValue)
            continue;
        const char *its = or_null(STRING_ELT(key_of(handle), 1 + SESSION_TOKEN));
        if (its != NULL && strcmp(its, session_token) == 0)
            SET_VECTOR_ELT(slots, i, R_NilValue);
    }
}

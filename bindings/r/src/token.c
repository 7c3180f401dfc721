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

/* token_type, access_token, expires_at and refresh_token when they are known, then the answer's
 * other members. */
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

SEXP token_list(SEXP handle)
{
    SEXP list = prepared_list(handle);
    if (list != R_NilValue)
        return list;
    PROTECT(handle);
    list = PROTECT(new_list(prepared_of(handle)->token));
    prepared_keep_list(handle, list);
    UNPROTECT(2);
    return list;
}

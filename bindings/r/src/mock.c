/* Mocks. A handle keeps the R function that answers, if one does. */

#include "connectcreds_r.h"

#include <string.h>

static SEXP tag(void)
{
    static SEXP it;
    if (it == NULL)
        it = Rf_install("connectcreds_mock");
    return it;
}

static void finalize(SEXP handle)
{
    cc_mock *mock = R_ExternalPtrAddr(handle);
    R_ClearExternalPtr(handle); /* first: a mock function may end its own mock */
    cc_mock_end(mock);
}

static cc_mock *mock_of(SEXP handle)
{
    if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != tag() || R_ExternalPtrAddr(handle) == NULL)
        Rf_error("not a mock, or one that has ended or was saved in another session");
    return R_ExternalPtrAddr(handle);
}

static SEXP new_handle(SEXP function)
{
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag(), function));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);
    UNPROTECT(1);
    return handle;
}

/* Puts what the library gave into the handle, or raises the error. */
static SEXP started(SEXP handle, cc_mock *mock, cc_error *error)
{
    R_SetExternalPtrAddr(handle, mock);
    if (error != NULL) {
        const char *borrowed = cc_error_message(error);
        char message[1000];
        strncpy(message, borrowed, sizeof message - 1);
        message[sizeof message - 1] = '\0';
        cc_error_free(error);
        Rf_error("%s", message);
    }
    return handle;
}

SEXP cr_mock_token(SEXP token)
{
    const char *access_token = or_null(one_string(token, "token"));
    SEXP handle = PROTECT(new_handle(R_NilValue));
    cc_mock *mock;
    cc_error *error;
    cc_mock_token(access_token, &mock, &error);
    started(handle, mock, error);
    UNPROTECT(1);
    return handle;
}

SEXP cr_mock_failure(void)
{
    SEXP handle = PROTECT(new_handle(R_NilValue));
    cc_mock *mock;
    cc_error *error;
    cc_mock_failure(&mock, &error);
    started(handle, mock, error);
    UNPROTECT(1);
    return handle;
}

/* Vectors of the same length: one of integers, two of strings. */
SEXP cr_mock_responses(SEXP status, SEXP content_type, SEXP body)
{
    size_t count = (size_t)XLENGTH(status);
    SEXP handle = PROTECT(new_handle(R_NilValue));
    cc_mock_response *responses = (cc_mock_response *)R_alloc(count + 1, sizeof *responses);
    for (size_t i = 0; i < count; i++) {
        responses[i].status = INTEGER(status)[i];
        responses[i].content_type = or_null(STRING_ELT(content_type, (R_xlen_t)i));
        responses[i].body = or_null(STRING_ELT(body, (R_xlen_t)i));
    }
    cc_mock *mock;
    cc_error *error;
    cc_mock_responses(responses, count, &mock, &error);
    started(handle, mock, error);
    UNPROTECT(1);
    return handle;
}

/* A question that waits for the answer of an R function. */
struct asked {
    SEXP function;
    const cc_mock_request *request;
    cc_mock_reply *reply;
    bool handled;
};

typedef const char *(*part)(const cc_mock_request *, size_t);

static SEXP named(const cc_mock_request *request, size_t count, part name, part value)
{
    SEXP list = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)count));
    SEXP names = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)count));
    for (size_t i = 0; i < count; i++) {
        SET_STRING_ELT(names, (R_xlen_t)i, utf8(name(request, i)));
        SET_VECTOR_ELT(list, (R_xlen_t)i, text(value(request, i)));
    }
    Rf_setAttrib(list, R_NamesSymbol, names);
    UNPROTECT(2);
    return list;
}

/* answer_mock() gives NULL, or a status, a content type and a body. */
static SEXP ask_function(void *data)
{
    struct asked *asked = data;
    const cc_mock_request *request = asked->request;
    SEXP headers = PROTECT(named(request, cc_mock_request_header_count(request), cc_mock_request_header_name,
                                 cc_mock_request_header_value));
    SEXP parameters = PROTECT(named(request, cc_mock_request_param_count(request), cc_mock_request_param_name,
                                    cc_mock_request_param_value));
    SEXP url = PROTECT(text(cc_mock_request_url(request)));
    SEXP method = PROTECT(text(cc_mock_request_method(request)));
    SEXP arguments = PROTECT(Rf_list5(asked->function, url, method, headers, parameters));
    SEXP answer = PROTECT(call_r("answer_mock", arguments));
    if (answer == R_NilValue) {
        asked->handled = false;
    } else {
        const char *content_type = or_null(STRING_ELT(VECTOR_ELT(answer, 1), 0));
        const char *body = or_null(STRING_ELT(VECTOR_ELT(answer, 2), 0));
        cc_mock_reply_set(asked->reply, INTEGER(VECTOR_ELT(answer, 0))[0], content_type, body);
    }
    UNPROTECT(6);
    return R_NilValue;
}

static bool answer(const cc_mock_request *request, cc_mock_reply *reply, void *handle)
{
    if (!on_r_thread()) {
        cc_mock_reply_set(reply, 503, "text/plain", "A mock function in R answers R's thread only.");
        return true;
    }
    struct asked asked = {R_ExternalPtrProtected(handle), request, reply, true};
    /* Not out over the network because the function failed; R's error goes on when the call has returned. */
    if (!run_in_r(ask_function, &asked))
        cc_mock_reply_set(reply, 500, "text/plain", "The mock function failed.");
    return asked.handled;
}

SEXP cr_mock_function(SEXP function)
{
    SEXP handle = PROTECT(new_handle(function));
    cc_mock *mock;
    cc_error *error;
    cc_mock_function(answer, handle, &mock, &error);
    started(handle, mock, error);
    UNPROTECT(1);
    return handle;
}

SEXP cr_mock_request_count(SEXP handle)
{
    return Rf_ScalarReal((double)cc_mock_request_count(mock_of(handle)));
}

SEXP cr_mock_advance_time(SEXP handle, SEXP seconds)
{
    cc_mock *mock = mock_of(handle);
    if (cc_mock_advance_time(mock, (int64_t)Rf_asReal(seconds)) != CC_OK)
        Rf_error("the time can not be moved by this many seconds");
    return R_NilValue;
}

SEXP cr_mock_end(SEXP handle)
{
    mock_of(handle);
    finalize(handle);
    return R_NilValue;
}

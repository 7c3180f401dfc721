/* Mocks. A handle keeps the R function that answers, if one does. */

#include "connectcreds_r.h"

#include <stdlib.h>
#include <string.h>

static int mocks_under_way;
static SEXP served_foreign; /* the function of httr2's mock that a mock of ours stands for */

bool is_mocking(void)
{
    return mocks_under_way > 0;
}

SEXP mocked_variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? R_BlankString : Rf_mkChar(value);
}

static bool variable_is(const char *name, const char *expected)
{
    const char *value = getenv(name);
    return value != NULL && strcmp(value, expected) == 0;
}

bool mocked_on_connect(void)
{
    return variable_is("RSTUDIO_PRODUCT", "CONNECT") || variable_is("POSIT_PRODUCT", "CONNECT") ||
           variable_is("POSIT_PRODUCT", "CONNECT_CLOUD");
}

static SEXP tag(void)
{
    static SEXP it;
    if (it == NULL)
        it = Rf_install("connectcreds_mock");
    return it;
}

/* httr2 keeps its mock in an option. Ours there has an attribute. */
SEXP foreign_mock(void)
{
    static SEXP option;
    if (option == NULL)
        option = Rf_install("httr2_mock");
    SEXP mock = Rf_GetOption1(option);
    if (TYPEOF(mock) != CLOSXP || mock == served_foreign || Rf_getAttrib(mock, tag()) != R_NilValue)
        return R_NilValue;
    return mock;
}

/* NULL: none is served any more. */
SEXP cr_serve_foreign(SEXP function)
{
    served_foreign = function == R_NilValue ? NULL : function;
    return R_NilValue;
}

static void finalize(SEXP handle)
{
    cc_mock *mock = R_ExternalPtrAddr(handle);
    R_ClearExternalPtr(handle); /* first: a mock function may end its own mock */
    if (mock != NULL)
        mocks_under_way--;
    cc_mock_end(mock);
}

static cc_mock *mock_of(SEXP handle)
{
    if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != tag() ||
        R_ExternalPtrAddr(handle) == NULL)
        Rf_error("not a mock, or one that has ended or was saved in another session");
    return R_ExternalPtrAddr(handle);
}

/* The handle keeps the source of the answers: an R function, or a list of a response. */
static SEXP new_handle(SEXP answers)
{
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, tag(), answers));
    R_RegisterCFinalizerEx(handle, finalize, TRUE);
    UNPROTECT(1);
    return handle;
}

/* Starts a mock that `handle` stands for, or raises the error. */
static void start(SEXP handle, cc_mock_fn function)
{
    cc_mock *mock;
    cc_error *error;
    cc_mock_function(function, handle, &mock, &error);
    R_SetExternalPtrAddr(handle, mock);
    if (mock != NULL)
        mocks_under_way++;
    if (error != NULL) {
        char message[1000];
        strncpy(message, cc_error_message_without_hint(error), sizeof message - 1);
        message[sizeof message - 1] = '\0';
        cc_error_free(error);
        Rf_error("%s", message);
    }
}

/* Of a handle's list of status, content type and body. On any thread: nothing of R but memory is
 * touched. */
static bool answer_with_constant(const cc_mock_request *request, cc_mock_reply *reply, void *handle)
{
    (void)request;
    SEXP constant = R_ExternalPtrProtected(handle);
    cc_mock_reply_set(reply, INTEGER(VECTOR_ELT(constant, 0))[0],
                      CHAR(STRING_ELT(VECTOR_ELT(constant, 1), 0)),
                      CHAR(STRING_ELT(VECTOR_ELT(constant, 2), 0)));
    return true;
}

/* Strings in UTF-8. */
SEXP cr_mock_constant(SEXP status, SEXP content_type, SEXP body)
{
    SEXP constant = PROTECT(Rf_allocVector(VECSXP, 3));
    SET_VECTOR_ELT(constant, 0, status);
    SET_VECTOR_ELT(constant, 1, content_type);
    SET_VECTOR_ELT(constant, 2, body);
    SEXP handle = PROTECT(new_handle(constant));
    start(handle, answer_with_constant);
    UNPROTECT(2);
    return handle;
}

/* A request that waits for the response of an R function. */
struct pending {
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
    struct pending *pending = data;
    const cc_mock_request *request = pending->request;
    SEXP headers = PROTECT(named(request, cc_mock_request_header_count(request),
                                 cc_mock_request_header_name, cc_mock_request_header_value));
    SEXP parameters = PROTECT(named(request, cc_mock_request_param_count(request),
                                    cc_mock_request_param_name, cc_mock_request_param_value));
    SEXP url = PROTECT(text(cc_mock_request_url(request)));
    SEXP method = PROTECT(text(cc_mock_request_method(request)));
    SEXP arguments = PROTECT(Rf_list5(pending->function, url, method, headers, parameters));
    SEXP answer = PROTECT(call_r("answer_mock", arguments));
    if (answer == R_NilValue) {
        pending->handled = false;
    } else {
        const char *content_type = or_null(STRING_ELT(VECTOR_ELT(answer, 1), 0));
        const char *body = or_null(STRING_ELT(VECTOR_ELT(answer, 2), 0));
        cc_mock_reply_set(pending->reply, INTEGER(VECTOR_ELT(answer, 0))[0], content_type, body);
    }
    UNPROTECT(6);
    return R_NilValue;
}

static bool answer(const cc_mock_request *request, cc_mock_reply *reply, void *handle)
{
    if (!on_r_thread()) {
        cc_mock_reply_set(reply, 503, "text/plain",
                          "A mock function in R answers R's thread only.");
        return true;
    }
    struct pending pending = {R_ExternalPtrProtected(handle), request, reply, true};
    /* Not out over the network because the function failed; R's error goes on when the call has
     * returned. */
    if (!run_in_r(ask_function, &pending))
        cc_mock_reply_set(reply, 500, "text/plain", "The mock function failed.");
    return pending.handled;
}

SEXP cr_mock_function(SEXP function)
{
    SEXP handle = PROTECT(new_handle(function));
    start(handle, answer);
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
        Rf_error("the time cannot be moved by this many seconds");
    return R_NilValue;
}

SEXP cr_mock_end(SEXP handle)
{
    mock_of(handle);
    finalize(handle);
    return R_NilValue;
}

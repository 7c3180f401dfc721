/* Mocks. A handle keeps the R function that answers, if one does. */

#include "connectcreds_r.h"

#include <stdlib.h>
#include <string.h>

/* A mock that R started. */
struct mock {
    cc_mock *mock;
    struct mock *outer;
    bool accepts_any_integration; /* nothing says which integrations there are */
};

static struct mock *innermost;
static SEXP served_foreign; /* the function of httr2's mock that a mock of ours stands for */

bool is_mocking(void)
{
    return innermost != NULL;
}

bool mock_accepts_any_integration(void)
{
    return innermost != NULL && innermost->accepts_any_integration;
}

/* The other variables of a mock are values of the request. */
void mock_sync_content_guid(void)
{
    if (innermost != NULL)
        cc_mock_set_environment(innermost->mock, "CONNECT_CONTENT_GUID",
                                getenv("CONNECT_CONTENT_GUID"));
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

SEXP with_foreign_mock(SEXP foreign, const char *routine, const SEXP *arguments, size_t count)
{
    SEXP list = R_NilValue;
    PROTECT_INDEX place;
    PROTECT_WITH_INDEX(list, &place);
    while (count > 0)
        REPROTECT(list = Rf_cons(arguments[--count], list), place);
    REPROTECT(list = Rf_cons(text(routine), list), place);
    REPROTECT(list = Rf_cons(foreign, list), place);
    SEXP result = call_r("with_foreign_mock", list);
    UNPROTECT(1);
    return result;
}

/* NULL: none is served any more. */
SEXP cr_serve_foreign(SEXP function)
{
    served_foreign = function == R_NilValue ? NULL : function;
    return R_NilValue;
}

static void leave(struct mock *mock)
{
    struct mock **place = &innermost;
    while (*place != NULL && *place != mock)
        place = &(*place)->outer;
    if (*place != NULL)
        *place = mock->outer;
}

static void finalize(SEXP handle)
{
    struct mock *mock = R_ExternalPtrAddr(handle);
    R_ClearExternalPtr(handle); /* first: a mock function may end its own mock */
    if (mock == NULL)
        return;
    leave(mock);
    cc_mock_end(mock->mock);
    R_Free(mock);
}

static struct mock *mock_of(SEXP handle)
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
static void start(SEXP handle, cc_mock_fn function, bool accepts_any_integration)
{
    struct mock *mock = R_Calloc(1, struct mock);
    cc_error *error;
    R_SetExternalPtrAddr(handle, mock);
    mock->accepts_any_integration = accepts_any_integration;
    if (cc_mock_function(function, handle, &mock->mock, &error) == CC_OK) {
        mock->outer = innermost;
        innermost = mock;
    }
    if (error != NULL) {
        char message[1000];
        strncpy(message, cc_error_message_without_hint(error), sizeof message - 1);
        message[sizeof message - 1] = '\0';
        cc_error_free(error);
        Rf_error("%s", message);
    }
}

/* Of a handle's list of status, content type and body; to a request for the list of integrations,
 * that there are none. On any thread: nothing of R but memory is touched. */
static bool answer_with_constant(const cc_mock_request *request, cc_mock_reply *reply, void *handle)
{
    if (strcmp(cc_mock_request_method(request), "GET") == 0) {
        cc_mock_reply_set(reply, 200, NULL, "[]");
        return true;
    }
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
    start(handle, answer_with_constant, INTEGER(status)[0] == 200);
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

SEXP cr_mock_function(SEXP function, SEXP accepts_any_integration)
{
    SEXP handle = PROTECT(new_handle(function));
    start(handle, answer, LOGICAL(accepts_any_integration)[0]);
    UNPROTECT(1);
    return handle;
}

/* A list of five vectors of strings: GUIDs, names, descriptions, templates, kinds. */
SEXP cr_mock_integrations(SEXP handle, SEXP integrations)
{
    struct mock *mock = mock_of(handle);
    R_xlen_t count = XLENGTH(VECTOR_ELT(integrations, 0));
    cc_mock_integration *given =
        (cc_mock_integration *)R_alloc((size_t)count + 1, sizeof(cc_mock_integration));
    for (R_xlen_t i = 0; i < count; i++) {
        given[i].guid = or_null(STRING_ELT(VECTOR_ELT(integrations, 0), i));
        given[i].name = or_null(STRING_ELT(VECTOR_ELT(integrations, 1), i));
        given[i].description = or_null(STRING_ELT(VECTOR_ELT(integrations, 2), i));
        given[i].service = or_null(STRING_ELT(VECTOR_ELT(integrations, 3), i));
        given[i].auth_type = or_null(STRING_ELT(VECTOR_ELT(integrations, 4), i));
    }
    bool accepted = cc_mock_integrations(mock->mock, given, (size_t)count) == CC_OK;
    if (accepted)
        mock->accepts_any_integration = false;
    return Rf_ScalarLogical(accepted);
}

SEXP cr_mock_request_count(SEXP handle)
{
    return Rf_ScalarReal((double)cc_mock_request_count(mock_of(handle)->mock));
}

SEXP cr_mock_advance_time(SEXP handle, SEXP seconds)
{
    struct mock *mock = mock_of(handle);
    if (cc_mock_advance_time(mock->mock, (int64_t)Rf_asReal(seconds)) != CC_OK)
        Rf_error("the time cannot be moved by this many seconds");
    return R_NilValue;
}

SEXP cr_mock_end(SEXP handle)
{
    mock_of(handle);
    finalize(handle);
    return R_NilValue;
}

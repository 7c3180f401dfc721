/* Declarations that the shim's files share. R's errors jump over the frames of their callers and
 * must never jump over Rust's, and what the library gave must not be lost in a jump:
 *
 * - the library is called between call_begin() and call_end(), where nothing of R runs but what
 * run_in_r() runs;
 * - what it gives is put into a handle that R frees before R allocates again. */

#ifndef CONNECTCREDS_R_H
#define CONNECTCREDS_R_H

#include <connectcreds.h>

#define R_NO_REMAP /* else `error` is a macro */
#include <R.h>
#include <Rinternals.h>

/* call.c: calls that may wait, and R code within them. */

struct call {
    struct call *outer; /* the call whose mock function makes this one */
    SEXP continuation;  /* where a jump out of R code goes on once the library has returned */
    bool in_r;
    bool jumped;
};

void call_setup(void);
bool on_r_thread(void);
/* Makes `call` the current one. Its continuation is protected: one UNPROTECT more. */
void call_begin(struct call *call);
/* Ends it; goes on with the jump out of R code, when there was one. */
void call_end(struct call *call);
/* Runs `code` within the current call, if there is one; false when it jumped. On R's thread only.
 */
bool run_in_r(SEXP (*code)(void *), void *data);
/* A cc_cancel_fn: what the user pressed, and lines of the log. */
bool call_poll(void *unused);

/* namespace.c: the package's own R functions. */

void namespace_setup(SEXP given);
/* Calls the function `name` of the namespace. The result is not protected. */
SEXP call_r(const char *name, SEXP arguments);
/* What the namespace has under this name, such as an environment. The result is not protected. */
SEXP namespace_value(const char *name);
/* Whether the process runs on Connect: -1 when that is the library's question, since nobody has
 * replaced running_on_connect(); else what its replacement says. */
int asked_on_connect(void);

/* strings.c */

SEXP utf8(const char *text); /* a CHARSXP; NA for NULL */
SEXP text(const char *text); /* a vector of one */
/* The CHARSXP of a single string, NA_STRING for NULL; anything else is an R error that calls it
 * `name`. */
SEXP one_string(SEXP value, const char *name);
const char *or_null(SEXP charsxp); /* UTF-8, NULL for NA_STRING */
bool is_empty(SEXP charsxp);       /* NA_STRING is not */

/* prepared_request.c: prepared requests, and the last token that each of them got. */

enum kind { SERVICE_ACCOUNT, VIEWER, WORKLOAD };

struct prepared_request {
    cc_request *request;
    cc_token *token;
    cc_error *error;
    uint32_t timeout_ms; /* as the request has it */
    bool force;          /* as the request has it */
    bool failed;         /* the last call did */
};

enum {
    RESOURCE,
    SCOPE,
    AUDIENCE,
    INTEGRATION,
    TOKEN_TYPE,
    CONTENT_TOKEN,
    SERVER_URL,
    API_KEY,
    SESSION_TOKEN,
    VALUES
};

void prepared_requests_setup(void);
/* The handle of the request with these values. `further` has names and values of parameters in
 * turns. */
SEXP prepared_handle(enum kind kind, bool pretend, const SEXP values[VALUES], const SEXP *further,
                     int count);
struct prepared_request *prepared_of(SEXP handle);
/* Sets what is of one call alone. */
void prepared_set_options(struct prepared_request *prepared, bool force, uint32_t timeout);
/* Takes the token that a call got, or its failure. */
void prepared_take_result(SEXP handle, cc_status status, cc_token *token);
/* Its error as details; the library's own is freed. */
SEXP prepared_failure(struct prepared_request *prepared);
SEXP prepared_list(SEXP handle);
void prepared_keep_list(SEXP handle, SEXP list);
void prepared_requests_forget(const char *session_token);
/* Drops the token from the cache, if it is one that R was given and no newer one is there. */
bool prepared_requests_invalidate(const char *access_token);

/* wish.c: what R asks for. */

enum { ARGUMENTS = 13 }; /* of cr_token() */

struct wish {
    enum kind kind;
    bool is_aws;        /* AWS credentials */
    const char *called; /* the R function that asks, for its errors */
    SEXP values[VALUES];
    SEXP *further; /* names and values of parameters in turns */
    int count;
    uint32_t timeout_ms;
    bool force;
};

void read_wish(struct wish *wish, const SEXP given[ARGUMENTS]);

/* prepare.c */

/* A prepared request, or a list of the details of a failure. */
struct outcome {
    SEXP handle;
    SEXP failure;
};

/* The handle and the failure are not protected. */
struct outcome prepare(struct wish *wish);

/* obtain.c */

/* The token of a prepared request as R has it; an R error when it holds no AWS credentials. The
 * result is not protected. */
SEXP result_of(SEXP handle, bool is_aws, const char *called);

/* call_options.c: what is of one call alone. */

/* The timeout in milliseconds: the argument's, the option's or the variable's, in seconds; 0 when
 * none is set. */
uint32_t timeout_ms(SEXP argument);
/* TRUE or FALSE; anything else is an R error that calls it `name`. */
bool one_flag(SEXP value, const char *name);

/* server_url.c */

/* The URL with a scheme, where `url` is a host without one; else `url` itself. The result is not
 * protected. */
SEXP with_scheme(SEXP url);

/* token.c */

SEXP token_list(SEXP handle);

/* environment.c */

/* Fills in what nobody gave, where the library does not read it itself. The result, which is not
 * protected, keeps what joins alive. */
SEXP complete_values(SEXP values[VALUES]);
/* The details of the error when a server or a key is the empty string: in R it was given, and is no
 * value. NULL when there is none. */
SEXP failure_of_server(const SEXP values[VALUES]);

/* condition.c: errors as lists of their details, which conditions.R makes conditions of. */

SEXP error_details(const cc_error *error);
SEXP status_details(cc_status status, const char *message);
/* Calls the R function `function` with the details and the name of the R function that asks. */
void tell_r(const char *function, SEXP failure, const char *called);

/* aws.c */

/* The AWS credentials in the token of a prepared request, as a list; NULL, and its error set, when
 * there are none. */
SEXP aws_list(struct prepared_request *prepared);

/* mock.c */

/* Whether a mock is under way that R started. */
bool is_mocking(void);
/* Whether a mock's answers are given, and say nothing of integrations: every name is then one. */
bool mock_accepts_any_integration(void);
/* Has the innermost mock see what the environment says of CONNECT_CONTENT_GUID now. */
void mock_sync_content_guid(void);
/* In a mock of R's the environment counts, since tests change it: what it says, "" when it says
 * nothing. */
SEXP mocked_variable(const char *name);
bool mocked_on_connect(void);
/* The function that answers httr2's requests in place of the network and is not ours; NULL when
 * there is none. */
SEXP foreign_mock(void);
/* The result of `routine` with these arguments, while that function answers our requests, too. */
SEXP with_foreign_mock(SEXP foreign, const char *routine, const SEXP *arguments, size_t count);

/* log.c */

void log_sync(void); /* options(connectcreds_debug = ) may have changed */
bool log_has_lines(void);
void log_emit(void); /* what was logged becomes R messages */
bool log_is_on(void);
void log_off(void);

/* What R calls. */

SEXP cr_setup(SEXP given);
SEXP cr_unload(void);
/* `called` is the R function that asks: it tells the kind of token. `probe`: whether there is a
 * token, as TRUE or FALSE. */
SEXP cr_token(SEXP called, SEXP resource, SEXP scope, SEXP audience, SEXP integration,
              SEXP session_token, SEXP content_token, SEXP server_url, SEXP api_key, SEXP further,
              SEXP force, SEXP timeout, SEXP probe);
SEXP cr_start(SEXP called, SEXP resource, SEXP scope, SEXP audience, SEXP integration,
              SEXP session_token, SEXP content_token, SEXP server_url, SEXP api_key, SEXP further,
              SEXP force, SEXP timeout);
SEXP cr_call_is_done(SEXP call);
SEXP cr_call_fd(SEXP call);
SEXP cr_call_finish(SEXP call, SEXP called);
SEXP cr_integrations(SEXP server_url, SEXP api_key, SEXP force, SEXP timeout);
SEXP cr_running_on_connect(void);
SEXP cr_session_token(SEXP session);
SEXP cr_forget_session(SEXP session_token);
SEXP cr_diagnose(void);
SEXP cr_version(void);
SEXP cr_library_path(void);
SEXP cr_nothing(void);
SEXP cr_mock_constant(SEXP status, SEXP content_type, SEXP body);
SEXP cr_mock_function(SEXP function, SEXP accepts_any_integration);
SEXP cr_mock_integrations(SEXP mock, SEXP integrations);
SEXP cr_mock_request_count(SEXP mock);
SEXP cr_mock_advance_time(SEXP mock, SEXP seconds);
SEXP cr_mock_end(SEXP mock);
SEXP cr_serve_foreign(SEXP function);
SEXP cr_invalidate(SEXP access_token);
SEXP cr_cache_clear(void);
SEXP cr_cache_stats(void);
SEXP cr_ca_bundle(SEXP path);
SEXP cr_built_for(void);

#endif

/* What the shim's files share. R's errors jump over the frames of their callers and must never jump over Rust's, and
 * what the library gave must not be lost in a jump:
 *
 * - the library is called between call_begin() and call_end(), where nothing of R runs but what run_in_r() runs;
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
/* Runs `code` within the current call, if there is one; false when it jumped. On R's thread only. */
bool run_in_r(SEXP (*code)(void *), void *data);
/* A cc_cancel_fn: what the user pressed, and lines of the log. */
bool call_poll(void *unused);

/* namespace.c: the package's own R functions. */

void namespace_setup(SEXP given);
/* Calls the function `name` of the namespace. The result is not protected. */
SEXP call_r(const char *name, SEXP arguments);
/* Whether the process runs on Connect: -1 when that is the library's question, since nobody has replaced
 * running_on_connect(); else what its replacement says. */
int asked_on_connect(void);

/* strings.c */

SEXP utf8(const char *text); /* a CHARSXP; NA for NULL */
SEXP text(const char *text); /* a vector of one */
/* The CHARSXP of a single string, NA_STRING for NULL; anything else is an R error that calls it `name`. */
SEXP one_string(SEXP value, const char *name);
const char *or_null(SEXP charsxp); /* UTF-8, NULL for NA_STRING */

/* question.c: prepared requests, and the last token each of them gave. */

enum kind { SERVICE_ACCOUNT, VIEWER, WORKLOAD };

struct question {
    const char *called; /* the R function that asks, for its errors */
    cc_request *request;
    cc_token *token;
    cc_error *error;
};

enum { RESOURCE, SCOPE, AUDIENCE, TOKEN_TYPE, CONTENT_TOKEN, SERVER_URL, API_KEY, SESSION_TOKEN, VALUES };

void questions_setup(void);
/* The handle of the question that these values ask. `further` has names and values of parameters in turns. */
SEXP question_handle(enum kind kind, bool pretend, const SEXP values[VALUES], const SEXP *further, int count);
struct question *question_of(SEXP handle);
SEXP question_list(SEXP handle);
void question_keep_list(SEXP handle, SEXP list);
void questions_forget(const char *session_token);

/* condition.c */

/* Raises the error of a question as an R condition, and frees it. */
void raise_error(struct question *question);
void raise_status(cc_status status, const char *message, const char *called);

/* aws.c */

/* The AWS credentials in the token of a question, as a list; raises the error when there are none. */
SEXP aws_list(struct question *question);

/* log.c */

void log_sync(void); /* options(connectcreds_debug = ) may have changed */
bool log_waits(void);
void log_speak(void); /* what was logged becomes R messages */
void log_off(void);

/* What R calls. */

SEXP cr_setup(SEXP given);
SEXP cr_unload(void);
SEXP cr_service_account_token(SEXP resource, SEXP scope, SEXP audience, SEXP content_token, SEXP server_url,
                              SEXP api_key);
SEXP cr_viewer_token(SEXP resource, SEXP scope, SEXP audience, SEXP session_token, SEXP server_url, SEXP api_key);
SEXP cr_workload_token(SEXP further, SEXP content_token, SEXP server_url, SEXP api_key);
SEXP cr_aws_credentials(SEXP resource, SEXP scope, SEXP audience, SEXP session_token, SEXP content_token,
                        SEXP server_url, SEXP api_key);
SEXP cr_running_on_connect(void);
SEXP cr_forget_session(SEXP session_token);
SEXP cr_diagnose(void);
SEXP cr_version(void);
SEXP cr_nothing(void);
SEXP cr_mock_token(SEXP token);
SEXP cr_mock_failure(void);
SEXP cr_mock_responses(SEXP status, SEXP content_type, SEXP body);
SEXP cr_mock_function(SEXP function);
SEXP cr_mock_request_count(SEXP mock);
SEXP cr_mock_advance_time(SEXP mock, SEXP seconds);
SEXP cr_mock_end(SEXP mock);

#endif

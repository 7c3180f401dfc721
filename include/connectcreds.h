/**
 * @file connectcreds.h
 * @brief OAuth credentials mediated by Posit Connect.
 *
 * Content deployed on Posit Connect exchanges the session credential that Connect gives it for an
 * access token to a third-party service. The token belongs to a service account, to the person
 * viewing the content, or to the content itself (workload identity).
 *
 * @code
 * cc_request *request = cc_request_new();
 * cc_token *token = NULL;
 * cc_error *error = NULL;
 *
 * cc_request_set_resource(request, "https://example.cloud.databricks.com");
 * if (cc_service_account_token(request, &token, &error) == CC_OK)
 *     send_query("Authorization", cc_token_authorization(token));
 * else
 *     fprintf(stderr, "%s\n", cc_error_message(error));
 *
 * cc_token_free(token);
 * cc_error_free(error);
 * cc_request_free(request);
 * @endcode
 *
 * The following conventions hold for every function.
 *
 * Results. A function that can fail returns a cc_status; CC_OK is 0. Its result comes through an
 * out-parameter, which is set to NULL on entry and to a value only on success. There is no "last
 * error".
 *
 * Errors. The last parameter of most functions that can fail is an out-parameter for an error,
 * which may be NULL; on failure it receives an error that the caller frees. These have none:
 * setters (cc_request_set_…, cc_config_set_… but for the CA bundle, cc_mock_set_…),
 * cc_mock_advance_time() and cc_diagnose(). What a request's setter rejects, cc_request_check() and
 * every call with the request report in full.
 *
 * Ownership. Handles are opaque. The caller owns whatever a function returns through an
 * out-parameter, or from a function named _new, _copy or _ref, and frees it exactly once with the
 * type's _free function (a mock: cc_mock_end()). Freeing NULL is a no-op. Arguments are copied. A
 * string that a function returns is borrowed from the handle it was read from and valid until that
 * handle is freed.
 *
 * Strings are NUL-terminated UTF-8. In: NULL or "" means "not given", which for what Connect
 * provides means "from the environment"; text that is not UTF-8 or holds a control character is
 * rejected. Out: NULL when absent.
 *
 * NULL. Accessors given a NULL handle return NULL, 0, false or -1.
 *
 * Numbers. Where a parameter is unsigned, a value over INT32_MAX is rejected: it was a negative
 * int.
 *
 * Threads. Every function may be called from any thread, at any time, also in a child after fork().
 * Tokens, errors and credentials are immutable: any thread may read, share and free them. A request
 * is set up by one thread and may then serve many.
 *
 * Blocking. Functions block only where they say so.
 *
 * Callbacks. The cancel callback, the log callback and the mock function may call the library and
 * may fork. They must not leave by longjmp(), a C++ exception or pthread_exit().
 *
 * Environment. Variables are read on the calling thread when a call begins. Changing the
 * environment while another thread is inside a call is a data race, as with any use of getenv().
 *
 * Signals. The library never changes a signal's disposition or raises a signal in its host: a
 * broken connection is an error, not a SIGPIPE. A signal handler that interrupts a call may fork.
 * Where the call was answered from the cache, the child may return from the handler, and may find
 * the cache empty; where it waited for the server, the child must end or call exec().
 *
 * Panics never cross this boundary and never print to standard error; they are reported as
 * CC_ERR_INTERNAL.
 *
 * Memory. When malloc() fails, the process aborts: no function reports it. A call needs up to
 * 256 KiB of stack on the calling thread.
 *
 * Secrets. No token, session token, API key or body appears in a message, a log line or a report.
 * They are wiped from memory when their handle is freed and the cache has dropped them, the buffers
 * of connections when they are freed; cc_cache_clear() closes connections that no exchange uses.
 * A cargo build without the feature wipe-freed-memory leaves those buffers as they are.
 *
 * Compatibility. The shared library is libconnectcreds.so.0 for all versions 0.x. A program built
 * with this header runs on every later library of that name. A patch version changes no declaration
 * here. A minor version may add functions, constants, statuses, members at the end of
 * cc_cache_stats, and environment variables; it removes and changes none. Only a new major version,
 * with a new library name, may. Not part of the promise: the words of messages, log lines and
 * reports, but for the first lines of messages, which stay.
 *
 * This file is generated from the library's source; do not edit it.
 */

#ifndef CONNECTCREDS_H
#define CONNECTCREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Version and compiler -------------------------------------------------------------------- */

/** The version of this header; cc_version() returns the library's. */
#define CC_VERSION "0.1.0"
#define CC_VERSION_MAJOR 0
#define CC_VERSION_MINOR 1
#define CC_VERSION_PATCH 0

/** The version as a number to compare: 0xMMmmpp. cc_version_number() returns the library's. */
#define CC_VERSION_NUMBER 0x000100

/** Marks the functions of this library. A program may define it before including this header. */
#ifndef CC_API
#if defined(__GNUC__)
#define CC_API __attribute__((visibility("default")))
#else
#define CC_API
#endif
#endif

/** Marks functions whose result is always a bug to ignore. A program may define it. */
#ifndef CC_MUST_USE
#if defined(__GNUC__)
#define CC_MUST_USE __attribute__((warn_unused_result))
#else
#define CC_MUST_USE
#endif
#endif

/** Marks deprecated functions. A program that must not warn defines it as nothing. */
#ifndef CC_DEPRECATED
#if defined(__GNUC__)
#define CC_DEPRECATED __attribute__((deprecated))
#else
#define CC_DEPRECATED
#endif
#endif

/* ---- Token types ----------------------------------------------------------------------------- */

/** An OAuth access token: issued when no type is requested. */
#define CC_TOKEN_TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
/** An OpenID Connect id token: a workload identity. */
#define CC_TOKEN_TYPE_ID_TOKEN "urn:ietf:params:oauth:token-type:id_token"
/** AWS credentials, see cc_token_aws_credentials(). */
#define CC_TOKEN_TYPE_AWS_CREDENTIALS "urn:ietf:params:aws:token-type:credentials"
/** A Connect API key: issued by identity federation. */
#define CC_TOKEN_TYPE_API_KEY "urn:posit:connect:api-key"
/** A content session token: the subject of a service account or workload token. */
#define CC_TOKEN_TYPE_CONTENT_SESSION "urn:posit:connect:content-session-token"
/** A user session token: the subject of a viewer token. */
#define CC_TOKEN_TYPE_USER_SESSION "urn:posit:connect:user-session-token"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status codes ---------------------------------------------------------------------------- */

/** Success. */
#define CC_OK 0
/**
 * An argument is NULL where a value is required, is not UTF-8, holds a control character, or is
 * otherwise malformed.
 */
#define CC_ERR_INVALID_ARGUMENT 1
/** The process does not run on Connect. */
#define CC_ERR_NOT_ON_CONNECT 10
/** A viewer token was requested outside a viewer's session. */
#define CC_ERR_NO_SESSION 11
/** Connect supplied no session token: its version is too old, or the feature is switched off. */
#define CC_ERR_NOT_SUPPORTED 12
/** No server URL is set. */
#define CC_ERR_NO_SERVER 13
/** No API key is set. */
#define CC_ERR_NO_API_KEY 14
/** DNS resolution, the connection or a proxy failed, or the response was cut short. */
#define CC_ERR_NETWORK 20
/** The server's certificate was not accepted, or the TLS handshake failed. */
#define CC_ERR_TLS 21
/** The deadline passed. */
#define CC_ERR_TIMEOUT 22
/** The request's cancel callback returned true. */
#define CC_ERR_CANCELLED 23
/** The server rejected the request with an OAuth or Connect error. */
#define CC_ERR_REFUSED 30
/** The server's response was not understood. */
#define CC_ERR_BAD_RESPONSE 31
/** A bug in the library, caught; or a mock function that broke its contract. */
#define CC_ERR_INTERNAL 90

/**
 * The result of a call: CC_OK or one of the CC_ERR_ codes. Values never change and are never
 * reused; more may join, so treat an unknown one as an error.
 */
typedef int32_t cc_status;

/**
 * Returns the name of a status: "CC_OK" and so on.
 *
 * @param status  any integer
 * @return a static string; "unknown" if the value is not a status
 */
CC_API const char *cc_status_name(cc_status status);

/* ---- Handles --------------------------------------------------------------------------------- */

/**
 * AWS credentials. Immutable: any thread may read them. They are wiped from memory when freed.
 */
typedef struct cc_aws_credentials cc_aws_credentials;

/**
 * A call that was started. Any thread may use it; one at a time may finish it.
 *
 * A start reads the environment, looks into the cache and returns: no network, no file, no name
 * resolution. A cache hit is done at once. Otherwise a background thread of the library drives the
 * exchange. The timeout counts from the start; the request's cancel callback is not called.
 *
 * In a child after fork(), a call that was not done has another descriptor, and exchanges the token
 * again when it is finished.
 * Inside a mock the call is done when it has started: the mock function is called by the start.
 */
typedef struct cc_call cc_call;

/** Why a call failed. Immutable: any thread may read it. */
typedef struct cc_error cc_error;

/**
 * The OAuth integrations that are associated with the content. Immutable: any thread may read it.
 */
typedef struct cc_integrations cc_integrations;

/**
 * An active mock. While it is active, the process seems to run on Connect: server
 * http://localhost:3030, API key "key", content session token "session-token", and "user-token" for
 * a viewer call whose session token is NULL. Options of a request take precedence; the process's
 * environment is neither read nor changed. Nothing goes over the network, except a request that a
 * mock function lets through. Responses are final: there are no retries.
 *
 * A mock has a cache of its own, without background refresh: no real token is seen inside, no
 * mocked one outside. Mocks nest: the innermost responds; they may end in any order. A mock applies
 * to the whole process: to calls that begin on any thread while it is active, not to calls in
 * progress. A child forked while it is active has it too, with its cache, and ends it for itself.
 */
typedef struct cc_mock cc_mock;

/** Takes the response of a mock function. It is valid until the function returns. */
typedef struct cc_mock_reply cc_mock_reply;

/**
 * An HTTP request that a mock function responds to, as it would be sent. It is valid until the
 * function returns, as are the strings borrowed from it.
 */
typedef struct cc_mock_request cc_mock_request;

/**
 * Options for a token call. Anything left unset is read from the environment or omitted from the
 * HTTP request.
 *
 * Values are copied. Setting an option again replaces its value; NULL or "" removes it. A value
 * that is rejected is reported by its setter, and again by every later call with the request, until
 * a good value is set: ignoring a setter's status never sends a request that lacks what it was
 * told.
 *
 * Once set up, one request may serve many threads. While a setter runs, no other thread may use the
 * request. Do not free it while another thread is inside a call with it, nor from a log callback or
 * a mock function inside such a call. Its own cancel callback may replace or remove itself and may
 * free the request.
 */
typedef struct cc_request cc_request;

/**
 * An access token and the rest of the server's response. Immutable: any thread may read and share
 * it. It is wiped from memory when its last handle is freed and the cache has dropped it.
 */
typedef struct cc_token cc_token;

/* ---- Obtaining tokens ------------------------------------------------------------------------ */

/**
 * Returns the token of the service account of an integration that is associated with this content.
 *
 * @param request  the options; NULL: all from the environment
 * @param token    receives the token, to be freed with cc_token_free(); NULL is rejected
 * @param error    receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED,
 *         CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT,
 *         CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or CC_ERR_INTERNAL
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API cc_status cc_service_account_token(const cc_request *request, cc_token **token,
                                          cc_error **error);

/**
 * Returns the token of the person viewing the content.
 *
 * @param session_token  the value of the header Posit-Connect-User-Session-Token of the viewer's
 *                       HTTP request. NULL: there is no viewer's session, which is an error except
 *                       inside a mock. "": there is one, but Connect sent no token
 * @param request        the options; NULL: all from the environment
 * @param token          receives the token, to be freed with cc_token_free(); NULL is rejected
 * @param error          receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NO_SESSION,
 *         CC_ERR_NOT_SUPPORTED, CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS,
 *         CC_ERR_TIMEOUT, CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or
 *         CC_ERR_INTERNAL
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API cc_status cc_viewer_token(const char *session_token, const cc_request *request,
                                 cc_token **token, cc_error **error);

/**
 * Returns an OpenID Connect id token that identifies this content, for services that trust the
 * Connect server (workload identity).
 *
 * @param request  the options; a requested token type other than CC_TOKEN_TYPE_ID_TOKEN is
 *                 rejected; NULL: all from the environment
 * @param token    receives the token, to be freed with cc_token_free(); NULL is rejected
 * @param error    receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED,
 *         CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT,
 *         CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or CC_ERR_INTERNAL
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API cc_status cc_workload_token(const cc_request *request, cc_token **token, cc_error **error);

/**
 * Performs any other exchange with the server's credential endpoint (RFC 8693), on Connect or not:
 * identity federation, for example. An API key is sent when the request or the environment has one.
 *
 * @param subject_token       the token to exchange; NULL and "" are rejected
 * @param subject_token_type  its type, a URN; NULL and "" are rejected
 * @param request             the options; NULL: all from the environment
 * @param token               receives the token, to be freed with cc_token_free(); NULL is rejected
 * @param error               receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NO_SERVER, CC_ERR_NETWORK, CC_ERR_TLS,
 *         CC_ERR_TIMEOUT, CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or
 *         CC_ERR_INTERNAL
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API cc_status cc_exchange_token(const char *subject_token, const char *subject_token_type,
                                   const cc_request *request, cc_token **token, cc_error **error);

/**
 * Returns whether cc_service_account_token() would succeed.
 *
 * @param request  see cc_service_account_token()
 * @return true if a token is available
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API bool cc_has_service_account_token(const cc_request *request);

/**
 * Returns whether cc_viewer_token() would succeed.
 *
 * @param session_token  see cc_viewer_token()
 * @param request        see cc_viewer_token()
 * @return true if a token is available
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API bool cc_has_viewer_token(const char *session_token, const cc_request *request);

/**
 * Returns whether cc_workload_token() would succeed.
 *
 * @param request  see cc_workload_token()
 * @return true if a token is available
 *
 * Blocks on a cache miss, until the server has responded or the timeout has passed.
 */
CC_API bool cc_has_workload_token(const cc_request *request);

/**
 * Returns whether the process runs as content on Posit Connect (RSTUDIO_PRODUCT or POSIT_PRODUCT is
 * CONNECT) or Connect Cloud (POSIT_PRODUCT is CONNECT_CLOUD); inside a mock, whether the mock's
 * environment says so.
 *
 * @return true if it does
 */
CC_API bool cc_running_on_connect(void);

/* ---- Calls that do not block ----------------------------------------------------------------- */

/**
 * Starts a call of cc_service_account_token().
 *
 * @param request  the options, copied; NULL: all from the environment
 * @param call     receives the call, to be freed with cc_call_free(); NULL is rejected
 * @param error    receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, or a failure that needs no exchange: CC_ERR_INVALID_ARGUMENT,
 *         CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED, CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY,
 *         CC_ERR_NETWORK (no background thread can be started), CC_ERR_REFUSED (remembered from
 *         a moment ago) or CC_ERR_INTERNAL
 */
CC_API cc_status cc_service_account_token_start(const cc_request *request, cc_call **call,
                                                cc_error **error);

/**
 * Starts a call of cc_viewer_token().
 *
 * @param session_token  see cc_viewer_token()
 * @param request        the options, copied; NULL: all from the environment
 * @param call           receives the call, to be freed with cc_call_free(); NULL is rejected
 * @param error          receives an error, to be freed with cc_error_free(); may be NULL
 * @return see cc_service_account_token_start(), and CC_ERR_NO_SESSION
 */
CC_API cc_status cc_viewer_token_start(const char *session_token, const cc_request *request,
                                       cc_call **call, cc_error **error);

/**
 * Starts a call of cc_workload_token().
 *
 * @param request  the options, copied; NULL: all from the environment
 * @param call     receives the call, to be freed with cc_call_free(); NULL is rejected
 * @param error    receives an error, to be freed with cc_error_free(); may be NULL
 * @return see cc_service_account_token_start()
 */
CC_API cc_status cc_workload_token_start(const cc_request *request, cc_call **call,
                                         cc_error **error);

/**
 * Starts a call of cc_exchange_token().
 *
 * @param subject_token       see cc_exchange_token()
 * @param subject_token_type  see cc_exchange_token()
 * @param request             the options, copied; NULL: all from the environment
 * @param call                receives the call, to be freed with cc_call_free(); NULL is rejected
 * @param error               receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NO_SERVER, CC_ERR_NETWORK (no background thread
 *         can be started), CC_ERR_REFUSED (remembered from a moment ago) or CC_ERR_INTERNAL
 */
CC_API cc_status cc_exchange_token_start(const char *subject_token, const char *subject_token_type,
                                         const cc_request *request, cc_call **call,
                                         cc_error **error);

/**
 * Returns whether cc_call_finish() would return at once: there is a result, or the timeout has
 * passed.
 *
 * @param call  the call; NULL gives false
 * @return true if it would
 */
CC_API bool cc_call_is_done(const cc_call *call);

/**
 * Returns a descriptor that becomes readable when the call is done, for poll(), epoll and event
 * loops. The first request for it creates it. It belongs to the call: do not read, write or close
 * it; it closes with cc_call_free().
 *
 * @param call  the call; NULL gives -1
 * @return the descriptor; -1 if none can be created, as always on Windows
 */
CC_API int cc_call_fd(cc_call *call);

/**
 * Returns the result of a call; a second time, the same again.
 *
 * @param call   the call; NULL is rejected, and so is one that another thread is finishing
 * @param token  receives the token, to be freed with cc_token_free(); NULL is rejected
 * @param error  receives an error, to be freed with cc_error_free(); may be NULL
 * @return the statuses of the function without _start
 *
 * Blocks until the call is done.
 */
CC_API cc_status cc_call_finish(cc_call *call, cc_token **token, cc_error **error);

/**
 * Frees a call. One that is not done leaves its exchange, as a cancelled call does: others that
 * wait for it are not affected.
 *
 * @param call  the call; NULL is a no-op
 */
CC_API void cc_call_free(cc_call *call);

/* ---- Requests -------------------------------------------------------------------------------- */

/**
 * Decides whether a waiting call ends. It may call the library, replace or remove itself, free the
 * request, and fork; calls that it makes itself ask no cancel callback. It must not leave by
 * longjmp(), a C++ exception or pthread_exit().
 *
 * @param user_data  as it was given to cc_request_set_cancel()
 * @return true ends the call with CC_ERR_CANCELLED
 */
typedef bool (*cc_cancel_fn)(void *user_data);

/**
 * Creates a request in which nothing is set.
 *
 * @return the request, to be freed with cc_request_free()
 */
CC_API CC_MUST_USE cc_request *cc_request_new(void);

/**
 * Copies a request, rejected values included: for an option of one call, such as its cancel
 * callback, on top of options of all calls. Cheap: values are shared until one of the two changes.
 *
 * @param request  the request; NULL gives a request in which nothing is set
 * @return the copy, to be freed with cc_request_free()
 */
CC_API CC_MUST_USE cc_request *cc_request_copy(const cc_request *request);

/**
 * Frees a request. Tokens obtained with it remain valid.
 *
 * @param request  the request; NULL is a no-op
 */
CC_API void cc_request_free(cc_request *request);

/**
 * Checks that no setter has rejected a value which was not replaced by a good one since.
 *
 * @param request  the request; NULL gives CC_OK
 * @param error    receives the error of the first such value, to be freed with cc_error_free(); may
 *                 be NULL
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_check(const cc_request *request, cc_error **error);

/**
 * Sets the service that the token is for, by its URL (RFC 8693, section 2.1).
 *
 * @param request   the request; NULL is rejected
 * @param resource  NULL or "": none
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_resource(cc_request *request, const char *resource);

/**
 * Sets the requested scopes, separated by spaces (RFC 8693, section 2.1).
 *
 * @param request  the request; NULL is rejected
 * @param scope    NULL or "": none
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_scope(cc_request *request, const char *scope);

/**
 * Sets the integration to use, where several are associated with the content. It names the
 * integration, not the service that receives the token: a workload token's "aud" claim is
 * configured in the integration. Connect 2025.07 and later.
 *
 * @param request   the request; NULL is rejected
 * @param audience  the integration's GUID; NULL or "": Connect chooses
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_audience(cc_request *request, const char *audience);

/**
 * Sets which integration to use, where several are associated with the content: by its name, by its
 * template ("databricks") where only one has it, or by its GUID. Connect 2025.07 and later.
 *
 * A name matches exactly, otherwise without regard to case and surrounding space. Of two with one
 * name, the one of the call's kind is used: a viewer call's is the viewer's. If nothing matches, or
 * several still do, the call fails with CC_ERR_REFUSED and a message that lists the integrations.
 *
 * A call looks a name up as part of its exchange, within its timeout, for which the API key needs a
 * publisher's rights; the list is kept for five minutes. Without CONNECT_CONTENT_GUID the call
 * fails with CC_ERR_NOT_SUPPORTED. A GUID is sent as the audience, without a lookup. Tokens are
 * cached by the integration as it is given here.
 *
 * @param request       the request; NULL is rejected
 * @param name_or_guid  NULL or "": none. Rejected while an audience is set, as is an audience while
 *                      an integration is set
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_integration(cc_request *request, const char *name_or_guid);

/**
 * Sets the requested token type.
 *
 * @param request     the request; NULL is rejected
 * @param token_type  one of the CC_TOKEN_TYPE_ URNs, or another; NULL or "": an access token
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_requested_token_type(cc_request *request, const char *token_type);

/**
 * Sets the content session token that is exchanged for a service account or workload token.
 *
 * @param request        the request; NULL is rejected
 * @param content_token  NULL or "": from CONNECT_CONTENT_SESSION_TOKEN_FILE or
 *                       CONNECT_CONTENT_SESSION_TOKEN
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_content_token(cc_request *request, const char *content_token);

/**
 * Sets the Connect server.
 *
 * @param request     the request; NULL is rejected
 * @param server_url  http:// or https://, with or without a path, trailing slashes or /__api__,
 *                    without user, password, query or fragment; NULL or "": from CONNECT_SERVER
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_server_url(cc_request *request, const char *server_url);

/**
 * Sets the Connect API key.
 *
 * @param request  the request; NULL is rejected
 * @param api_key  NULL or "": from CONNECT_API_KEY
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_api_key(cc_request *request, const char *api_key);

/**
 * Sets any other form parameter. A parameter with a setter of its own, and grant_type,
 * subject_token and subject_token_type, are rejected.
 *
 * @param request  the request; NULL is rejected
 * @param name     the parameter; NULL and "" are rejected
 * @param value    NULL or "": the parameter is not sent
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. A name that is rejected once is rejected for the life
 *         of the request
 */
CC_API cc_status cc_request_set_param(cc_request *request, const char *name, const char *value);

/**
 * Sets how long a call with this request may take.
 *
 * @param request       the request; NULL is rejected
 * @param milliseconds  at most INT32_MAX; 0: as set by cc_config_set_timeout_ms(), 20,000 by
 *                      default. For what is left of a deadline, which may be nothing, use
 *                      cc_request_set_time_left_ms()
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_timeout_ms(cc_request *request, uint32_t milliseconds);

/**
 * Sets how long a call with this request may take to what is left of the caller's own deadline. In
 * contrast to cc_request_set_timeout_ms(), 0 is not the default: when no time is left, a call does
 * not wait. It returns a cached token or fails with CC_ERR_TIMEOUT.
 *
 * @param request       the request; NULL is rejected
 * @param milliseconds  0 and less: no time is left
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_time_left_ms(cc_request *request, int64_t milliseconds);

/**
 * Sets the minimum remaining lifetime of the token. Best effort: if the server cannot do better,
 * its token is returned anyway; check cc_token_expires_at().
 *
 * @param request  the request; NULL is rejected
 * @param seconds  at most INT32_MAX; 0: no more than the library's own margin, 60 seconds or a
 *                 tenth of the token's lifetime
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_min_validity_s(cc_request *request, uint32_t seconds);

/**
 * Sets whether the server is asked even if a good token is cached. A call may join an exchange in
 * progress; if it fails, the cached token stays for other calls.
 *
 * @param request        the request; NULL is rejected
 * @param force_refresh  false is the default
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_force_refresh(cc_request *request, bool force_refresh);

/**
 * Skips the check that the process runs on Connect. Intended for tests: what Connect would provide
 * has to come from the request, the environment or a mock.
 *
 * @param request     the request; NULL is rejected
 * @param on_connect  true skips the check; false is the default
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_on_connect(cc_request *request, bool on_connect);

/**
 * Sets a callback that can end a call while it waits. It is called on the thread that makes the
 * call: once before the call blocks, also inside a mock, and then at least every 100 ms. An
 * exchange that other calls wait for continues. A call holds the callback it began with: replacing
 * it takes effect with the next call.
 *
 * @param request    the request; NULL is rejected
 * @param cancelled  the callback; NULL removes it
 * @param user_data  passed to the callback; may be NULL. It must stay valid until every call that
 *                   began with this callback has returned
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_request_set_cancel(cc_request *request, cc_cancel_fn cancelled,
                                       void *user_data);

/* ---- Integrations ---------------------------------------------------------------------------- */

/**
 * Lists the OAuth integrations that are associated with this content, which CONNECT_CONTENT_GUID
 * names, in the server's order. The API key needs a publisher's rights for the content; the key
 * that Connect gives to content has them.
 *
 * The list is kept for five minutes, together with the one by which calls find an integration. The
 * request's server, API key, timeout and cancel callback are used; with
 * cc_request_set_force_refresh() the server is asked again.
 *
 * @param request       NULL: everything from the environment
 * @param integrations  receives the list, which may be empty, to be freed with
 *                      cc_integrations_free(); NULL is rejected
 * @param error         receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT; CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY;
 *         CC_ERR_NOT_SUPPORTED when CONNECT_CONTENT_GUID is not set; CC_ERR_NETWORK, CC_ERR_TLS,
 *         CC_ERR_TIMEOUT, CC_ERR_CANCELLED; CC_ERR_REFUSED, also when the API key has no right to
 *         list them; CC_ERR_BAD_RESPONSE, CC_ERR_INTERNAL
 *
 * Blocks until the server has responded or the timeout has passed, unless a list is kept.
 */
CC_API cc_status cc_integrations_list(const cc_request *request, cc_integrations **integrations,
                                      cc_error **error);

/**
 * Returns the number of integrations.
 *
 * @param integrations  the list; NULL gives 0
 * @return the number
 */
CC_API size_t cc_integrations_count(const cc_integrations *integrations);

/**
 * Returns the GUID of an integration: what cc_request_set_integration() and
 * cc_request_set_audience() take.
 *
 * @param integrations  the list; NULL gives NULL
 * @param index         from 0
 * @return the GUID, borrowed from the list; NULL for an index that is too large
 */
CC_API const char *cc_integrations_guid(const cc_integrations *integrations, size_t index);

/**
 * Returns the name that an administrator gave an integration. Names need not be unique.
 *
 * @param integrations  the list; NULL gives NULL
 * @param index         from 0
 * @return the name, borrowed from the list; NULL when there is none, and for an index that is too
 *         large
 */
CC_API const char *cc_integrations_name(const cc_integrations *integrations, size_t index);

/**
 * Returns the description that an administrator gave an integration.
 *
 * @param integrations  the list; NULL gives NULL
 * @param index         from 0
 * @return the description, borrowed from the list; NULL when there is none, and for an index that
 *         is too large
 */
CC_API const char *cc_integrations_description(const cc_integrations *integrations, size_t index);

/**
 * Returns the service of an integration: "databricks", "aws", "custom" and so on.
 *
 * @param integrations  the list; NULL gives NULL
 * @param index         from 0
 * @return the template, borrowed from the list; NULL when the server did not say, and for an index
 *         that is too large
 */
CC_API const char *cc_integrations_template(const cc_integrations *integrations, size_t index);

/**
 * Returns whose credentials an integration gives: "Viewer", "Service Account" and so on.
 *
 * @param integrations  the list; NULL gives NULL
 * @param index         from 0
 * @return the kind, borrowed from the list; NULL when the server did not say, as older ones do not,
 *         and for an index that is too large
 */
CC_API const char *cc_integrations_auth_type(const cc_integrations *integrations, size_t index);

/**
 * Frees a list, and with it every string borrowed from it.
 *
 * @param integrations  the list; NULL is a no-op
 */
CC_API void cc_integrations_free(cc_integrations *integrations);

/* ---- Tokens ---------------------------------------------------------------------------------- */

/**
 * Returns the token itself. A secret: do not print it.
 *
 * @param token  the token; NULL gives NULL
 * @return the token, borrowed from the handle
 */
CC_API const char *cc_token_access_token(const cc_token *token);

/**
 * Returns how the token is presented (RFC 6749, section 7.1).
 *
 * @param token  the token; NULL gives NULL
 * @return the type, borrowed from the handle: "Bearer" when the server did not say;
 *         "aws_credentials" for AWS
 */
CC_API const char *cc_token_type(const cc_token *token);

/**
 * Returns the type of token that was issued, as a URN.
 *
 * @param token  the token; NULL gives NULL
 * @return one of the CC_TOKEN_TYPE_ URNs or another, borrowed from the handle; NULL when the server
 *         did not say
 */
CC_API const char *cc_token_issued_type(const cc_token *token);

/**
 * Returns when the token expires, by this machine's clock.
 *
 * @param token  the token; NULL gives -1
 * @return Unix seconds, at most 253402300799 (the end of the year 9999); -1 when unknown
 */
CC_API int64_t cc_token_expires_at(const cc_token *token);

/**
 * Returns the value of the header Authorization that presents the token: "Bearer eyJ…". A secret:
 * do not print it.
 *
 * @param token  the token; NULL gives NULL
 * @return the value, borrowed from the handle; NULL for types other than Bearer
 */
CC_API const char *cc_token_authorization(const cc_token *token);

/**
 * Returns the number of members of the server's response, for cc_token_field_name() and
 * cc_token_field_value().
 *
 * @param token  the token; NULL gives 0
 * @return the number
 */
CC_API size_t cc_token_field_count(const cc_token *token);

/**
 * Returns the name of a member of the server's response.
 *
 * @param token  the token; NULL gives NULL
 * @param index  from 0, in the order of the response
 * @return the name, borrowed from the handle; NULL for an index that is too large
 */
CC_API const char *cc_token_field_name(const cc_token *token, size_t index);

/**
 * Returns the value of a member of the server's response: a string as it is, any other value, and a
 * string that contains a NUL, as JSON text.
 *
 * @param token  the token; NULL gives NULL
 * @param index  from 0, in the order of the response
 * @return the value, borrowed from the handle; NULL for an index that is too large
 */
CC_API const char *cc_token_field_value(const cc_token *token, size_t index);

/**
 * Returns the value of the named member of the server's response, in the form of
 * cc_token_field_value().
 *
 * @param token  the token; NULL gives NULL
 * @param name   the member; NULL gives NULL
 * @return the value, borrowed from the handle; NULL when there is no such member
 */
CC_API const char *cc_token_field(const cc_token *token, const char *name);

/**
 * Returns another handle on the same token.
 *
 * @param token  the token; NULL gives NULL
 * @return the handle, to be freed with cc_token_free() like the first
 */
CC_API CC_MUST_USE cc_token *cc_token_ref(const cc_token *token);

/**
 * Frees a handle on a token, and with it every string borrowed from it. Other handles on the token
 * remain valid.
 *
 * @param token  the handle; NULL is a no-op
 */
CC_API void cc_token_free(cc_token *token);

/* ---- AWS credentials ------------------------------------------------------------------------- */

/**
 * Returns the AWS credentials in a token that was requested with CC_TOKEN_TYPE_AWS_CREDENTIALS.
 *
 * @param token        the token; NULL is rejected
 * @param credentials  receives the credentials, to be freed with cc_aws_credentials_free(); NULL is
 *                     rejected
 * @param error        receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_INTERNAL, or CC_ERR_BAD_RESPONSE when the token
 *         holds none
 */
CC_API cc_status cc_token_aws_credentials(const cc_token *token, cc_aws_credentials **credentials,
                                          cc_error **error);

/**
 * Returns the access key id (AWS_ACCESS_KEY_ID).
 *
 * @param credentials  the credentials; NULL gives NULL
 * @return the value, borrowed from the credentials
 */
CC_API const char *cc_aws_credentials_access_key_id(const cc_aws_credentials *credentials);

/**
 * Returns the secret access key (AWS_SECRET_ACCESS_KEY). A secret: do not print it.
 *
 * @param credentials  the credentials; NULL gives NULL
 * @return the value, borrowed from the credentials
 */
CC_API const char *cc_aws_credentials_secret_access_key(const cc_aws_credentials *credentials);

/**
 * Returns the session token (AWS_SESSION_TOKEN). A secret: do not print it.
 *
 * @param credentials  the credentials; NULL gives NULL
 * @return the value, borrowed from the credentials; NULL when there is none
 */
CC_API const char *cc_aws_credentials_session_token(const cc_aws_credentials *credentials);

/**
 * Returns when the credentials expire, by AWS's clock.
 *
 * @param credentials  the credentials; NULL gives -1
 * @return Unix seconds; -1 when they do not say
 */
CC_API int64_t cc_aws_credentials_expires_at(const cc_aws_credentials *credentials);

/**
 * Frees credentials, and with them every string borrowed from them.
 *
 * @param credentials  the credentials; NULL is a no-op
 */
CC_API void cc_aws_credentials_free(cc_aws_credentials *credentials);

/* ---- Errors ---------------------------------------------------------------------------------- */

/**
 * Returns the status that the call returned.
 *
 * @param error  the error; NULL gives CC_OK
 * @return the status
 */
CC_API cc_status cc_error_status(const cc_error *error);

/**
 * Returns a complete explanation for a person: what happened, why, and what to do, one line each.
 * It never contains a secret. Text from a server is data: print the message with "%s", never as a
 * format.
 *
 * @param error  the error; NULL gives NULL
 * @return the message, borrowed from the error
 */
CC_API const char *cc_error_message(const cc_error *error);

/**
 * Returns the message without the line that names a C function, for bindings that name their own
 * way to set the option that cc_error_option() returns. The same as cc_error_message() when that
 * returns NULL.
 *
 * @param error  the error; NULL gives NULL
 * @return the message, borrowed from the error
 */
CC_API const char *cc_error_message_without_hint(const cc_error *error);

/**
 * Returns the option that the last line of the message tells to set: "server_url", "api_key" or
 * "ca_bundle"; more may join.
 *
 * @param error  the error; NULL gives NULL
 * @return the option, a static string; NULL when the message names none
 */
CC_API const char *cc_error_option(const cc_error *error);

/**
 * Returns the status of the server's HTTP response.
 *
 * @param error  the error; NULL gives 0
 * @return the HTTP status; 0 when there was no response
 */
CC_API int32_t cc_error_http_status(const cc_error *error);

/**
 * Returns the OAuth error code of the server's response (RFC 6749, section 5.2), such as
 * "invalid_request".
 *
 * @param error  the error; NULL gives NULL
 * @return the code, borrowed from the error; NULL when there was none
 */
CC_API const char *cc_error_oauth_code(const cc_error *error);

/**
 * Returns Connect's own error code, such as 212: no integration is associated with the content.
 *
 * @param error  the error; NULL gives 0
 * @return the code; 0 when there was none
 */
CC_API int32_t cc_error_connect_code(const cc_error *error);

/**
 * Returns whether the same call may succeed later with nothing changed.
 *
 * @param error  the error; NULL gives false
 * @return true for transient failures: the network, a timeout, HTTP 408, 429, 500, 502, 503 and
 *         504, and the OAuth codes temporarily_unavailable and server_error
 */
CC_API bool cc_error_is_retryable(const cc_error *error);

/**
 * Returns how long the server asked to wait before the next attempt (the header Retry-After).
 *
 * @param error  the error; NULL gives -1
 * @return milliseconds; -1 when the server did not say
 */
CC_API int64_t cc_error_retry_after_ms(const cc_error *error);

/**
 * Frees an error, and with it every string borrowed from it.
 *
 * @param error  the error; NULL is a no-op
 */
CC_API void cc_error_free(cc_error *error);

/* ---- Cache ----------------------------------------------------------------------------------- */

/**
 * Counters since the process or the mock began. A forked child continues its parent's. Members may
 * join at the end; see cc_cache_get_stats().
 */
typedef struct cc_cache_stats {
    /**
     * Calls answered with a fresh token from the cache.
     */
    uint64_t hits;
    /**
     * Calls answered with a cached token while a refresh was in progress or had recently failed.
     */
    uint64_t stale_hits;
    /**
     * Calls that found no usable token in the cache.
     */
    uint64_t misses;
    /**
     * Exchanges begun.
     */
    uint64_t exchanges;
    /**
     * Calls that waited for an exchange begun by another call.
     */
    uint64_t coalesced;
    /**
     * Exchanges that failed.
     */
    uint64_t failures;
    /**
     * Entries evicted to make room.
     */
    uint64_t evictions;
    /**
     * Tokens in the cache now.
     */
    uint64_t entries;
} cc_cache_stats;

/**
 * Drops a token from the cache it came from, the process's or a mock's, because the service it is
 * for rejected it: the next call obtains another. If a newer token is cached already, that one
 * stays.
 *
 * @param token  the token; NULL gives false
 * @return true if the token was dropped
 */
CC_API bool cc_token_invalidate(const cc_token *token);

/**
 * Drops every cached token and remembered refusal; inside a mock, those of the mock. Results of
 * exchanges in progress go to the waiting callers but are not cached. Tokens that the host holds
 * remain valid. Connections that no exchange uses are closed.
 */
CC_API void cc_cache_clear(void);

/**
 * Drops everything that is cached for a viewer's session token; inside a mock, from the mock's
 * cache. Call it when the viewer's session ends. Results of exchanges in progress for it are not
 * cached.
 *
 * @param session_token  as it was given to cc_viewer_token(); NULL is a no-op
 */
CC_API void cc_cache_forget_session(const char *session_token);

/**
 * Reads the cache's counters; inside a mock, those of the mock's cache. Members that the library
 * does not know are set to 0, so that a program built with a later header runs on this library.
 *
 * @param stats  receives the counters; NULL writes nothing
 * @param size   sizeof(cc_cache_stats) in the caller's header, in bytes: no more is written
 * @return how many bytes of counters the library knows
 */
CC_API size_t cc_cache_get_stats(cc_cache_stats *stats, size_t size);

/* ---- Configuration --------------------------------------------------------------------------- */

/**
 * Sets certificate authorities to trust in addition to the system's, such as a private one that
 * issued the Connect server's certificate. The file is read now, and again by later exchanges when
 * it has changed; one that has become unusable leaves the certificates as they are.
 *
 * @param path   a file with one or more certificates in PEM form; NULL or "" restores the default,
 *               the file named by CONNECT_CA_CERTIFICATE if there is one
 * @param error  receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK; CC_ERR_INVALID_ARGUMENT when the file cannot be read, or holds no certificate or a
 *         malformed one: nothing changes then; CC_ERR_NETWORK, which is retryable, when reading it
 *         failed for a reason that may pass, such as too many open files; CC_ERR_INTERNAL
 *
 * Blocks while it reads the file.
 */
CC_API cc_status cc_config_set_ca_bundle(const char *path, cc_error **error);

/**
 * Sets how long a call may take in total, attempts and pauses included, unless its request sets a
 * timeout. An exchange in the background has as long.
 *
 * @param milliseconds  at most INT32_MAX; 0 restores the default, 20,000
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_timeout_ms(uint32_t milliseconds);

/**
 * Sets how long one attempt at an exchange may take, from the connection to the last byte of the
 * response. An attempt that exceeds it is retried while the call's deadline allows.
 *
 * @param milliseconds  at most INT32_MAX; 0 restores the default, 8,000
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_attempt_timeout_ms(uint32_t milliseconds);

/**
 * Sets how long it may take to establish a connection: DNS resolution, TCP and TLS.
 *
 * @param milliseconds  at most INT32_MAX; 0 restores the default, 3,000
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_connect_timeout_ms(uint32_t milliseconds);

/**
 * Sets the maximum number of attempts when an exchange fails with a transient error: the
 * connection, a timeout, HTTP 408, 429, 500, 502, 503 and 504, and the OAuth codes
 * temporarily_unavailable and server_error.
 *
 * @param attempts  1 disables retries; at most INT32_MAX; 0 restores the default, 3
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_max_attempts(uint32_t attempts);

/**
 * Sets the maximum number of entries in the cache. Entries over a lower bound are evicted at once:
 * expired ones first, then the least recently used.
 *
 * @param entries  at most PTRDIFF_MAX; 0 restores the default, 10,000
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_cache_capacity(size_t entries);

/**
 * Sets how much memory the cached tokens may take. Tokens over a lower bound are evicted at once:
 * expired ones first, then the least recently used.
 *
 * @param bytes  at most PTRDIFF_MAX; 0 restores the default, 67,108,864 (64 MiB)
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_cache_bytes(size_t bytes);

/**
 * Sets how long a token is cached when neither the response nor the token itself states a lifetime.
 *
 * @param seconds  at most INT32_MAX; 0 restores the default, 600
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_config_set_default_lifetime_s(uint32_t seconds);

/**
 * Enables background refresh of tokens close to expiry (always off inside a mock). When disabled,
 * the first call to find the token too close to expiry waits for a new one.
 *
 * @param on  true is the default
 * @return CC_OK
 */
CC_API cc_status cc_config_set_background_refresh(bool on);

/* ---- Log ------------------------------------------------------------------------------------- */

/** A call failed. */
#define CC_LOG_ERROR 1
/** A potential problem, or a failure the library recovered from. */
#define CC_LOG_WARNING 2
/** Activity: requests and responses, attempts, redirects, tokens. */
#define CC_LOG_INFO 3
/** How it decides: the environment, the cache, the route to the server. */
#define CC_LOG_DEBUG 4

/**
 * Receives one line of the log: one event, without a line break and without a secret. Text from a
 * server is data: print the message with "%s", never as a format.
 *
 * It is called on threads that are inside a call of the library, while no lock is held; lines of
 * background work wait for the next call. It may call the library, which logs nothing to it
 * meanwhile; it must not leave by longjmp(), a C++ exception or pthread_exit().
 *
 * @param level      CC_LOG_ERROR, CC_LOG_WARNING, CC_LOG_INFO or CC_LOG_DEBUG
 * @param message    the line, valid until the callback returns
 * @param user_data  as it was given to cc_log_set_callback()
 */
typedef void (*cc_log_fn)(int32_t level, const char *message, void *user_data);

/**
 * Sets the callback that receives log lines, replacing any previous one. When this returns, the
 * previous callback is not running on another thread and is never called again: its data can be
 * freed. Lines not yet delivered to it are dropped. In addition, CONNECTCREDS_DEBUG=1 in the
 * environment sends the log to standard error.
 *
 * @param max_level  the most detailed level to receive; 0 or less removes the callback
 * @param fn         the callback; NULL removes it
 * @param user_data  passed to the callback; may be NULL
 *
 * Blocks while the previous callback runs on another thread.
 */
CC_API void cc_log_set_callback(int32_t max_level, cc_log_fn fn, void *user_data);

/* ---- Mocks, for tests ------------------------------------------------------------------------ */

/**
 * A response of a mock. This struct never changes; responses with further headers come from a mock
 * function.
 */
typedef struct cc_mock_response {
    /**
     * The HTTP status, from 100 to 599.
     */
    int32_t status;
    /**
     * NULL or "": application/json.
     */
    const char *content_type;
    /**
     * Any text, line breaks included; NULL: empty.
     */
    const char *body;
} cc_mock_response;

/**
 * Responds to a request in place of the server. It is called once for each HTTP request, on the
 * thread whose call needs it, while no lock of the library is held.
 *
 * It may call the library. Other calls are answered, by this mock too; a call that asks for the
 * token it is being asked for fails with CC_ERR_INTERNAL. Two threads whose functions ask for each
 * other's token wait until those calls time out. It may start mocks and end any; the reply of one
 * that ends itself still counts. It may fork: the call continues in both processes. It must not
 * leave by longjmp(), a C++ exception or pthread_exit().
 *
 * @param request    the request, valid until the function returns
 * @param reply      takes the response, see cc_mock_reply_set(); valid until the function returns
 * @param user_data  as it was given to cc_mock_function()
 * @return true: the reply is the response; without a valid reply the call fails with
 *         CC_ERR_INTERNAL. false: the request is sent to its server unchanged
 */
typedef bool (*cc_mock_fn)(const cc_mock_request *request, cc_mock_reply *reply, void *user_data);

/** An integration that a mock lists. This struct never changes. */
typedef struct cc_mock_integration {
    /**
     * NULL and "" are rejected.
     */
    const char *guid;
    /**
     * NULL or "": none.
     */
    const char *name;
    /**
     * NULL or "": none.
     */
    const char *description;
    /**
     * The service, "databricks" for example; NULL or "": the server does not say.
     */
    const char *service;
    /**
     * "Viewer", "Service Account" or another; NULL or "": the server does not say.
     */
    const char *auth_type;
} cc_mock_integration;

/**
 * Starts a mock that responds to every request with a token of the requested type, which expires
 * after an hour of the mock's clock:
 * {"access_token": …, "issued_token_type": …, "token_type": "Bearer", "expires_in": 3600}
 *
 * @param access_token  the token; NULL and "" are rejected
 * @param mock          receives the mock, to be ended with cc_mock_end(); NULL is rejected
 * @param error         receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
 */
CC_API cc_status cc_mock_token(const char *access_token, cc_mock **mock, cc_error **error);

/**
 * Starts a mock of a Connect server on which no integration is associated with the content. It
 * responds to every request with HTTP 400 and
 * {"error_code": 212, "error_message": "No OAuth integrations have been associated …"}
 *
 * @param mock   receives the mock, to be ended with cc_mock_end(); NULL is rejected
 * @param error  receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
 */
CC_API cc_status cc_mock_failure(cc_mock **mock, cc_error **error);

/**
 * Starts a mock that gives these responses in order, and then HTTP 503.
 *
 * @param responses  copied; NULL is rejected unless count is 0
 * @param count      the number of responses
 * @param mock       receives the mock, to be ended with cc_mock_end(); NULL is rejected
 * @param error      receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK or CC_ERR_INTERNAL; CC_ERR_INVALID_ARGUMENT, also for a status outside 100 to 599
 *         and for a content type that is not UTF-8 or holds a control character
 */
CC_API cc_status cc_mock_responses(const cc_mock_response *responses, size_t count, cc_mock **mock,
                                   cc_error **error);

/**
 * Starts a mock that calls your function to build each response.
 *
 * @param function   called on the threads that make calls, on several at a time if they do; NULL is
 *                   rejected
 * @param user_data  passed to the function; may be NULL. It must stay valid until cc_mock_end() has
 *                   returned
 * @param mock       receives the mock, to be ended with cc_mock_end(); NULL is rejected
 * @param error      receives an error, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
 */
CC_API cc_status cc_mock_function(cc_mock_fn function, void *user_data, cc_mock **mock,
                                  cc_error **error);

/**
 * Sets or unsets a variable of the mock's environment, for calls that begin later. A mock begins
 * with RSTUDIO_PRODUCT, CONNECT_SERVER, CONNECT_API_KEY, CONNECT_CONTENT_SESSION_TOKEN and
 * CONNECT_CONTENT_GUID set, and POSIT_PRODUCT unset. A binding whose tests change the process's
 * environment passes the changes on with this.
 *
 * @param mock   the mock; NULL is rejected
 * @param name   one of these six; another is rejected
 * @param value  NULL or "": unset
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_mock_set_environment(cc_mock *mock, const char *name, const char *value);

/**
 * Sets the session token of a viewer call that gives none, for calls that begin later: "user-token"
 * at first. Outside a mock such a call is CC_ERR_NO_SESSION; remove the token to have it so inside.
 *
 * @param mock           the mock; NULL is rejected
 * @param session_token  NULL or "": a viewer call whose session token is NULL is CC_ERR_NO_SESSION
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_mock_set_user_session_token(cc_mock *mock, const char *session_token);

/**
 * Sets the integrations that are associated with the content, for calls that begin later: those
 * that cc_integrations_list() lists and among which a call chooses the one of its request. The mock
 * counts no request for this list, and its function sees none.
 *
 * Before this is called, a mock with a function is asked for the list: a GET, whose response is a
 * JSON array as Connect's. If the function lets it through, the exchange goes to the server too.
 * Any other mock lists no integrations, and all but that of cc_mock_failure() accept every name.
 *
 * @param mock          the mock; NULL is rejected
 * @param integrations  copied; NULL is rejected unless count is 0
 * @param count         the number of integrations; 0: the content has none
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_mock_integrations(cc_mock *mock, const cc_mock_integration *integrations,
                                      size_t count);

/**
 * Returns how many requests the mock received, those that its function let through included.
 *
 * @param mock  the mock; NULL gives 0
 * @return the number
 */
CC_API size_t cc_mock_request_count(const cc_mock *mock);

/**
 * Moves the mock's clock forward: its tokens age without waiting. Token expiry follows the mock's
 * clock, except for tokens fetched from the real server, whose cc_token_expires_at() uses the real
 * clock.
 *
 * @param mock     the mock; NULL is rejected
 * @param seconds  how far; a negative number is rejected
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT
 */
CC_API cc_status cc_mock_advance_time(cc_mock *mock, int64_t seconds);

/**
 * Ends a mock, whichever of the active ones it is, and frees it. Its cache is wiped; tokens that
 * the host holds remain valid. A call that is inside the mock continues; if it has not asked the
 * mock's function yet, it gets HTTP 503.
 *
 * @param mock  the mock; NULL is a no-op
 *
 * Blocks while the mock's function runs on another thread; after that it is not called again.
 * Called inside that function, it does not wait for itself. Of two threads that end each other's
 * mock inside their functions, one does not wait.
 */
CC_API void cc_mock_end(cc_mock *mock);

/**
 * Returns the URL the request would be sent to.
 *
 * @param request  the request; NULL gives NULL
 * @return the URL of the credential endpoint, or of the list of the content's integrations;
 *         borrowed from the request
 */
CC_API const char *cc_mock_request_url(const cc_mock_request *request);

/**
 * Returns the request's method.
 *
 * @param request  the request; NULL gives NULL
 * @return "POST" for an exchange, "GET" for the list of the content's integrations; borrowed from
 *         the request
 */
CC_API const char *cc_mock_request_method(const cc_mock_request *request);

/**
 * Returns the value of a header: Authorization, Accept, Content-Type or User-Agent.
 *
 * @param request  the request; NULL gives NULL
 * @param name     the header, without regard to case; NULL gives NULL
 * @return the value, borrowed from the request; NULL when the header is not sent
 */
CC_API const char *cc_mock_request_header(const cc_mock_request *request, const char *name);

/**
 * Returns the number of headers, for cc_mock_request_header_name() and
 * cc_mock_request_header_value().
 *
 * @param request  the request; NULL gives 0
 * @return the number
 */
CC_API size_t cc_mock_request_header_count(const cc_mock_request *request);

/**
 * Returns the name of a header.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0
 * @return the name, borrowed from the request; NULL for an index that is too large
 */
CC_API const char *cc_mock_request_header_name(const cc_mock_request *request, size_t index);

/**
 * Returns the value of a header.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0
 * @return the value, borrowed from the request; NULL for an index that is too large
 */
CC_API const char *cc_mock_request_header_value(const cc_mock_request *request, size_t index);

/**
 * Returns the decoded value of a form parameter: "grant_type", "subject_token", "resource" and so
 * on.
 *
 * @param request  the request; NULL gives NULL
 * @param name     the parameter; NULL gives NULL
 * @return the value, borrowed from the request; NULL when the parameter is not sent
 */
CC_API const char *cc_mock_request_param(const cc_mock_request *request, const char *name);

/**
 * Returns the number of form parameters, for cc_mock_request_param_name() and
 * cc_mock_request_param_value().
 *
 * @param request  the request; NULL gives 0
 * @return the number
 */
CC_API size_t cc_mock_request_param_count(const cc_mock_request *request);

/**
 * Returns the decoded name of a form parameter.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0, in the order in which they are sent
 * @return the name, borrowed from the request; NULL for an index that is too large
 */
CC_API const char *cc_mock_request_param_name(const cc_mock_request *request, size_t index);

/**
 * Returns the decoded value of a form parameter.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0, in the order in which they are sent
 * @return the value, borrowed from the request; NULL for an index that is too large
 */
CC_API const char *cc_mock_request_param_value(const cc_mock_request *request, size_t index);

/**
 * Sets the response; copied. The last call counts. A status outside 100 to 599, or a content type
 * that is not UTF-8 or holds a control character, fails the call that asks with CC_ERR_INTERNAL.
 *
 * @param reply         the reply; NULL is a no-op
 * @param status        the HTTP status, from 100 to 599
 * @param content_type  NULL or "": application/json
 * @param body          any text, line breaks included; NULL: empty
 */
CC_API void cc_mock_reply_set(cc_mock_reply *reply, int32_t status, const char *content_type,
                              const char *body);

/**
 * Sets a header of the response, before or after cc_mock_reply_set(); copied. Setting a header
 * again replaces its value. Those that the library reads are Retry-After, X-Request-Id,
 * Content-Type and Location. A name that is not a header's, or a value that is not UTF-8 or holds a
 * control character, fails the call that asks with CC_ERR_INTERNAL.
 *
 * @param reply  the reply; NULL is a no-op
 * @param name   the header, without regard to case
 * @param value  NULL or "": the header is not sent
 */
CC_API void cc_mock_reply_set_header(cc_mock_reply *reply, const char *name, const char *value);

/* ---- Diagnosis and version ------------------------------------------------------------------- */

/**
 * Writes a report for a bug ticket, for a person to read: the library's version, whether the
 * process runs on Connect and why, which variables are set (never their values), the server,
 * certificate authorities, the route to the server, settings, the cache's counters, and the last
 * error of each kind. It contains no secret. Its form may change: do not parse it.
 *
 * @param report  receives the report, to be freed with cc_string_free(); NULL is rejected
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
 *
 * Blocks while it reads files. It does not use the network.
 */
CC_API cc_status cc_diagnose(char **report);

/**
 * Frees a string that the library returned through an out-parameter.
 *
 * @param string  the string; NULL is a no-op
 */
CC_API void cc_string_free(char *string);

/**
 * Returns the version of the library that is running. CC_VERSION is the header's.
 *
 * @return "MAJOR.MINOR.PATCH", a static string
 */
CC_API const char *cc_version(void);

/**
 * Returns the version of the library that is running as a number, to be compared with
 * CC_VERSION_NUMBER: a larger one is a later version.
 *
 * @return 0xMMmmpp: major, minor and patch version, one byte each
 */
CC_API uint32_t cc_version_number(void);

#ifdef __cplusplus
}
#endif

#endif /* CONNECTCREDS_H */

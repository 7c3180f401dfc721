/**
 * @file connectcreds.h
 * @brief OAuth credentials mediated by Posit Connect.
 *
 * A program that runs on Posit Connect asks for a token for a third-party service: the service account's, the
 * viewer's, or a workload identity token. Conventions, which hold for every function:
 *
 * Results. A function that can fail returns a cc_status; CC_OK is 0. Its result comes through an out-pointer, which is
 * set to NULL on entry and to a value only on success. The last parameter is an out-pointer for an error, which may be
 * NULL; on failure it gets an error that the caller frees. There is no "last error".
 *
 * Ownership. Handles are opaque. What a function gives through an out-pointer, or under the name _new or _ref, is the
 * caller's, to be freed once with the _free of its type, for which NULL is a no-op. What goes in is copied; the caller
 * keeps it. A string that a function returns is borrowed from the handle it was asked of, valid until that is freed.
 *
 * Strings. NUL-terminated UTF-8. In: NULL or "" means "not given", which for what Connect provides means "from the
 * environment"; one that is not UTF-8 or holds a control character is rejected. Out: NULL when absent.
 *
 * NULL. An accessor asked of a NULL handle returns NULL, 0 or -1.
 *
 * Threads. Every function may be called from any thread, at any time, also in a child after fork(). Tokens, errors and
 * credentials are immutable: any thread may read and free them. A request is set up by one thread, and may then serve
 * many.
 *
 * Signals. The library changes no signal's disposition and raises none in its host; a connection that breaks is an
 * error and no SIGPIPE.
 *
 * Panics. None crosses this boundary, and no abort: a bug caught is CC_ERR_INTERNAL.
 *
 * Secrets. No token, session token, API key or body stands in a message, a line of the log or a report. They are wiped
 * from memory when their handle is freed.
 *
 * Versions. Semantic Versioning, of this ABI. A patch version declares the same. A minor version may add functions,
 * constants and statuses, and fields at the end of cc_cache_stats; nothing else changes, and nothing goes. A program that
 * was built against an earlier header runs on every later library of the same soname, libconnectcreds.so.0 for all of
 * 0.x. Treat a status that is not listed here as a failure.
 *
 * This file is generated from the library's source; do not edit it.
 */

#ifndef CONNECTCREDS_H
#define CONNECTCREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header; cc_version() gives the library's. */
#define CC_VERSION "0.1.0"
#define CC_VERSION_MAJOR 0
#define CC_VERSION_MINOR 1
#define CC_VERSION_PATCH 0

/** An OAuth access token: what is issued when no type is requested. */
#define CC_TOKEN_TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

/** An OpenID Connect id token: a workload identity. */
#define CC_TOKEN_TYPE_ID_TOKEN "urn:ietf:params:oauth:token-type:id_token"

/** AWS credentials, see cc_token_aws_credentials(). */
#define CC_TOKEN_TYPE_AWS_CREDENTIALS "urn:ietf:params:aws:token-type:credentials"

/** A Connect API key: what identity federation issues. */
#define CC_TOKEN_TYPE_API_KEY "urn:posit:connect:api-key"

/** A content session token: a service account's or workload's subject. */
#define CC_TOKEN_TYPE_CONTENT_SESSION "urn:posit:connect:content-session-token"

/** A user session token: a viewer's subject. */
#define CC_TOKEN_TYPE_USER_SESSION "urn:posit:connect:user-session-token"

/**
 * What went wrong: a call failed.
 */
#define CC_LOG_ERROR 1

/**
 * What may go wrong, or went wrong and is made up for.
 */
#define CC_LOG_WARNING 2

/**
 * What the library does: requests and their answers, attempts, redirects, tokens.
 */
#define CC_LOG_INFO 3

/**
 * How it decides: the environment, the cache, the way to the server.
 */
#define CC_LOG_DEBUG 4

/**
 * AWS credentials. Immutable: any thread may read them. Wiped from memory when they are freed.
 */
typedef struct cc_aws_credentials cc_aws_credentials;

/**
 * Why a call failed. Immutable: any thread may read it.
 */
typedef struct cc_error cc_error;

/**
 * A mock that is alive. From its start to its end the process seems to run on Connect: server http://localhost:3030,
 * API key "key", content session token "session-token", and "user-token" for a viewer's call whose session token is
 * NULL; what a request sets still wins, and the process's environment is not touched. Nothing goes over the network,
 * but for what a mock function lets out. Answers are taken as they come: nothing is tried again.
 *
 * A mock has a cache of its own, in which nothing is renewed in the background: no real token is seen inside, no mocked
 * one outside. Mocks nest: the innermost answers; they may end in any order. A mock is the whole process's: calls that
 * any thread begins meanwhile are in it, a call that began before goes on as it began. A child that is forked meanwhile
 * has it too, with its cache, and ends it for itself.
 */
typedef struct cc_mock cc_mock;

/**
 * Where a mock function puts its answer. Valid until the function returns.
 */
typedef struct cc_mock_reply cc_mock_reply;

/**
 * A request that a mock function is to answer, as it would have been sent. Valid until the function returns, as are the
 * strings borrowed from it.
 */
typedef struct cc_mock_request cc_mock_request;

/**
 * What is asked for, and of whom. What is not set comes from the environment, or is not sent.
 *
 * Values are copied in; setting again replaces; NULL or "" takes a value away. A value that is rejected is
 * reported by its setter, and again by every later call with the request: ignoring a setter's status never sends a
 * request that lacks what it was told. Once set up, one request may serve many threads; while it is being set up,
 * one thread at a time may use it.
 */
typedef struct cc_request cc_request;

/**
 * An access token and what the server said of it. Immutable: any thread may read and share it. Wiped from memory
 * when the last handle on it is freed.
 */
typedef struct cc_token cc_token;

/**
 * What a call came to: CC_OK, or one of the CC_ERR_ codes. Values never change and are never reused.
 */
typedef int32_t cc_status;

/**
 * Asked while a call waits; true ends the call with CC_ERR_CANCELLED. It may call the library, and may fork.
 */
typedef bool (*cc_cancel_fn)(void *user_data);

/**
 * Counts since the process or the mock began; a forked child goes on with its parent's. More may join at the end.
 */
typedef struct {
    /**
     * Calls answered with a fresh token from the cache.
     */
    uint64_t hits;
    /**
     * Calls answered with a token from the cache while a newer one is being looked for, or was in vain a moment ago.
     */
    uint64_t stale_hits;
    /**
     * Calls that found no good token in the cache.
     */
    uint64_t misses;
    /**
     * Exchanges begun.
     */
    uint64_t exchanges;
    /**
     * Calls that waited for an exchange that another call had begun.
     */
    uint64_t coalesced;
    /**
     * Exchanges that failed.
     */
    uint64_t failures;
    /**
     * Entries evicted because there was no room.
     */
    uint64_t evictions;
    /**
     * Tokens in the cache now.
     */
    uint64_t entries;
} cc_cache_stats;

/**
 * An answer of a mock.
 */
typedef struct {
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
 * Answers a request in place of the server: sets the reply and returns true, or returns false to let the request out,
 * as it is, to the server that it is for. Called once for each request, on the thread that makes the call which needs
 * it, with no lock of the library held.
 *
 * It may call the library: other questions are answered, by this mock too; the very question that it is about to answer
 * is CC_ERR_INTERNAL there. Two threads whose functions ask each other's question wait in vain, for as long as those
 * calls may take. It may start mocks, and end any: the reply of one that ends itself still counts. It may fork: the
 * call goes on in both processes. It must not leave by longjmp() or an exception. What it does wrong, the call that it
 * answers reports as CC_ERR_INTERNAL: true without a reply, or a reply that can not be (see cc_mock_reply_set()).
 */
typedef bool (*cc_mock_fn)(const cc_mock_request *request, cc_mock_reply *reply, void *user_data);

/**
 * Is told a line of the log: one event, without a line break and without a secret. A server's words are data: print the
 * message with "%s", never as a format.
 *
 * It is called on threads that are inside a call of the library, at a moment when no lock is held; lines of background
 * work wait for the next call. It may call the library, which then tells it nothing; it must return (no longjmp).
 * `message` is valid until it returns.
 */
typedef void (*cc_log_fn)(int32_t level, const char *message, void *user_data);

/**
 * Success.
 */
#define CC_OK 0

/**
 * NULL where a value is required, not UTF-8, a control character, a malformed URL.
 */
#define CC_ERR_INVALID_ARGUMENT 1

/**
 * The process does not run on Connect.
 */
#define CC_ERR_NOT_ON_CONNECT 10

/**
 * A viewer token was asked for outside a viewer's session.
 */
#define CC_ERR_NO_SESSION 11

/**
 * Connect supplied no session token: an old version, or configured off.
 */
#define CC_ERR_NOT_SUPPORTED 12

/**
 * No server URL.
 */
#define CC_ERR_NO_SERVER 13

/**
 * No API key.
 */
#define CC_ERR_NO_API_KEY 14

/**
 * Name resolution, connection, proxy, a reply cut short.
 */
#define CC_ERR_NETWORK 20

/**
 * Certificate or handshake.
 */
#define CC_ERR_TLS 21

/**
 * The deadline passed.
 */
#define CC_ERR_TIMEOUT 22

/**
 * The caller's cancel callback said so.
 */
#define CC_ERR_CANCELLED 23

/**
 * The server answered with an OAuth or Connect error.
 */
#define CC_ERR_REFUSED 30

/**
 * The server's answer was not understood.
 */
#define CC_ERR_BAD_RESPONSE 31

/**
 * A bug in the library, caught.
 */
#define CC_ERR_INTERNAL 90

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a status, "CC_OK" and so on.
 *
 * @param status  any integer
 * @return the name, valid for ever; "unknown" for an integer that is no status. Does not block.
 */
const char *cc_status_name(cc_status status);

/**
 * Gets the token of the service account of an integration that is associated with this content.
 *
 * @param request  what is asked for; NULL: all from the environment
 * @param token    where the token goes, to be freed with cc_token_free(); NULL is rejected
 * @param error    where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED, CC_ERR_NO_SERVER,
 *         CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or
 *         CC_ERR_INTERNAL. Blocks until the server has answered or the request's time-out has passed.
 */
cc_status cc_service_account_token(const cc_request *request,
                                   cc_token **token,
                                   cc_error **error);

/**
 * Gets the token of the person who looks at the content.
 *
 * @param session_token  what Connect sent in the header Posit-Connect-User-Session-Token of the viewer's request;
 *                       NULL: there is no viewer's session, but inside a mock there is one; "": there is one, and
 *                       Connect sent no token
 * @param request        what is asked for; NULL: all from the environment
 * @param token          where the token goes, to be freed with cc_token_free(); NULL is rejected
 * @param error          where an error goes, to be freed with cc_error_free(); may be NULL
 * @return as cc_service_account_token(), and CC_ERR_NO_SESSION. Blocks as it does.
 */
cc_status cc_viewer_token(const char *session_token,
                          const cc_request *request,
                          cc_token **token,
                          cc_error **error);

/**
 * Gets an OpenID Connect id token that says which content this is, for services that trust the Connect server.
 *
 * @param request  what is asked for; another requested token type than CC_TOKEN_TYPE_ID_TOKEN is rejected; NULL: all
 *                 from the environment
 * @param token    where the token goes, to be freed with cc_token_free(); NULL is rejected
 * @param error    where an error goes, to be freed with cc_error_free(); may be NULL
 * @return as cc_service_account_token(). Blocks as it does.
 */
cc_status cc_workload_token(const cc_request *request,
                            cc_token **token,
                            cc_error **error);

/**
 * Whether cc_service_account_token() gives a token.
 *
 * @param request  as there
 * @return true when it does. Blocks as it does.
 */
bool cc_has_service_account_token(const cc_request *request);

/**
 * Whether cc_viewer_token() gives a token.
 *
 * @param session_token  as there
 * @param request        as there
 * @return true when it does. Blocks as it does.
 */
bool cc_has_viewer_token(const char *session_token, const cc_request *request);

/**
 * Whether cc_workload_token() gives a token.
 *
 * @param request  as there
 * @return true when it does. Blocks as it does.
 */
bool cc_has_workload_token(const cc_request *request);

/**
 * Whether the process runs as content on Posit Connect (RSTUDIO_PRODUCT or POSIT_PRODUCT is CONNECT) or Connect Cloud
 * (POSIT_PRODUCT is CONNECT_CLOUD), or seems to, inside a mock.
 *
 * @return true when it does. Does not block.
 */
bool cc_running_on_connect(void);

/**
 * Makes any other exchange with the server's credential endpoint (RFC 8693), on Connect or not: identity federation,
 * for one. The API key is sent when there is one.
 *
 * @param subject_token       the token to exchange; NULL and "" are rejected
 * @param subject_token_type  its type, a URN; NULL and "" are rejected
 * @param request             what is asked for; NULL: all from the environment
 * @param token               where the token goes, to be freed with cc_token_free(); NULL is rejected
 * @param error               where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NO_SERVER, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT,
 *         CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or CC_ERR_INTERNAL. Blocks as cc_service_account_token().
 */
cc_status cc_exchange_token(const char *subject_token,
                            const char *subject_token_type,
                            const cc_request *request,
                            cc_token **token,
                            cc_error **error);

/**
 * Makes a request in which nothing is set.
 *
 * @return the request, never NULL, to be freed with cc_request_free(). Does not block.
 */
cc_request *cc_request_new(void);

/**
 * Frees a request. Tokens that came of it live on.
 *
 * @param request  the request; NULL is a no-op. Does not block.
 */
void cc_request_free(cc_request *request);

/**
 * Sets the service that the token is for, by its URL (RFC 8693, section 2.1).
 *
 * @param request   the request; NULL is rejected
 * @param resource  NULL or "": none
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_resource(cc_request *request, const char *resource);

/**
 * Sets the scopes wanted, separated by spaces (RFC 8693, section 2.1).
 *
 * @param request  the request; NULL is rejected
 * @param scope    NULL or "": none
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_scope(cc_request *request, const char *scope);

/**
 * Sets which of the integrations that are associated with the content is meant. It names the integration, not the service
 * that takes the token: whom a workload token is for, its claim "aud", the integration says. Connect 2025.07 and later.
 *
 * @param request   the request; NULL is rejected
 * @param audience  the integration's GUID; NULL or "": Connect chooses
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_audience(cc_request *request,
                                  const char *audience);

/**
 * Sets the type of token wanted.
 *
 * @param request     the request; NULL is rejected
 * @param token_type  one of the CC_TOKEN_TYPE_ URNs, or another; NULL or "": what the server issues unasked, an
 *                    access token
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_requested_token_type(cc_request *request,
                                              const char *token_type);

/**
 * Sets the content session token to exchange for a service account or workload token.
 *
 * @param request        the request; NULL is rejected
 * @param content_token  NULL or "": from CONNECT_CONTENT_SESSION_TOKEN_FILE or CONNECT_CONTENT_SESSION_TOKEN
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_content_token(cc_request *request, const char *content_token);

/**
 * Sets the Connect server.
 *
 * @param request     the request; NULL is rejected
 * @param server_url  http:// or https://, with or without a path, trailing slashes or /__api__; no user, password,
 *                    query or fragment. NULL or "": from CONNECT_SERVER
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_server_url(cc_request *request,
                                    const char *server_url);

/**
 * Sets the Connect API key.
 *
 * @param request  the request; NULL is rejected
 * @param api_key  NULL or "": from CONNECT_API_KEY
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_api_key(cc_request *request, const char *api_key);

/**
 * Sets any further form parameter. One with a setter of its own, and grant_type, subject_token and
 * subject_token_type, are rejected.
 *
 * @param request  the request; NULL is rejected
 * @param name     the parameter; NULL and "" are rejected
 * @param value    NULL or "": the parameter is not sent
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_param(cc_request *request, const char *name, const char *value);

/**
 * Sets how long a call with this request may take.
 *
 * @param request       the request; NULL is rejected
 * @param milliseconds  0: as set for the process by cc_config_set_timeout_ms(), 20,000 by default
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_timeout_ms(cc_request *request, uint32_t milliseconds);

/**
 * Sets how long the token should live on. When the server has nothing better, what it has is given all the same: read
 * cc_token_expires_at().
 *
 * @param request  the request; NULL is rejected
 * @param seconds  0: no more than the library's own margin, 60 seconds or a tenth of the token's life
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_min_validity_s(cc_request *request,
                                        uint32_t seconds);

/**
 * Sets whether the server is asked even if a good token is cached. A call may join an exchange that is under way; when
 * it fails, the cached token stays for other calls.
 *
 * @param request        the request; NULL is rejected
 * @param force_refresh  false is the default
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_force_refresh(cc_request *request,
                                       bool force_refresh);

/**
 * Sets whether calls go past the check that the process runs on Connect, as if it did: for tests that pretend to. What
 * Connect would provide has to come from the request, the environment or a mock.
 *
 * @param request     the request; NULL is rejected
 * @param on_connect  false is the default: the environment tells
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_on_connect(cc_request *request,
                                    bool on_connect);

/**
 * Sets a callback that can end a call while it waits. It is called on the thread that makes the call, at least every
 * 100 ms; an exchange that others wait for goes on.
 *
 * @param request    the request; NULL is rejected
 * @param cancelled  NULL: none
 * @param user_data  given to the callback; may be NULL. The caller keeps it while calls with this request wait
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_request_set_cancel(cc_request *request,
                                cc_cancel_fn cancelled,
                                void *user_data);

/**
 * The token itself. A secret: do not print it.
 *
 * @param token  the token; NULL gives NULL
 * @return borrowed from the token: valid until this handle is freed. Does not block.
 */
const char *cc_token_access_token(const cc_token *token);

/**
 * How the token is presented.
 *
 * @param token  the token; NULL gives NULL
 * @return "Bearer" when the server did not say; "aws_credentials" for AWS. Borrowed from the token: valid until this
 *         handle is freed. Does not block.
 */
const char *cc_token_type(const cc_token *token);

/**
 * What was issued, as a URN.
 *
 * @param token  the token; NULL gives NULL
 * @return one of the CC_TOKEN_TYPE_ URNs or another; NULL when the server did not say. Borrowed from the token: valid
 *         until this handle is freed. Does not block.
 */
const char *cc_token_issued_type(const cc_token *token);

/**
 * When the token expires, by this machine's clock.
 *
 * @param token  the token; NULL gives -1
 * @return Unix seconds, at most 253402300799 (the end of the year 9999); -1 when unknown. Does not block.
 */
int64_t cc_token_expires_at(const cc_token *token);

/**
 * The value of the header Authorization that presents the token, "Bearer eyJ…". A secret: do not print it.
 *
 * @param token  the token; NULL gives NULL
 * @return NULL for types other than Bearer. Borrowed from the token: valid until this handle is freed. Does not
 *         block.
 */
const char *cc_token_authorization(const cc_token *token);

/**
 * How many members the server's answer has.
 *
 * @param token  the token; NULL gives 0
 * @return the number, for cc_token_field_name() and cc_token_field_value(). Does not block.
 */
size_t cc_token_field_count(const cc_token *token);

/**
 * The name of a member of the server's answer.
 *
 * @param token  the token; NULL gives NULL
 * @param index  from 0, in the answer's order
 * @return NULL for an index that is too large. Borrowed from the token: valid until this handle is freed. Does not
 *         block.
 */
const char *cc_token_field_name(const cc_token *token,
                                size_t index);

/**
 * The value of a member of the server's answer: a string as it is, another value as JSON text, and so a string with a
 * NUL in it.
 *
 * @param token  the token; NULL gives NULL
 * @param index  from 0, in the answer's order
 * @return NULL for an index that is too large. Borrowed from the token: valid until this handle is freed. Does not
 *         block.
 */
const char *cc_token_field_value(const cc_token *token,
                                 size_t index);

/**
 * The value of the member of the server's answer that is called so, as cc_token_field_value() gives it.
 *
 * @param token  the token; NULL gives NULL
 * @param name   the member; NULL gives NULL
 * @return NULL when there is none. Borrowed from the token: valid until this handle is freed. Does not block.
 */
const char *cc_token_field(const cc_token *token, const char *name);

/**
 * Makes another handle on the same token.
 *
 * @param token  the token; NULL gives NULL
 * @return the handle, to be freed with cc_token_free() like the first. Does not block.
 */
cc_token *cc_token_ref(const cc_token *token);

/**
 * Frees a handle on a token, and with it every string borrowed from it. Other handles on the token live on.
 *
 * @param token  the handle; NULL is a no-op. Does not block.
 */
void cc_token_free(cc_token *token);

/**
 * Reads the AWS credentials in a token that was asked for with CC_TOKEN_TYPE_AWS_CREDENTIALS.
 *
 * @param token        the token; NULL is rejected
 * @param credentials  where the credentials go, to be freed with cc_aws_credentials_free(); NULL is rejected
 * @param error        where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT, or CC_ERR_BAD_RESPONSE when the token holds none. Does not block.
 */
cc_status cc_token_aws_credentials(const cc_token *token, cc_aws_credentials **credentials, cc_error **error);

/**
 * AWS_ACCESS_KEY_ID.
 *
 * @param credentials  the credentials; NULL gives NULL
 * @return borrowed from the credentials: valid until they are freed. Does not block.
 */
const char *cc_aws_credentials_access_key_id(const cc_aws_credentials *credentials);

/**
 * AWS_SECRET_ACCESS_KEY. A secret: do not print it.
 *
 * @param credentials  the credentials; NULL gives NULL
 * @return borrowed from the credentials: valid until they are freed. Does not block.
 */
const char *cc_aws_credentials_secret_access_key(const cc_aws_credentials *credentials);

/**
 * AWS_SESSION_TOKEN. A secret: do not print it.
 *
 * @param credentials  the credentials; NULL gives NULL
 * @return NULL when there is none. Borrowed from the credentials: valid until they are freed. Does not block.
 */
const char *cc_aws_credentials_session_token(const cc_aws_credentials *credentials);

/**
 * When the credentials expire, by AWS's clock.
 *
 * @param credentials  the credentials; NULL gives -1
 * @return Unix seconds; -1 when they do not say. Does not block.
 */
int64_t cc_aws_credentials_expires_at(const cc_aws_credentials *credentials);

/**
 * Frees credentials, and with them every string borrowed from them.
 *
 * @param credentials  the credentials; NULL is a no-op. Does not block.
 */
void cc_aws_credentials_free(cc_aws_credentials *credentials);

/**
 * The status that the call returned.
 *
 * @param error  the error; NULL gives CC_OK
 * @return the status. Does not block.
 */
cc_status cc_error_status(const cc_error *error);

/**
 * The whole story for a person, causes included, one line each. No secret stands in it. A server's words are
 * data: print them with "%s", never as a format.
 *
 * @param error  the error; NULL gives NULL
 * @return the message, borrowed from the error: valid until it is freed. Does not block.
 */
const char *cc_error_message(const cc_error *error);

/**
 * The status of the server's HTTP answer.
 *
 * @param error  the error; NULL gives 0
 * @return the HTTP status; 0 when there was no answer. Does not block.
 */
int32_t cc_error_http_status(const cc_error *error);

/**
 * The OAuth error code of the server's answer (RFC 6749, section 5.2), such as "invalid_request".
 *
 * @param error  the error; NULL gives NULL
 * @return the code, borrowed from the error: valid until it is freed; NULL when there was none. Does not block.
 */
const char *cc_error_oauth_code(const cc_error *error);

/**
 * Connect's own error code, such as 212: no integration is associated with the content.
 *
 * @param error  the error; NULL gives 0
 * @return the code; 0 when there was none. Does not block.
 */
int32_t cc_error_connect_code(const cc_error *error);

/**
 * Whether the same call may succeed later with nothing changed.
 *
 * @param error  the error; NULL gives false
 * @return true for what may pass: network, time-out, HTTP 408, 429, 500, 502, 503, 504, and the OAuth codes
 *         temporarily_unavailable and server_error. Does not block.
 */
bool cc_error_is_retryable(const cc_error *error);

/**
 * How long the server asked to wait before the next try (the header Retry-After).
 *
 * @param error  the error; NULL gives -1
 * @return milliseconds; -1 when the server did not say. Does not block.
 */
int64_t cc_error_retry_after_ms(const cc_error *error);

/**
 * Frees an error, and with it every string borrowed from it.
 *
 * @param error  the error; NULL is a no-op. Does not block.
 */
void cc_error_free(cc_error *error);

/**
 * Drops every cached token and remembered refusal. What exchanges that are under way bring goes to those who wait,
 * and is not kept. Tokens that a host holds live on. Inside a mock, the mock's cache is meant.
 *
 * Does not block.
 */
void cc_cache_clear(void);

/**
 * Drops all that is held for a viewer's session token: call it when the viewer leaves. What exchanges that are under
 * way for it bring is not kept. Inside a mock, the mock's cache is meant.
 *
 * @param session_token  as it was given to cc_viewer_token(); NULL is a no-op. Does not block.
 */
void cc_cache_forget_session(const char *session_token);

/**
 * Drops a token from the cache that it came from, the process's or a mock's, since the service it is for refused it:
 * the next call gets another. If a newer one is there already, that one stays.
 *
 * @param token  the token; NULL gives false
 * @return true when it was dropped. Does not block.
 */
bool cc_token_invalidate(const cc_token *token);

/**
 * Reads the cache's counts; inside a mock, those of the mock's cache.
 *
 * @param stats  where they go; NULL is a no-op
 * @param size   sizeof(cc_cache_stats) of the caller's header, in bytes: no more is written. Does not block.
 */
void cc_cache_get_stats(cc_cache_stats *stats, size_t size);

/**
 * Sets certificate authorities to trust beside the system's, such as a private one that signed the Connect server's
 * certificate. The file is read now; later exchanges use it.
 *
 * @param path   a file with one certificate or more in PEM form. NULL or "": back to the default, the file named by
 *               CONNECT_CA_CERTIFICATE if there is one
 * @param error  where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK, or CC_ERR_INVALID_ARGUMENT when the file can not be read, holds no certificate or a malformed one: then
 *         nothing changes. Blocks while it reads the file.
 */
cc_status cc_config_set_ca_bundle(const char *path,
                                  cc_error **error);

/**
 * Sets how long a call may take that says nothing else, from its beginning to its end, attempts and pauses included. It
 * is also how long an exchange in the background may take.
 *
 * @param milliseconds  0: back to the default, 20,000
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_timeout_ms(uint32_t milliseconds);

/**
 * Sets how long one attempt at an exchange may take, from the connection to the last byte of the answer. What ran out of
 * it is attempted again, while the call has time.
 *
 * @param milliseconds  0: back to the default, 8,000
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_attempt_timeout_ms(uint32_t milliseconds);

/**
 * Sets how long a connection may take to come about: looking up the name, connecting, the TLS handshake.
 *
 * @param milliseconds  0: back to the default, 3,000
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_connect_timeout_ms(uint32_t milliseconds);

/**
 * Sets how often an exchange is attempted when it fails with what may pass: the connection, a time-out, HTTP 408, 429,
 * 500, 502, 503 and 504, and the OAuth codes temporarily_unavailable and server_error.
 *
 * @param attempts  1: once; 0: back to the default, 3
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_max_attempts(uint32_t attempts);

/**
 * Sets how many questions the cache remembers. What is over the new bound goes at once: first what has expired, then
 * what was used least recently.
 *
 * @param entries  0: back to the default, 10,000
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_cache_capacity(size_t entries);

/**
 * Sets how long a token is kept when neither the server nor the token itself says how long it lives.
 *
 * @param seconds  0: back to the default, 600
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_default_lifetime_s(uint32_t seconds);

/**
 * Sets whether a token is renewed in the background when it comes near its end, which never happens inside a mock. When off, the call that finds it too
 * late waits for the next one.
 *
 * @param on  true is the default
 * @return CC_OK. Does not block.
 */
cc_status cc_config_set_background_refresh(bool on);

/**
 * Starts a mock that answers every request with a token of the type that is asked for. It lives for an hour, by the
 * mock's clock:
 * {"access_token": …, "issued_token_type": …, "token_type": "Bearer", "expires_in": 3600}
 *
 * @param access_token  the token; NULL and "" are rejected
 * @param mock          where the mock goes, to be ended with cc_mock_end(); NULL is rejected
 * @param error         where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_mock_token(const char *access_token,
                        cc_mock **mock,
                        cc_error **error);

/**
 * Starts a mock of a Connect server on which no integration is associated with the content. It answers every request
 * with HTTP 400 and
 * {"error_code": 212, "error_message": "No OAuth integrations have been associated with this content item."}
 *
 * @param mock   where the mock goes, to be ended with cc_mock_end(); NULL is rejected
 * @param error  where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_mock_failure(cc_mock **mock,
                          cc_error **error);

/**
 * Starts a mock that gives these answers one after the other, and then 503.
 *
 * @param responses  copied; NULL is rejected unless count is 0
 * @param count      how many there are
 * @param mock       where the mock goes, to be ended with cc_mock_end(); NULL is rejected
 * @param error      where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK; CC_ERR_INVALID_ARGUMENT, also for a status outside 100 to 599 and for a content type that is not UTF-8
 *         or holds a control character. Does not block.
 */
cc_status cc_mock_responses(const cc_mock_response *responses,
                            size_t count,
                            cc_mock **mock,
                            cc_error **error);

/**
 * Starts a mock whose function answers each request.
 *
 * @param function   called on the threads that make calls, on several at a time if they do; NULL is rejected
 * @param user_data  given to the function; may be NULL. The caller keeps it until cc_mock_end() has returned
 * @param mock       where the mock goes, to be ended with cc_mock_end(); NULL is rejected
 * @param error      where an error goes, to be freed with cc_error_free(); may be NULL
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_mock_function(cc_mock_fn function, void *user_data, cc_mock **mock, cc_error **error);

/**
 * How many requests a mock was asked to answer, those that its function let out among them.
 *
 * @param mock  the mock; NULL gives 0
 * @return the number. Does not block.
 */
size_t cc_mock_request_count(const cc_mock *mock);

/**
 * Moves the clocks of a mock's cache and of its answers ahead: what the mock gave grows old without waiting. The times
 * at which tokens expire are by these clocks. Of a token that the mock's function let the server give,
 * cc_token_expires_at() is by the real clock.
 *
 * @param mock     the mock; NULL is rejected
 * @param seconds  how far; a negative number is rejected
 * @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
 */
cc_status cc_mock_advance_time(cc_mock *mock,
                               int64_t seconds);

/**
 * Ends a mock, whichever of those that are alive it is, and frees it. Its cache is wiped; tokens that a host holds live
 * on. A call that is in the mock goes on as it began; one whose turn to ask the function has not come gets 503.
 *
 * @param mock  the mock; NULL is a no-op. Blocks while the mock's function runs on another thread; after that it is not
 *              called again. Called inside that function it does not wait for its own end; two threads that end each
 *              other's mock inside their functions do not both wait.
 */
void cc_mock_end(cc_mock *mock);

/**
 * Where the request would go.
 *
 * @param request  the request; NULL gives NULL
 * @return the URL of the credential endpoint, borrowed from the request. Does not block.
 */
const char *cc_mock_request_url(const cc_mock_request *request);

/**
 * The request's method.
 *
 * @param request  the request; NULL gives NULL
 * @return "POST", borrowed from the request. Does not block.
 */
const char *cc_mock_request_method(const cc_mock_request *request);

/**
 * The value of a header: Authorization, Accept, Content-Type or User-Agent.
 *
 * @param request  the request; NULL gives NULL
 * @param name     the header, without regard to case; NULL gives NULL
 * @return NULL when it is not sent. Borrowed from the request. Does not block.
 */
const char *cc_mock_request_header(const cc_mock_request *request, const char *name);

/**
 * How many headers cc_mock_request_header() knows of.
 *
 * @param request  the request; NULL gives 0
 * @return the number, for cc_mock_request_header_name() and cc_mock_request_header_value(). Does not block.
 */
size_t cc_mock_request_header_count(const cc_mock_request *request);

/**
 * The name of a header.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0
 * @return NULL for an index that is too large. Borrowed from the request. Does not block.
 */
const char *cc_mock_request_header_name(const cc_mock_request *request, size_t index);

/**
 * The value of a header.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0
 * @return NULL for an index that is too large. Borrowed from the request. Does not block.
 */
const char *cc_mock_request_header_value(const cc_mock_request *request, size_t index);

/**
 * The value of a form parameter, decoded: "grant_type", "subject_token", "resource" and so on.
 *
 * @param request  the request; NULL gives NULL
 * @param name     the parameter; NULL gives NULL
 * @return NULL when it is not sent. Borrowed from the request. Does not block.
 */
const char *cc_mock_request_param(const cc_mock_request *request, const char *name);

/**
 * How many form parameters there are.
 *
 * @param request  the request; NULL gives 0
 * @return the number, for cc_mock_request_param_name() and cc_mock_request_param_value(). Does not block.
 */
size_t cc_mock_request_param_count(const cc_mock_request *request);

/**
 * The name of a form parameter, decoded.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0, in the order in which they are sent
 * @return NULL for an index that is too large. Borrowed from the request. Does not block.
 */
const char *cc_mock_request_param_name(const cc_mock_request *request, size_t index);

/**
 * The value of a form parameter, decoded.
 *
 * @param request  the request; NULL gives NULL
 * @param index    from 0, in the order in which they are sent
 * @return NULL for an index that is too large. Borrowed from the request. Does not block.
 */
const char *cc_mock_request_param_value(const cc_mock_request *request, size_t index);

/**
 * Sets the answer to a request; copied. The last call counts. A status outside 100 to 599, or a content type that is
 * not UTF-8 or holds a control character, makes the call that is answered CC_ERR_INTERNAL.
 *
 * @param reply         the reply; NULL is a no-op
 * @param status        the HTTP status, from 100 to 599
 * @param content_type  NULL or "": application/json
 * @param body          any text, line breaks included; NULL: empty. Does not block.
 */
void cc_mock_reply_set(cc_mock_reply *reply,
                       int32_t status,
                       const char *content_type,
                       const char *body);

/**
 * Has the process's log told to a callback, in the place of the one before. When this returns, the one before is never
 * called again, and is running on no other thread: its data can be freed. Lines that it was not told yet are dropped.
 * CONNECTCREDS_DEBUG=1 in the environment sends the log to standard error, beside that.
 *
 * @param max_level  up to which level: CC_LOG_ERROR, _WARNING, _INFO or _DEBUG; 0 or less: none
 * @param fn         NULL: none
 * @param user_data  given to the callback; may be NULL. Blocks while the one before runs on another thread.
 */
void cc_log_set_callback(int32_t max_level,
                         cc_log_fn fn,
                         void *user_data);

/**
 * Writes a report for a bug ticket, to be read by a person: the library's version, whether the process runs on Connect
 * and why, which variables are set (never their values), the server, certificate authorities, the way to the server,
 * settings, the cache's counts, and the last error of each kind. No secret stands in it. It may grow: do not parse it.
 *
 * @param report  where it goes, to be freed with cc_string_free(); NULL is rejected
 * @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL. Blocks while it reads files; nothing goes over the network.
 */
cc_status cc_diagnose(char **report);

/**
 * Frees a string that the library gave away.
 *
 * @param string  the string; NULL is a no-op. Does not block.
 */
void cc_string_free(char *string);

/**
 * The version of the library that is running, as CC_VERSION is that of the header.
 *
 * @return "MAJOR.MINOR.PATCH", valid for ever. Does not block.
 */
const char *cc_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CONNECTCREDS_H */

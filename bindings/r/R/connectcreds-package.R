#' OAuth credentials from Posit Connect
#'
#' Content that runs on Posit Connect exchanges its session credential for a
#' token of a third-party service.
#'
#' * [connect_token()]: the viewer's token, or the service account's where there
#'   is no viewer
#' * [connect_service_account_token()]: the token of a service account
#' * [connect_viewer_token()]: the token of the person who looks at the content
#' * [connect_workload_token()]: an identity token of the content
#' * [connect_aws_credentials()]: AWS credentials
#' * [connect_token_async()] and others: the same as promises
#' * [connect_integrations()]: the integrations of the content
#' * [req_auth_connect()]: any of these for each request of httr2
#' * [connect_forget_session()], [connect_invalidate()], [connect_cache_stats()]:
#'   the cache
#' * [connect_ca_bundle()], [connect_diagnose()]: the connection to the server
#' * [with_mocked_connect_responses()]: for tests
#' * [connectcreds-conditions]: errors
#'
#' The C library libconnectcreds does the work. The functions, arguments and
#' first lines of messages are those of the package connectcreds 0.2.0.
#'
#' @section Options and environment variables:
#' * `options(connectcreds_debug = TRUE)` shows the library's log as messages.
#' * `options(connectcreds_timeout = )`, or the variable
#'   `CONNECTCREDS_TIMEOUT`: the time that a call may take, in seconds, where the
#'   call has no `timeout` of its own.
#' * The variables that the library reads, such as `CONNECT_CA_CERTIFICATE` and
#'   `HTTPS_PROXY`, are listed in its README.
#'
#' @keywords internal
#' @useDynLib connectcreds, .registration = TRUE, .fixes = "C_"
"_PACKAGE"

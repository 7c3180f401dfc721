#' A service account's token from Posit Connect
#'
#' Exchanges the content's session token for an OAuth access token of the service
#' account (service principal) of an integration that is associated with the
#' content.
#'
#' Ask before every request that is sent with the token: a cached token costs a
#' few microseconds. The cache returns a token until shortly before it expires,
#' renews it in the background before that, and is shared with all hosts in the
#' process that use libconnectcreds, such as Python. Children of
#' `parallel::mclapply()` inherit what is cached.
#'
#' A call that finds no good token waits for the server. An interrupt (Ctrl-C)
#' ends the wait at once; the exchange itself may go on, and another call for the
#' same token then waits for that exchange. The errors are listed in
#' [connectcreds-conditions].
#'
#' @param resource The service that the token is for, by its URL: a string, or
#'   `NULL`.
#' @param scope The scopes wanted, separated by spaces: a string, or `NULL`.
#' @param content_token The content's session token. By default it is read from
#'   the file that `CONNECT_CONTENT_SESSION_TOKEN_FILE` names, again for each
#'   exchange, or else from `CONNECT_CONTENT_SESSION_TOKEN`. Connect sets both.
#' @param server_url The Connect server, with or without a path. Connect sets
#'   `CONNECT_SERVER`. A host without `http://` or `https://` is taken as
#'   `https://`, and as `http://` on this machine (`localhost`, `127.0.0.1`).
#' @param api_key An API key of the Connect server. Connect sets
#'   `CONNECT_API_KEY`.
#' @param audience Which of the integrations that are associated with the content
#'   is meant: its GUID, or `NULL` to let Connect choose. Needs Connect 2025.07 or
#'   later.
#' @param integration The same by name, by template (`"databricks"`) where only one
#'   integration has it, or by GUID. A name matches exactly, or else without regard
#'   to case and surrounding space; of two with one name, that of the call's kind
#'   is used. A name is looked up in the list that [connect_integrations()]
#'   returns. Not together with `audience`.
#' @param force `TRUE` asks the server even if a good token is cached.
#' @param timeout How long the call may take, in seconds. By default
#'   `getOption("connectcreds_timeout")`, then the environment variable
#'   `CONNECTCREDS_TIMEOUT`, then 20.
#' @returns `connect_service_account_token()` returns a list of class
#'   `httr2_token`, as httr2's `oauth_token()` makes it: `token_type`,
#'   `access_token`, `expires_at` (Unix seconds) and `refresh_token` where they
#'   are known, then the other members of the server's response as strings.
#'   Members that are not strings are kept as JSON text. Printing does not show
#'   the secrets.
#'
#'   `has_service_account_token()` returns `TRUE` when
#'   `connect_service_account_token()` would return a token, and `FALSE` when it
#'   would fail. A wrong argument is an error in both.
#' @examples
#' token <- "default-token"
#' if (has_service_account_token()) {
#'   token <- connect_service_account_token()$access_token
#' }
#' @export
connect_service_account_token <- function(
  resource = NULL,
  scope = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  # The library itself reads what the defaults name, and the content token's file before its variable.
  .Call(
    C_token, "connect_service_account_token", resource, scope, audience, integration, NULL,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout, FALSE
  )
}

#' @param ... The arguments of `connect_service_account_token()`.
#' @rdname connect_service_account_token
#' @export
has_service_account_token <- function(...) {
  probe_service_account_token(...)
}

# Has the arguments of connect_service_account_token(). Apart from it, so that neither pays for the other.
probe_service_account_token <- function(
  resource = NULL,
  scope = NULL,
  content_token,
  server_url,
  api_key,
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  .Call(
    C_token, "connect_service_account_token", resource, scope, audience, integration, NULL,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout, TRUE
  )
}

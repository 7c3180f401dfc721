#' A workload identity token from Posit Connect
#'
#' Requests an OpenID Connect identity token that says which content this is, for
#' a service that trusts the Connect server (workload identity federation).
#'
#' @inheritParams connect_service_account_token
#' @param ... For `connect_workload_token()`: `audience`, `resource`, `scope` and
#'   any further parameters of the request, each a named string. `NULL` is not
#'   sent. For `has_workload_token()`: the arguments of
#'   `connect_workload_token()`.
#' @returns `connect_workload_token()` returns a list of class `httr2_token`, see
#'   [connect_service_account_token()]; its `access_token` is the identity token.
#'   `has_workload_token()` returns `TRUE` when there is such a token, and `FALSE`
#'   when there is not. A wrong argument is an error in both.
#' @seealso [connectcreds-conditions] for the errors.
#' @examples
#' integration <- "2a3e1c5d-0c54-4b38-9b3e-6b0b1a7a9f11"
#' token <- "default-token"
#' if (has_workload_token(audience = integration)) {
#'   token <- connect_workload_token(audience = integration)$access_token
#' }
#' @export
connect_workload_token <- function(
  ...,
  integration = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  force = FALSE,
  timeout = NULL
) {
  .Call(
    C_token, "connect_workload_token", NULL, NULL, NULL, integration, NULL,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    list(...), force, timeout, FALSE
  )
}

#' @rdname connect_workload_token
#' @export
has_workload_token <- function(...) {
  probe_workload_token(...)
}

# Has the arguments of connect_workload_token().
probe_workload_token <- function(
  ...,
  integration = NULL,
  content_token,
  server_url,
  api_key,
  force = FALSE,
  timeout = NULL
) {
  .Call(
    C_token, "connect_workload_token", NULL, NULL, NULL, integration, NULL,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    list(...), force, timeout, TRUE
  )
}

#' A viewer's token from Posit Connect
#'
#' Exchanges the session token of the person who looks at the content for an OAuth
#' access token of that person.
#'
#' Each viewer's tokens are kept apart. When a viewer leaves,
#' [connect_forget_session()] drops them.
#'
#' `has_viewer_token()` is `FALSE` for any failure, a timeout too. Do not fall
#' back to a service account where it is `FALSE`: a viewer would see data that is
#' not theirs to see. [connect_token()] falls back only where there is no viewer.
#'
#' @inheritParams connect_service_account_token
#' @param session Whose token: a Shiny session or that of a module; the request
#'   (`req`) of plumber, ambiorix or httpuv; or the viewer's session token itself,
#'   the value of the request header `Posit-Connect-User-Session-Token`. By
#'   default, the Shiny session in which the caller runs, when on Connect. `NULL`
#'   means that there is no viewer. In a mock, `shiny::MockShinySession` stands
#'   for the mocked viewer.
#' @returns `connect_viewer_token()` returns a list of class `httr2_token`, see
#'   [connect_service_account_token()]. `has_viewer_token()` returns `TRUE` when
#'   there is such a token, and `FALSE` when there is not. A wrong argument is an
#'   error in both.
#' @seealso [connectcreds-conditions] for the errors.
#' @examples
#' token <- "default-token"
#' if (has_viewer_token()) {
#'   token <- connect_viewer_token()$access_token
#' }
#' @export
connect_viewer_token <- function(
  resource = NULL,
  scope = NULL,
  session = get_connect_session(),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  .Call(
    C_token, "connect_viewer_token", resource, scope, audience, integration, session_token(session), NULL,
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout, FALSE
  )
}

#' @param ... The arguments of `connect_viewer_token()`.
#' @rdname connect_viewer_token
#' @export
has_viewer_token <- function(..., session = get_connect_session()) {
  if (is.null(session)) {
    return(FALSE)
  }
  token <- session_token(session)
  if (!running_on_connect()) {
    debug_inform(
      "No viewer-based credentials found.\n",
      "i Viewer-based credentials are only available when running on Connect."
    )
    return(FALSE)
  }
  probe_viewer_token(..., token = token)
}

# Has the arguments of connect_viewer_token(), and the session's token in place of the session.
probe_viewer_token <- function(
  resource = NULL,
  scope = NULL,
  token,
  server_url,
  api_key,
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  .Call(
    C_token, "connect_viewer_token", resource, scope, audience, integration, token, NULL,
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout, TRUE
  )
}

# The viewers' sessions: their tokens, and which sessions hold the same one.

session_header <- "Posit-Connect-User-Session-Token"

# The session token of a session: NULL when there is no session, "" when Connect sent no token for it.
session_token <- function(session) {
  .Call(C_session_token, session)
}

# Called by the shim: that of what else may stand for a session.
token_elsewhere <- function(session) {
  if (is_one_string(session)) {
    return(session)
  }
  if (inherits(session, "session_proxy")) {
    return(session_token(module_parent(session)))
  }
  if (inherits(session, "MockShinySession")) {
    return(if (is_mocking()) session_token(mock_session) else "")
  }
  if (!is_http_request(session)) {
    stop_input_type(session, "a Shiny session object, an HTTP request, or a session token", "session")
  }
  token <- token_of_request(session)
  if (is.null(token)) "" else token
}

# The session of a Shiny module stands for its application's session.
module_parent <- function(session) {
  parent <- .subset2(session, "parent") # its own `$` asks the parent
  if (is.null(parent)) structure(unclass(session), class = "ShinySession") else parent
}

# Rook's environment, as httpuv, plumber and Shiny have it; ambiorix and reqres have objects with methods.
is_http_request <- function(x) {
  (is.environment(x) || (is.list(x) && !is.null(names(x)))) &&
    (!is.null(x[["REQUEST_METHOD"]]) || !is.null(x[["HEADERS"]]) || is.function(x[["get_header"]]) ||
      !is.null(x[["HTTP_POSIT_CONNECT_USER_SESSION_TOKEN"]]))
}

token_of_request <- function(request) {
  token <- request[["HTTP_POSIT_CONNECT_USER_SESSION_TOKEN"]]
  if (is.null(token)) {
    headers <- as.list(request[["HEADERS"]])
    token <- headers[tolower(names(headers)) == tolower(session_header)][1][[1]]
  }
  if (is.null(token) && is.function(request[["get_header"]])) {
    token <- request[["get_header"]](session_header)
  }
  token
}

# The Shiny session of the caller, when on Connect. Tests of other packages replace this function by its name.
get_connect_session <- function() {
  if (!running_on_connect()) {
    return(NULL)
  }
  if (is_mocking()) {
    return(mock_session)
  }
  if (!isNamespaceLoaded("shiny")) {
    return(NULL)
  }
  getExportedValue("shiny", "getDefaultReactiveDomain")()
}

# Tests of other packages replace this function by its name; the library's own check is then passed over.
running_on_connect <- function() {
  .Call(C_running_on_connect)
}

# For each session token the Shiny sessions that asked with it and have not ended: a viewer's tabs. The one that asked
# last is remembered, so that the shim has a page that asks again and again noted once.
holders <- new.env(parent = emptyenv())
holders$of <- new.env(parent = emptyenv())
holders$latest <- NULL

# Called by the shim.
note_holder <- function(session, token) {
  if (!is.function(session[["onSessionEnded"]]) || !is_one_string(token) ||
    !nzchar(token)) {
    return()
  }
  known <- holders$of[[token]]
  if (!has_session(known, session)) {
    holders$of[[token]] <- c(known, list(session))
    session$onSessionEnded(function() drop_holder(session, token))
  }
  holders$latest <- session
}

has_session <- function(sessions, session) {
  any(vapply(sessions, identical, NA, session))
}

# Gives the sessions that are left.
drop_holder <- function(session, token) {
  if (identical(holders$latest, session)) {
    holders$latest <- NULL
  }
  left <- Filter(function(other) !identical(other, session), holders$of[[token]])
  if (length(left)) {
    holders$of[[token]] <- left
  } else if (exists(token, holders$of, inherits = FALSE)) {
    rm(list = token, envir = holders$of)
  }
  left
}

#' Forget a viewer who has left
#'
#' Drops every token that is cached for a session, with the last of the Shiny
#' sessions that have the same session token: a viewer with two tabs keeps the
#' tokens until both are closed. The result of an exchange that is under way for
#' the session is not kept.
#'
#' Call it when the session ends, and name the session there, since the callback
#' runs in none:
#'
#' ```r
#' server <- function(input, output, session) {
#'   session$onSessionEnded(function() connect_forget_session(session))
#' }
#' ```
#'
#' Without it, a token is dropped when it has expired or when the cache is full.
#'
#' @param session As for [connect_viewer_token()]. It is not an error when nothing
#'   is cached for it. A session token or a request drops the tokens at once,
#'   whatever Shiny sessions there are.
#' @returns `NULL`, invisibly. Tokens that the program holds stay as they are.
#' @examples
#' connect_forget_session(NULL)
#' @export
connect_forget_session <- function(session = get_connect_session()) {
  token <- session_token(session)
  if (is.null(token) || !nzchar(token)) {
    return(invisible())
  }
  while (inherits(session, "session_proxy")) {
    session <- module_parent(session)
  }
  if (!inherits(session, "ShinySession") || length(drop_holder(session, token)) == 0L) {
    .Call(C_forget_session, token)
  }
  invisible()
}

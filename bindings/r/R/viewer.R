connect_viewer_token <- function(
  resource = NULL,
  scope = NULL,
  session = get_connect_session(),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL
) {
  .Call(
    C_viewer_token,
    resource, scope, audience,
    session_token(session),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key")
  )
}

has_viewer_token <- function(..., session = get_connect_session()) {
  if (is.null(session)) {
    return(FALSE)
  }
  if (!running_on_connect()) {
    debug_inform(
      "No viewer-based credentials found.\n",
      "i Viewer-based credentials are only available when running on Connect."
    )
    return(FALSE)
  }
  has_token(connect_viewer_token(..., session = session), "No viewer-based credentials found.")
}

connect_forget_session <- function(session = get_connect_session()) {
  .Call(C_forget_session, session_token(session))
  invisible()
}

# NULL when there is no session, "" when Connect sent no token for it.
session_token <- function(session) {
  if (is.null(session)) {
    return(NULL)
  }
  if (!inherits(session, session_classes)) {
    stop_input_type(session, "a Shiny session object", "session")
  }
  token <- session$request$HTTP_POSIT_CONNECT_USER_SESSION_TOKEN
  if (is.null(token)) "" else token
}

# The second is what a Shiny module gets: it stands for its application's session.
session_classes <- c("ShinySession", "session_proxy")

# The Shiny session of the caller, when on Connect. Tests of other packages replace this one by its name.
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

# Tests of other packages replace this one by its name; the library's own check is then passed over.
running_on_connect <- function() {
  .Call(C_running_on_connect)
}

#' Tokens as promises
#'
#' These functions are [connect_token()], [connect_viewer_token()],
#' [connect_service_account_token()], [connect_workload_token()] and
#' [connect_aws_credentials()] without the wait: each returns a promise of the
#' promises package at once, and the exchange runs in a thread of the library. In
#' Shiny and plumber, other viewers are served while it runs.
#'
#' Exchanges, cache, timeout and errors are those of the other functions: calls for
#' one token share one exchange. Every failure, a wrong argument too, rejects the
#' promise with the condition that the other function raises.
#'
#' The packages promises and later are needed. With later 1.4.0 and newer, the
#' event loop is woken when the call is done (`later::later_fd()`); with earlier
#' ones, the call is polled every 10 ms. In a mock, a call is done when it has
#' started.
#'
#' In Shiny, the session is found where the function is called, so call it before
#' the first `then()` of a chain.
#'
#' @inheritParams connect_viewer_token
#' @inheritParams connect_service_account_token
#' @param ... As for [connect_workload_token()].
#' @returns A promise of what the function without `_async` returns.
#' @seealso [connectcreds-conditions] for the errors.
#' @examplesIf requireNamespace("promises", quietly = TRUE)
#' with_mocked_connect_responses(token = "test", {
#'   promises::then(connect_token_async(), function(token) print(token$access_token))
#' })
#' later::run_now()
#'
#' \dontrun{
#' server <- function(input, output, session) {
#'   output$data <- renderTable({
#'     workspace <- "https://example.cloud.databricks.com"
#'     promises::then(connect_viewer_token_async(workspace), function(token) query(token$access_token))
#'   })
#' }
#' }
#' @export
connect_token_async <- function(
  resource = NULL,
  scope = NULL,
  session = get_connect_session(),
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  promise_of_call("connect_token_async", {
    if (running_on_connect()) {
      .Call(
        C_start, if (is.null(session)) "connect_service_account_token_async" else "connect_viewer_token_async",
        resource, scope, audience, integration, session_token(session), NULL, NULL, NULL, NULL, force, timeout
      )
    }
  })
}

#' @rdname connect_token_async
#' @export
connect_viewer_token_async <- function(
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
  promise_of_call("connect_viewer_token_async", .Call(
    C_start, "connect_viewer_token_async", resource, scope, audience, integration, session_token(session), NULL,
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout
  ))
}

#' @rdname connect_token_async
#' @export
connect_service_account_token_async <- function(
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
  promise_of_call("connect_service_account_token_async", .Call(
    C_start, "connect_service_account_token_async", resource, scope, audience, integration, NULL,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout
  ))
}

#' @rdname connect_token_async
#' @export
connect_workload_token_async <- function(
  ...,
  integration = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  force = FALSE,
  timeout = NULL
) {
  promise_of_call("connect_workload_token_async", .Call(
    C_start, "connect_workload_token_async", NULL, NULL, NULL, integration, NULL,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    list(...), force, timeout
  ))
}

#' @rdname connect_token_async
#' @export
connect_aws_credentials_async <- function(
  resource = NULL,
  scope = NULL,
  session = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  promise_of_call("connect_aws_credentials_async", as_result = as_aws_credentials, .Call(
    C_start, "connect_aws_credentials_async", resource, scope, audience, integration, session_token(session),
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout
  ))
}

# A promise of the result of the call that `start` starts, or of NULL where it starts none.
promise_of_call <- function(called, start, as_result = identity) {
  if (!requireNamespace("promises", quietly = TRUE) || !requireNamespace("later", quietly = TRUE)) {
    raise_argument("A promise needs the packages promises and later, of which one is not installed.")
  }
  promises::promise(function(resolve, reject) {
    call <- start # an error here rejects the promise
    if (is.null(call)) {
      return(resolve(NULL))
    }
    when_done(call, function() {
      tryCatch(resolve(as_result(.Call(C_call_finish, call, called))), error = reject)
    })
  })
}

# Calls `action` at once where the call is done, else from the event loop.
when_done <- function(call, action) {
  if (.Call(C_call_is_done, call)) {
    return(action())
  }
  descriptor <- if (has_later_fd()) .Call(C_call_fd, call) else -1L
  if (descriptor >= 0L) {
    # By name: an earlier later lacks it, and R CMD check would warn.
    later_fd <- getExportedValue("later", "later_fd")
    later_fd(function(ready) action(), readfds = descriptor)
  } else {
    later::later(function() when_done(call, action), delay = 0.01)
  }
}

has_later_fd <- function() "later_fd" %in% getNamespaceExports("later")

#' A token from Connect for each request of httr2
#'
#' Gives a request of httr2 a token that is asked for when the request is
#' performed, each time, so that a request that is kept and performed again never
#' carries an expired token.
#'
#' A service that answers 401 refuses the token: it is dropped
#' ([connect_invalidate()]), and the request is performed once more with another.
#' With httr2 before 1.2.2, and for a request that has its own
#' `httr2::req_retry()`, that happens only where the response says
#' `WWW-Authenticate: Bearer error="invalid_token"`, as RFC 6750 has it.
#'
#' @param req A request, as `httr2::request()` makes it.
#' @param ... Arguments of `connect`, such as `resource` or `audience`.
#' @param connect The function to ask: one of this package's, or any function that
#'   returns a list with an `access_token`.
#' @returns The request.
#' @examplesIf requireNamespace("httr2", quietly = TRUE)
#' req <- httr2::request("https://example.cloud.databricks.com/api/2.0/clusters/list")
#' req <- req_auth_connect(req, "https://example.cloud.databricks.com")
#' @export
req_auth_connect <- function(req, ..., connect = connect_token) {
  if (!inherits(req, "httr2_request")) {
    stop_input_type(req, "an HTTP request object of httr2", "req")
  }
  if (!is.function(connect)) {
    stop_input_type(connect, "a function", "connect")
  }
  latest <- NULL
  ask <- function() {
    latest <<- connect(...)
    if (is.null(latest)) {
      raise_status("not_on_connect", "A token for a request is only available when running on Connect.")
    }
    # Without its expiry and refresh token, which this package and not httr2 sees to.
    list(token_type = "Bearer", access_token = latest$access_token)
  }
  refuse <- function() !is.null(latest) && connect_invalidate(latest)
  # httr2 asks its cache each time. After a 401 it clears it, and earlier versions call the flow.
  cache <- list(get = ask, set = function(token) NULL, clear = refuse)
  ask_again <- function() {
    refuse()
    ask()
  }
  has_retry <- any(startsWith(as.character(names(req$policies)), "retry"))
  req <- httr2::req_oauth(req, ask_again, list(), cache = cache)
  # Earlier versions sign a request once, whatever the number of times it is sent.
  if (has_retry || utils::packageVersion("httr2") < "1.2.2") {
    return(req)
  }
  httr2::req_retry(
    req,
    max_tries = 2,
    is_transient = function(resp) httr2::resp_status(resp) == 401 && refuse(),
    after = function(resp) 0
  )
}

#' Responses in place of a Connect server
#'
#' For the tests of code that uses this package: the process seems to run on
#' Connect, and requests to the server get the responses that the test names.
#'
#' Exactly one of `mock`, `token` and `error` is given.
#'
#' A request is one of httr2's, with `req$url`, `req$method`, `req$headers`, and
#' `req$body$data` with percent-encoded values. Where httr2 1.1.0 or later is
#' installed, httr2 makes it; its API key is redacted, and
#' `httr2::req_get_headers(req, "reveal")` shows it. A response is what httr2's
#' `response()` and `response_json()` make, or a list with `status_code` (200 by
#' default), `headers` (`Content-Type: application/json` by default) and `body`: a
#' string, a raw vector, or a list when jsonlite is installed. An error in the
#' function is raised unchanged once the call has returned.
#'
#' Inside, server, API key and content token are `localhost:3030`, `key` and
#' `session-token`, in the environment variables too. The arguments of a call take
#' precedence, and so do the variables `RSTUDIO_PRODUCT`, `POSIT_PRODUCT`,
#' `CONNECT_SERVER`, `CONNECT_API_KEY`, `CONNECT_CONTENT_SESSION_TOKEN` and
#' `CONNECT_CONTENT_GUID` where the test changes or unsets them, as with `withr::with_envvar()`. The default
#' session is one whose token is `user-token`.
#'
#' A call with `integration` chooses from `integrations` where it is given. Else a
#' function is asked for the list: a `GET`, whose response is a JSON array as
#' Connect's. With `token`, and with a list of responses, every name is taken.
#'
#' A mock has a cache of its own: no real token is seen inside, no mocked one
#' outside, and a token is requested once; a refusal is not remembered.
#' `mocked_connect_advance_time()` lets time pass for it, so that a test sees how
#' its code deals with a token that has expired. Mocks nest.
#'
#' A mock answers the requests of httr2 as well, so that one function serves
#' Connect and the API that the token is for; it returns `NULL` for a request that
#' is to be performed. With `token` or `error`, only requests to `localhost:3030`
#' are answered. In turn, `httr2::with_mocked_responses()` and
#' `httr2::local_mocked_responses()` answer the requests of this package.
#'
#' @param code What to evaluate inside the mock.
#' @param mock A function of one argument, the request, that returns a response, or
#'   `NULL` to let the request out to the server. Or a list of responses that are
#'   given out in turn, and after them HTTP 503. `NULL` lets every request out.
#' @param token The access token that every request gets. It does not expire.
#' @param error `TRUE`: every request is refused, as by a server on which the
#'   content has no integration.
#' @param env The frame of the function, or of the test's code, with whose end the
#'   mock ends. (`with_mocked_connect_responses()` ends it after `code` in any
#'   case.) For the global environment, `withr::deferred_run()` ends it.
#' @param integrations The integrations that are associated with the content: a data
#'   frame as [connect_integrations()] returns it, of which only `guid` is needed;
#'   without a row, the content has none.
#' @returns `with_mocked_connect_responses()` returns the value of `code`.
#'   `mocked_connect_request_count()` returns the number of requests for tokens
#'   that the innermost mock got.
#' @examples
#' with_mocked_connect_responses(connect_viewer_token(), token = "test")
#'
#' with_mocked_connect_responses(has_viewer_token(), error = TRUE)
#'
#' with_mocked_connect_responses(
#'   connect_service_account_token("https://service.example")$access_token,
#'   mock = function(req) {
#'     stopifnot(req$body$data$resource == "https%3A%2F%2Fservice.example")
#'     list(body = '{"access_token": "for the service"}')
#'   }
#' )
#' @export
with_mocked_connect_responses <- function(
  code,
  mock = NULL,
  token = NULL,
  error = FALSE,
  env = caller_env(),
  integrations = NULL
) {
  check_mock(missing(mock), missing(token), missing(error), token, error)
  mocked <- start_mock(mock, token, error, integrations)
  on.exit(end_mock(mocked))
  force(code)
}

#' @rdname with_mocked_connect_responses
#' @export
local_mocked_connect_responses <- function(
  mock = NULL,
  token = NULL,
  error = FALSE,
  env = caller_env(),
  integrations = NULL
) {
  check_mock(missing(mock), missing(token), missing(error), token, error)
  at_end <- deferrer(env)
  mocked <- start_mock(mock, token, error, integrations)
  at_end(bquote(.(end_mock)(.(mocked))))
  invisible(mocked)
}

#' @rdname with_mocked_connect_responses
#' @export
mocked_connect_request_count <- function() {
  .Call(C_mock_request_count, innermost_mock()$handle)
}

#' @param seconds How far to move the mock's clock.
#' @rdname with_mocked_connect_responses
#' @export
mocked_connect_advance_time <- function(seconds) {
  if (!(is.numeric(seconds) && length(seconds) == 1L && is.finite(seconds) && seconds >= 0)) {
    stop_input_type(seconds, "a number of seconds that is not negative", "seconds")
  }
  .Call(C_mock_advance_time, innermost_mock()$handle, seconds)
  invisible()
}

innermost_mock <- function() {
  if (!is_mocking()) {
    raise_argument("There is no mock: call this inside with_mocked_connect_responses().")
  }
  mocks$active[[length(mocks$active)]]
}

caller_env <- function(n = 1) parent.frame(n + 1)

check_mock <- function(no_mock, no_token, no_error, token, error) {
  if (!is.null(token) && !(is_one_string(token) && nzchar(token))) {
    stop_input_type(token, "a single string or `NULL`", "token")
  }
  if (!(is.logical(error) && length(error) == 1L && !is.na(error))) {
    stop_input_type(error, "`TRUE` or `FALSE`", "error")
  }
  given <- c("`mock`", "`token`", "`error`")[!c(no_mock, no_token, no_error)]
  if (length(given) == 0L) {
    raise_argument("One of `mock`, `token`, or `error` must be supplied.")
  }
  if (length(given) > 1L) {
    together <- if (length(given) == 2L) paste(given, collapse = " and ") else "`mock`, `token`, and `error`"
    raise_argument(
      "Exactly one of `mock`, `token`, or `error` must be supplied.\n",
      "x ", together, " were supplied together."
    )
  }
}

# Evaluates an expression when the function whose frame `env` is returns, or a test's code is through.
deferrer <- function(env) {
  if (identical(env, globalenv())) {
    if (!requireNamespace("withr", quietly = TRUE)) {
      raise_argument(
        "At top level a mock ends with withr's deferred_run(), and withr is not installed: ",
        "use with_mocked_connect_responses()."
      )
    }
    return(function(expression) eval(bquote(withr::defer(.(expression), envir = globalenv()))))
  }
  function(expression) do.call(on.exit, list(expression, add = TRUE, after = FALSE), envir = env)
}

# The mocks that are under way, the newest last; and, as they were before the first, the environment variables and
# httr2's option.
mocks <- new.env(parent = emptyenv())
mocks$active <- list()

is_mocking <- function() length(mocks$active) > 0L

mock_session <- structure(
  list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "user-token")),
  class = "ShinySession"
)

# For code that looks for itself where it runs, and for the shim, to which these count in a mock.
mock_environment <- c(
  RSTUDIO_PRODUCT = "CONNECT",
  CONNECT_SERVER = "localhost:3030",
  CONNECT_API_KEY = "key",
  CONNECT_CONTENT_SESSION_TOKEN = "session-token",
  CONNECT_CONTENT_GUID = "content-guid"
)

# One mock: its handle in the shim, and what answers httr2's requests meanwhile.
start_mock <- function(mock, token, error, integrations = NULL) {
  listed <- if (!is.null(integrations)) mocked_integrations(integrations)
  mocked <- if (!is.null(token) || error) constant_mock(token, error) else mock_of(mock)
  if (!is.null(listed) && !.Call(C_mock_integrations, mocked$handle, listed)) {
    .Call(C_mock_end, mocked$handle)
    raise_argument("Each of `integrations` needs a `guid`, and no text in it may hold a control character.")
  }
  if (!is_mocking()) {
    mocks$outside <- Sys.getenv(names(mock_environment), NA, names = TRUE)
    mocks$outside_httr2 <- getOption("httr2_mock")
    do.call(Sys.setenv, as.list(mock_environment))
  }
  mocks$active <- c(mocks$active, list(mocked))
  options(httr2_mock = mocked$for_httr2)
  mocked
}

end_mock <- function(mocked) {
  mocks$active <- Filter(function(other) !identical(other$handle, mocked$handle), mocks$active)
  if (is_mocking()) {
    options(httr2_mock = mocks$active[[length(mocks$active)]]$for_httr2)
  } else {
    options(httr2_mock = mocks$outside_httr2)
    was_there <- !is.na(mocks$outside)
    Sys.unsetenv(names(mocks$outside)[!was_there])
    if (any(was_there)) {
      do.call(Sys.setenv, as.list(mocks$outside[was_there]))
    }
  }
  .Call(C_mock_end, mocked$handle)
  invisible()
}

# httr2 keeps its mock in an option; the attribute tells ours from others.
for_httr2 <- function(answer) {
  structure(function(req) as_httr2_response(answer(req)), connectcreds_mock = TRUE)
}

# Every request for a token gets the same response, on any thread.
constant_mock <- function(token, error) {
  response <- if (error) {
    list(
      status_code = 400L,
      body = paste0(
        '{"error_code":212,"error_message":',
        '"No OAuth integrations have been associated with this content item."}'
      )
    )
  } else {
    list(
      status_code = 200L,
      body = sprintf(
        '{"access_token":%s,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer"}',
        json_string(token)
      )
    )
  }
  list(
    handle = .Call(C_mock_constant, response$status_code, "application/json", enc2utf8(response$body)),
    for_httr2 = for_httr2(function(req) {
      if (grepl("localhost:3030", req$url, fixed = TRUE)) response
    })
  )
}

# One function, or one sequence, for Connect and for httr2's requests.
mock_of <- function(mock) {
  if (is.null(mock)) {
    # No response of its own: requests go out, to the server of the mock.
    mock <- function(req) NULL
  }
  if (is_response(mock)) {
    mock <- list(mock)
  }
  sequence <- is.list(mock)
  if (sequence) {
    mock <- in_turn(mock)
  }
  if (!is.function(mock)) {
    stop_input_type(mock, "a function, a list, or `NULL`", "mock")
  }
  answer <- if (sequence) besides_the_list(mock) else mock
  list(handle = .Call(C_mock_function, answer, sequence), for_httr2 = for_httr2(mock))
}

# Responses in turn are for exchanges: a request for the list of integrations takes none of them.
besides_the_list <- function(mock) {
  function(req) if (identical(req$method, "GET")) list(body = "[]") else mock(req)
}

in_turn <- function(responses) {
  for (response in responses) {
    read_response(response) # an error now rather than in the middle of the test
  }
  given <- 0L
  function(req) {
    if (given == length(responses)) {
      return(list(status_code = 503L, headers = list(`Content-Type` = "text/plain")))
    }
    given <<- given + 1L
    responses[[given]]
  }
}

# Called by the shim for a call during httr2::with_mocked_responses(): its requests are answered by httr2's mock. The
# environment counts as it is, and no token is kept.
with_foreign_mock <- function(mock, routine, ...) {
  handle <- .Call(C_mock_function, mock, FALSE)
  on.exit({
    .Call(C_serve_foreign, NULL)
    .Call(C_mock_end, handle)
  })
  .Call(C_serve_foreign, mock)
  routine <- switch(routine, token = C_token, start = C_start, integrations = C_integrations)
  do.call(.Call, list(routine, ...), quote = TRUE) # R CMD check counts the arguments of a call in plain sight
}

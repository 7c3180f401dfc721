with_mocked_connect_responses <- function(code, mock = NULL, token = NULL, error = FALSE, env = caller_env()) {
  check_mock(missing(mock), missing(token), missing(error), token, error)
  mocked <- start_mock(mock, token, error)
  on.exit(end_mock(mocked))
  force(code)
}

local_mocked_connect_responses <- function(mock = NULL, token = NULL, error = FALSE, env = caller_env()) {
  check_mock(missing(mock), missing(token), missing(error), token, error)
  at_end <- deferrer(env)
  mocked <- start_mock(mock, token, error)
  at_end(bquote(.(end_mock)(.(mocked))))
  invisible(mocked)
}

mocked_connect_request_count <- function() {
  .Call(C_mock_request_count, innermost_mock())
}

mocked_connect_advance_time <- function(seconds) {
  if (!(is.numeric(seconds) && length(seconds) == 1L && is.finite(seconds) && seconds >= 0)) {
    stop_input_type(seconds, "a number of seconds that is not negative", "seconds")
  }
  .Call(C_mock_advance_time, innermost_mock(), seconds)
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

# The mocks that are under way, the newest last, and the environment variables as they were before the first.
mocks <- new.env(parent = emptyenv())
mocks$active <- list()

is_mocking <- function() length(mocks$active) > 0L

mock_session <- structure(
  list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "user-token")),
  class = "ShinySession"
)

# For code that looks for itself where it runs; the library knows without.
mock_environment <- c(
  RSTUDIO_PRODUCT = "CONNECT",
  CONNECT_SERVER = "http://localhost:3030",
  CONNECT_API_KEY = "key",
  CONNECT_CONTENT_SESSION_TOKEN = "session-token"
)

start_mock <- function(mock, token, error) {
  mocked <- if (!is.null(token)) {
    .Call(C_mock_token, token)
  } else if (error) {
    .Call(C_mock_failure)
  } else {
    mock_of(mock)
  }
  if (!is_mocking()) {
    mocks$outside <- Sys.getenv(names(mock_environment), NA, names = TRUE)
    do.call(Sys.setenv, as.list(mock_environment))
  }
  mocks$active <- c(mocks$active, list(mocked))
  mocked
}

end_mock <- function(mocked) {
  mocks$active <- Filter(function(other) !identical(other, mocked), mocks$active)
  if (!is_mocking()) {
    was_there <- !is.na(mocks$outside)
    Sys.unsetenv(names(mocks$outside)[!was_there])
    if (any(was_there)) {
      do.call(Sys.setenv, as.list(mocks$outside[was_there]))
    }
  }
  .Call(C_mock_end, mocked)
  invisible()
}

mock_of <- function(mock) {
  if (is.null(mock)) {
    # No answer of its own: requests go out, to the server of the mock.
    mock <- function(req) NULL
  }
  if (is.function(mock)) {
    return(.Call(C_mock_function, mock))
  }
  if (is_response(mock)) {
    mock <- list(mock)
  }
  if (!is.list(mock)) {
    stop_input_type(mock, "a function, a list, or `NULL`", "mock")
  }
  answers <- lapply(mock, read_response)
  .Call(
    C_mock_responses,
    vapply(answers, function(answer) answer[[1]], 0L),
    vapply(answers, function(answer) answer[[2]], ""),
    vapply(answers, function(answer) answer[[3]], "")
  )
}

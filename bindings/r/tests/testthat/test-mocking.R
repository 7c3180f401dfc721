test_that("a token is given to whoever asks", {
  local_no_connect()
  tokens <- with_mocked_connect_responses(
    list(connect_viewer_token(), connect_service_account_token(), connect_workload_token()),
    token = "test"
  )
  for (token in tokens) {
    expect_s3_class(token, "httr2_token", exact = TRUE)
    expect_identical(token$access_token, "test")
    expect_identical(token$token_type, "Bearer")
  }
})

test_that("an error is that of a content item without an integration", {
  local_no_connect()
  why <- with_mocked_connect_responses(error_of(connect_viewer_token()), error = TRUE)
  expect_identical(first_line(why), "Cannot fetch viewer-based credentials for the current Shiny session.")
  expect_match(
    conditionMessage(why), "No OAuth integrations have been associated with this content item.",
    fixed = TRUE
  )
  expect_match(
    conditionMessage(why),
    "https://docs.posit.co/connect/user/oauth-integrations/#adding-oauth-integrations-to-deployed-content",
    fixed = TRUE
  )
  expect_s3_class(why, "connectcreds_error_refused")
  expect_identical(why$connect_code, 212L)
  why <- with_mocked_connect_responses(error_of(connect_service_account_token()), error = TRUE)
  expect_identical(first_line(why), "Cannot fetch service account credentials from the Connect server.")
  expect_false(with_mocked_connect_responses(has_viewer_token(), error = TRUE))
})

test_that("a list of responses is given out in turn, and then 503", {
  local_mocked_connect_responses(list(
    json_response("{\"access_token\":\"first\"}"),
    list(status_code = 500, headers = list(`content-type` = "text/plain"), body = charToRaw("out of order"))
  ))
  expect_identical(connect_viewer_token("a")$access_token, "first")
  why <- error_of(connect_viewer_token("b"))
  expect_identical(first_line(why), "Cannot fetch viewer-based credentials for the current Shiny session.")
  expect_identical(why$http_status, 500L)
  expect_true(why$retryable)
  expect_identical(error_of(connect_viewer_token("c"))$http_status, 503L)
  expect_identical(mocked_connect_request_count(), 3)
})

test_that("one response may stand for a list of one, and its body may be data", {
  skip_if_not_installed("jsonlite")
  local_mocked_connect_responses(list(body = list(access_token = "token")))
  expect_identical(connect_viewer_token()$access_token, "token")
})

test_that("a function that has no answer lets its request out, as NULL in its place does", {
  connect <- local_connect()
  for (mock in list(function(req) NULL, NULL)) {
    token <- with_mocked_connect_responses(
      connect_service_account_token(
        content_token = connect[["CONNECT_CONTENT_SESSION_TOKEN"]],
        server_url = connect[["CONNECT_SERVER"]],
        api_key = connect[["CONNECT_API_KEY"]]
      ),
      mock = mock
    )
    expect_match(token$access_token, "^sa-")
  }
  expect_identical(exchanges(), 2L)
})

test_that("an error in a function is raised as it was, once the call has returned", {
  local_mocked_connect_responses(function(req) stop("mine: {1+1} %s"))
  why <- error_of(connect_viewer_token())
  expect_identical(conditionMessage(why), "mine: {1+1} %s")
  expect_s3_class(why, "simpleError")
  # Nothing is left of it: the next call asks again.
  local_mocked_connect_responses(token = "token")
  expect_identical(connect_viewer_token()$access_token, "token")
})

test_that("a function may leave by any way that R knows", {
  local_mocked_connect_responses(function(req) rlang_free_jump("jumped"))
  rlang_free_jump <- function(value) invokeRestart("away", value)
  expect_identical(withRestarts(connect_viewer_token(), away = identity), "jumped")
  expect_identical(callCC(function(leave) {
    with_mocked_connect_responses(connect_viewer_token(), mock = function(req) leave("left"))
  }), "left")
  warned <- NULL
  withCallingHandlers(
    with_mocked_connect_responses(connect_viewer_token(), mock = function(req) {
      warning("went on")
      json_response("{\"access_token\":\"token\"}")
    }),
    warning = function(it) {
      warned <<- conditionMessage(it)
      invokeRestart("muffleWarning")
    }
  )
  expect_identical(warned, "went on")
})

test_that("a function may ask other questions, and starts and ends mocks", {
  local_mocked_connect_responses(function(req) {
    resource <- form_of(req)$resource
    if (resource == "outer") {
      inner <- connect_viewer_token("inner")$access_token
      mocked <- with_mocked_connect_responses(connect_viewer_token("inner")$access_token, token = "mocked")
      return(json_response(sprintf("{\"access_token\":\"outer, %s, %s\"}", inner, mocked)))
    }
    json_response(sprintf("{\"access_token\":\"%s\"}", resource))
  })
  expect_identical(connect_viewer_token("outer")$access_token, "outer, inner, mocked")
})

test_that("an error in a question within a question comes out of both", {
  local_mocked_connect_responses(function(req) {
    if (form_of(req)$resource == "outer") {
      connect_viewer_token("inner")
    }
    stop("at the bottom")
  })
  expect_error(connect_viewer_token("outer"), "at the bottom", fixed = TRUE)
})

test_that("a function that asks its own question gets an error, not a wait without end", {
  local_mocked_connect_responses(function(req) {
    inner <<- error_of(connect_viewer_token("same"))
    json_response("{\"access_token\":\"token\"}")
  })
  inner <- NULL
  expect_identical(connect_viewer_token("same")$access_token, "token")
  expect_s3_class(inner, "connectcreds_error_internal")
})

test_that("exactly one kind of mock is taken, in the words known for it", {
  expect_error(
    with_mocked_connect_responses(NULL), "One of `mock`, `token`, or `error` must be supplied.",
    fixed = TRUE, class = "connectcreds_error_invalid_argument"
  )
  expect_error(
    local_mocked_connect_responses(token = "a", error = TRUE),
    "Exactly one of `mock`, `token`, or `error` must be supplied.\nx `token` and `error` were supplied together.",
    fixed = TRUE
  )
  expect_error(
    local_mocked_connect_responses(list(), "a", TRUE), "`mock`, `token`, and `error` were supplied together."
  )
  expect_error(
    with_mocked_connect_responses(1, mock = "a"), "`mock` must be a function, a list, or `NULL`, not a string."
  )
  expect_error(with_mocked_connect_responses(1, token = 1), "`token` must be a single string or `NULL`, not a number.")
  expect_error(with_mocked_connect_responses(1, token = ""), "`token` must be a single string")
  expect_error(with_mocked_connect_responses(1, error = NA), "`error` must be `TRUE` or `FALSE`, not `NA`.")
  expect_identical(names(formals(with_mocked_connect_responses)), c("code", "mock", "token", "error", "env", "integrations"))
  expect_identical(names(formals(local_mocked_connect_responses)), c("mock", "token", "error", "env", "integrations"))
})

test_that("the environment looks like Connect's inside, and as before outside", {
  local_no_connect()
  withr::local_envvar(CONNECT_SERVER = "https://connect.example", CONNECT_API_KEY = NA)
  inside <- with_mocked_connect_responses(
    Sys.getenv(c("RSTUDIO_PRODUCT", "CONNECT_SERVER", "CONNECT_API_KEY", "CONNECT_CONTENT_SESSION_TOKEN")),
    token = "token"
  )
  expect_identical(unname(inside), c("CONNECT", "localhost:3030", "key", "session-token"))
  expect_identical(Sys.getenv("CONNECT_SERVER"), "https://connect.example")
  expect_identical(Sys.getenv(c("RSTUDIO_PRODUCT", "CONNECT_API_KEY"), NA, names = FALSE), c(NA_character_, NA))
  expect_error(with_mocked_connect_responses(stop("out"), token = "token"), "out")
  expect_identical(Sys.getenv("CONNECT_SERVER"), "https://connect.example")
  expect_false(has_service_account_token())
})

test_that("mocks nest, and end in any order", {
  local_no_connect()
  with_mocked_connect_responses(token = "outer", {
    expect_identical(connect_viewer_token()$access_token, "outer")
    with_mocked_connect_responses(expect_identical(connect_viewer_token()$access_token, "inner"), token = "inner")
    expect_identical(connect_viewer_token()$access_token, "outer")
    expect_identical(mocked_connect_request_count(), 1)
  })

  start <- getNamespace("connectcreds")$start_mock
  end <- getNamespace("connectcreds")$end_mock
  first <- start(NULL, "first", FALSE)
  second <- start(NULL, "second", FALSE)
  end(first)
  expect_identical(connect_viewer_token()$access_token, "second")
  end(second)
  expect_identical(Sys.getenv("CONNECT_SERVER", NA), NA_character_)
  expect_false(has_viewer_token())
})

test_that("a local mock ends with the function that it is for", {
  local_no_connect()
  set_up <- function(env = parent.frame()) local_mocked_connect_responses(token = "token", env = env)
  under_test <- function() {
    set_up()
    connect_viewer_token()$access_token
  }
  expect_identical(under_test(), "token")
  expect_false(has_viewer_token())
  local({
    local_mocked_connect_responses(token = "token")
    expect_true(has_viewer_token())
  })
  expect_false(has_viewer_token())
})

test_that("a local mock at top level ends when withr is told so", {
  local_no_connect()
  with_global <- function() {
    suppressMessages(local_mocked_connect_responses(token = "token", env = globalenv()))
    has <- has_viewer_token()
    withr::deferred_run(globalenv())
    has
  }
  expect_true(with_global())
  expect_false(has_viewer_token())
})

test_that("time moves when a test says so", {
  local_mocked_connect_responses(expiring)
  first <- connect_viewer_token()
  mocked_connect_advance_time(30)
  expect_identical(connect_viewer_token(), first)
  mocked_connect_advance_time(3600)
  expect_gte(connect_viewer_token()$expires_at, first$expires_at + 3600)
  expect_identical(mocked_connect_request_count(), 2)
  expect_error(mocked_connect_advance_time(-1), "`seconds` must be a number of seconds that is not negative")
  expect_error(mocked_connect_advance_time("1"), class = "connectcreds_error_invalid_argument")
})

test_that("what tells of a mock needs one", {
  expect_error(mocked_connect_request_count(), "There is no mock", class = "connectcreds_error_invalid_argument")
  expect_error(mocked_connect_advance_time(1), "There is no mock")
})

test_that("a handle that was saved in another session is told from a mock", {
  home <- getNamespace("connectcreds")
  handle <- local_mocked_connect_responses(token = "token")$handle
  file <- withr::local_tempfile()
  saveRDS(handle, file)
  for (other in list(readRDS(file), NULL, "mock", environment())) {
    expect_error(.Call(home$C_mock_request_count, other), "not a mock, or one that has ended or was saved in another")
    expect_error(.Call(home$C_mock_end, other), "not a mock, or one that has ended or was saved in another")
  }
  expect_identical(.Call(home$C_mock_request_count, handle), 0)
})

test_that("what a test changes in the environment inside a mock counts", {
  local_no_connect()
  local_mocked_connect_responses(function(req) {
    request <<- req
    json_response("{\"access_token\":\"token\"}")
  })
  request <- NULL
  without <- function(...) withr::with_envvar(c(...), error_of(connect_service_account_token()))
  expect_s3_class(without(RSTUDIO_PRODUCT = NA), "connectcreds_error_not_on_connect")
  expect_s3_class(without(CONNECT_CONTENT_SESSION_TOKEN = NA), "connectcreds_error_not_supported")
  expect_s3_class(without(CONNECT_SERVER = NA), "connectcreds_error_no_server")
  expect_s3_class(without(CONNECT_API_KEY = ""), "connectcreds_error_no_api_key")
  for (name in setdiff(names(getNamespace("connectcreds")$mock_environment), "CONNECT_CONTENT_GUID")) {
    expect_false(withr::with_envvar(stats::setNames(NA, name), has_service_account_token()))
  }
  expect_false(withr::with_envvar(c(RSTUDIO_PRODUCT = NA), has_viewer_token()))
  expect_null(withr::with_envvar(c(RSTUDIO_PRODUCT = NA), connect_token()))
  expect_true(withr::with_envvar(c(RSTUDIO_PRODUCT = NA, POSIT_PRODUCT = "CONNECT_CLOUD"), has_service_account_token()))

  withr::local_envvar(
    CONNECT_SERVER = "https://other.example", CONNECT_API_KEY = "other", CONNECT_CONTENT_SESSION_TOKEN = "content"
  )
  connect_service_account_token("https://changed.example")
  expect_identical(request$url, "https://other.example/__api__/v1/oauth/integrations/credentials")
  expect_identical(revealed(request)$Authorization, "Key other")
  expect_identical(form_of(request)$subject_token, "content")
})

test_that("a refusal in a mock is not remembered", {
  allowed <- FALSE
  local_mocked_connect_responses(function(req) {
    if (allowed) json_response("{\"access_token\":\"token\"}") else json_response("{\"error\":\"invalid_request\"}", 400L)
  })
  expect_false(has_viewer_token())
  expect_false(has_viewer_token())
  allowed <- TRUE
  expect_true(has_viewer_token())
  expect_identical(connect_viewer_token()$access_token, "token")
  expect_identical(mocked_connect_request_count(), 3)
})

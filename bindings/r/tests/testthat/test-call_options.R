test_that("a call takes no longer than its timeout: the argument's, the option's, the variable's", {
  local_connect()
  order_answers('[{"order": "silent"}, {"order": "silent"}, {"order": "silent"}]')
  # In a process of its own, with which its exchanges end.
  child <- start_r(c(
    "ask <- function(...) tryCatch(connect_service_account_token(...), error = function(cnd) cat(class(cnd)[[1]], ''))",
    # The settings that another one overrides would be errors.
    "Sys.setenv(CONNECTCREDS_TIMEOUT = 'soon')",
    "options(connectcreds_timeout = -1)",
    "ask('https://a.example', timeout = 0.2)",
    "options(connectcreds_timeout = 0.2)",
    "ask('https://b.example')",
    "options(connectcreds_timeout = NULL)",
    "Sys.setenv(CONNECTCREDS_TIMEOUT = '0.2')",
    "ask('https://c.example')",
    "cat('\n')"
  ))
  expect_identical(trimws(finish_r(child)), paste(rep("connectcreds_error_timeout", 3), collapse = " "))
})

test_that("a timeout that is not a number of seconds is named with where it was set", {
  local_mocked_connect_responses(token = "token")
  expect_named <- function(name, code) {
    expect_error(code, paste0("`", name, "` must be a number of seconds above 0"), fixed = TRUE,
      class = "connectcreds_error_invalid_argument")
  }
  for (timeout in list(0, -1, NA, "1", c(1, 2), NaN)) {
    expect_named("timeout", connect_service_account_token(timeout = timeout))
  }
  expect_named("options(connectcreds_timeout = )", withr::with_options(
    list(connectcreds_timeout = "1"), connect_service_account_token()
  ))
  expect_named("CONNECTCREDS_TIMEOUT", withr::with_envvar(
    c(CONNECTCREDS_TIMEOUT = "1 s"), connect_service_account_token()
  ))
  expect_identical(connect_service_account_token(timeout = Inf)$access_token, "token")
})

test_that("the library's log is spoken when the option says so, and only then", {
  local_mocked_connect_responses(token = "hidden-token")
  withr::local_options(connectcreds_debug = TRUE)
  spoken <- messages_of(connect_service_account_token("https://logged.example", api_key = "hidden-key"))
  expect_gt(length(spoken), 0)
  expect_true(all(startsWith(spoken, "connectcreds: ")))
  for (secret in c("hidden-token", "hidden-key", "session-token")) {
    expect_without(paste(spoken, collapse = ""), secret)
  }
  withr::local_options(connectcreds_debug = FALSE)
  expect_identical(messages_of(connect_service_account_token("https://silent.example")), character())
})

test_that("a handler of a line may jump away, and the lines after it are not lost", {
  local_mocked_connect_responses(token = "token")
  withr::local_options(connectcreds_debug = TRUE)
  jumped <- tryCatch(connect_service_account_token("https://jump.example"), message = function(it) "jumped")
  expect_identical(jumped, "jumped")
  expect_identical(suppressMessages(connect_service_account_token("https://jump.example"))$access_token, "token")
})

test_that("the log is spoken while a call waits", {
  local_connect()
  order_answers('{"order": "delay", "milliseconds": 5000, "then": {"order": "token", "expires_in": 3600}}')
  withr::local_options(connectcreds_debug = TRUE)
  spoken <- character()
  limited <- function() {
    setTimeLimit(elapsed = 2, transient = TRUE)
    on.exit(setTimeLimit())
    withCallingHandlers(connect_service_account_token(abandoned_resource()), message = function(it) {
      spoken <<- c(spoken, conditionMessage(it))
      invokeRestart("muffleMessage")
    })
  }
  # Out of the wait, so that nothing was spoken after it.
  expect_error(limited(), "elapsed time limit")
  expect_gt(length(spoken), 0)
})

test_that("the debug messages of has_*() say why there is no token", {
  local_no_connect()
  withr::local_options(connectcreds_debug = TRUE)
  spoken <- messages_of(expect_false(has_service_account_token()))
  expect_identical(spoken[length(spoken)], paste0(
    "No service account credentials found.\nCaused by error in `connect_service_account_token()`:\n! ",
    "Service account credentials are only available when running on Connect.\n"
  ))
})

refused_with <- function(body, status = 400L) {
  with_mocked_connect_responses(
    error_of(connect_service_account_token()),
    mock = list(json_response(body, status))
  )
}

test_that("a condition has the fields that a program needs to decide", {
  why <- refused_with('{"error":"invalid_request","error_description":"no such thing"}')
  expect_s3_class(why, c("connectcreds_error_refused", "connectcreds_error", "error", "condition"), exact = TRUE)
  expect_identical(why$status, 30L)
  expect_identical(why$http_status, 400L)
  expect_identical(why$oauth_code, "invalid_request")
  expect_null(why$connect_code)
  expect_false(why$retryable)
  expect_null(why$retry_after_ms)

  why <- refused_with('{"code":22,"error":"You may not","payload":null}', 403L)
  expect_identical(why$http_status, 403L)
  expect_identical(why$connect_code, 22L)
  expect_null(why$oauth_code)

  why <- refused_with('{"error":"temporarily_unavailable"}', 400L)
  expect_true(why$retryable)

  why <- refused_with("<html>", 200L)
  expect_s3_class(why, "connectcreds_error_bad_response")
  expect_identical(first_line(why), "Cannot fetch service account credentials from the Connect server.")
})

test_that("a server that is not there is a failure of the network", {
  local_replaced(running_on_connect = function() TRUE)
  why <- error_of(connect_service_account_token(
    content_token = "content", server_url = "http://127.0.0.1:1", api_key = "secret-key"
  ))
  expect_s3_class(why, "connectcreds_error_network")
  expect_true(why$retryable)
  expect_null(why$http_status)
  expect_without(conditionMessage(why), "secret-key")
})

test_that("what the server asks to wait is told", {
  local_connect()
  order_answers('[{"always": {"order": "retry_after", "status": 503, "value": "3600"}}]')
  withr::defer(order_answers('[{"always": null}]'))
  why <- error_of(connect_service_account_token(new_resource()))
  expect_identical(why$http_status, 503L)
  expect_identical(why$retry_after_ms, 3600000)
})

test_that("a server's words are data, wherever they come out", {
  words <- "{1+1} %s %n {file.create('pwned')} <<2+2>> {.cls x} \\u0041"
  body <- sprintf('{"error":"invalid_request","error_description":"%s"}', gsub("\\", "\\\\", words, fixed = TRUE))
  withr::local_dir(withr::local_tempdir())

  why <- refused_with(body)
  expect_match(conditionMessage(why), words, fixed = TRUE)
  expect_match(paste(capture.output(print(why)), collapse = "\n"), "{1+1} %s %n", fixed = TRUE)
  tried <- try(stop(why), silent = TRUE)
  expect_match(tried, "{1+1} %s %n", fixed = TRUE)
  expect_match(paste(capture.output(print(tried)), collapse = "\n"), "{1+1} %s %n", fixed = TRUE)

  withr::local_options(connectcreds_debug = TRUE)
  spoken <- with_mocked_connect_responses(
    messages_of(has_service_account_token()),
    mock = list(json_response(body, 400L))
  )
  expect_match(spoken[length(spoken)], words, fixed = TRUE)
  expect_false(file.exists("pwned"))
})

test_that("words in a token are data when it is printed, with httr2 and without", {
  withr::local_dir(withr::local_tempdir())
  body <- '{"access_token":"secret","refresh_token":"hidden","note":"{file.create(\'pwned\')} %s"}'
  token <- with_mocked_connect_responses(connect_service_account_token(), mock = list(json_response(body)))
  expect_printed <- function() {
    said <- character()
    shown <- capture.output(said <- capture.output(print(token), type = "message"))
    printed <- paste(c(shown, said), collapse = "\n")
    expect_match(printed, "{file.create('pwned')} %s", fixed = TRUE)
    expect_match(printed, "<REDACTED>", fixed = TRUE)
    expect_without(printed, "secret")
    expect_without(printed, "hidden")
  }
  expect_printed()
  if (requireNamespace("httr2", quietly = TRUE)) {
    expect_printed()
  }
  expect_false(file.exists("pwned"))
})

test_that("an uncaught error ends a script with its words as they are", {
  connect <- local_connect()
  order_answers('{"order": "oauth_error", "status": 400, "error": "invalid_request", "description": "{1+1} 100%s %n"}')
  child <- start_r("connect_service_account_token()")
  expect_match(finish_r(child), "Error in connect_service_account_token() :", fixed = TRUE)
  expect_match(finish_r(child), "{1+1} 100%s %n", fixed = TRUE)
})

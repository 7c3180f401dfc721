refused_with <- function(body, status = 400L) {
  with_mocked_connect_responses(
    error_of(connect_service_account_token()),
    mock = list(json_response(body, status))
  )
}

test_that("a condition has the fields that a program needs to decide", {
  why <- refused_with('{"error":"invalid_request","error_description":"no such thing"}')
  expect_s3_class(why, c("connectcreds_error_refused", "connectcreds_error", "rlang_error", "error", "condition"), exact = TRUE)
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
# Every status that the header has, by its name here.
header_codes <- function() {
  directory <- Sys.getenv("CONNECTCREDS_INCLUDE_DIR")
  skip_if(directory == "", "CONNECTCREDS_INCLUDE_DIR does not say where the header is")
  header <- paste(readLines(file.path(directory, "connectcreds.h")), collapse = "\n")
  found <- regmatches(header, gregexpr("CC_ERR_[A-Z_]+\\s*=?\\s*[0-9]+", header))[[1]]
  codes <- as.integer(sub(".*?([0-9]+)$", "\\1", found))
  names(codes) <- tolower(sub("^CC_ERR_([A-Z_]+?)\\s*=?\\s*[0-9]+$", "\\1", found, perl = TRUE))
  codes
}

test_that("the status codes are the header's, no more and no less", {
  expect_identical(getNamespace("connectcreds")$status_codes, header_codes())
})

test_that("conditions have the shape of rlang's, and causes the classes of httr2's", {
  why <- refused_with('{"error":"invalid_grant","error_description":"expired"}')
  expect_identical(why$message, "Cannot fetch service account credentials from the Connect server.")
  expect_s3_class(why$parent, c("httr2_oauth_invalid_grant", "httr2_oauth", "rlang_error"))
  expect_match(conditionMessage(why), "connect server.\nCaused by error:\n! .*invalid_grant.*expired", ignore.case = TRUE)
  expect_s3_class(refused_with('{"code":22,"error":"You may not"}', 403L)$parent, "httr2_oauth")
  expect_s3_class(refused_with("<html>", 200L)$parent, "httr2_oauth_parse")
  expect_identical(tryCatch(stop(why), rlang_error = function(cnd) "caught"), "caught")

  skip_if_not_installed("rlang", "1.1.0")
  expect_identical(rlang::try_fetch(stop(why), httr2_oauth = function(cnd) class(cnd)[[2]]), "httr2_oauth_invalid_grant")
  expect_identical(rlang::cnd_message(why), conditionMessage(why))
  printed <- paste(utils::capture.output(print(why)), collapse = "\n")
  expect_match(printed, "Cannot fetch service account credentials", fixed = TRUE)
  expect_match(printed, "invalid_grant", fixed = TRUE)
  chained <- error_of(rlang::abort("outer", parent = why))
  expect_match(conditionMessage(chained), "outer.*Caused by error in `connect_service_account_token\\(\\)`.*invalid_grant")
})

test_that("the whole text is there without rlang", {
  child <- start_r(c(
    "stopifnot(!isNamespaceLoaded('rlang'))",
    "mock <- list(list(status_code = 400L, body = '{\"error\":\"invalid_grant\"}'))",
    "unloaded <- tryCatch(with_mocked_connect_responses(connect_viewer_token(), mock = mock), error = conditionMessage)",
    "writeLines(unloaded)"
  ))
  expect_match(finish_r(child), "Shiny session.\nCaused by error:\n! .*invalid_grant")
})

test_that("the call of an error is the function that the user called, without its arguments", {
  call_in <- function(code) conditionCall(error_of(code))
  local_no_connect()
  expect_identical(call_in(lapply("https://a.example", connect_viewer_token)), quote(connect_viewer_token()))
  expect_identical(call_in(lapply(1, connect_service_account_token)), quote(connect_service_account_token()))
  expect_identical(call_in(connectcreds::connect_viewer_token(1)), quote(connect_viewer_token()))
  expect_identical(call_in(do.call(connect_viewer_token, list(api_key = 1))), quote(connect_viewer_token()))
  with_mocked_connect_responses(token = "token", {
    expect_identical(call_in(lapply(1, connect_service_account_token)), quote(connect_service_account_token()))
    expect_identical(call_in(connect_viewer_token(session = list(1))), quote(connect_viewer_token()))
    expect_identical(call_in(Map(has_workload_token, 1)), quote(has_workload_token()))
  })
  inner <- with_mocked_connect_responses(
    error_of(connect_viewer_token()), mock = function(req) connect_service_account_token(1)
  )
  expect_identical(conditionCall(inner), quote(connect_service_account_token()))
})

test_that("an authority that is not known has a hint in R's words", {
  details <- list(status = 21L, message = "First.\nThe authority is not known.", option = "ca_bundle", retryable = FALSE)
  why <- getNamespace("connectcreds")$as_condition(details, "connect_service_account_token", NULL)
  expect_match(conditionMessage(why), "connect_ca_bundle()", fixed = TRUE)
  expect_null(why$option)
  details$option <- NULL
  why <- getNamespace("connectcreds")$as_condition(details, "connect_service_account_token", NULL)
  expect_without(conditionMessage(why), "connect_ca_bundle")
})

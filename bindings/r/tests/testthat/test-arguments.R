test_that("an empty argument is not taken from the environment", {
  local_mocked_connect_responses(token = "token")
  expect_s3_class(error_of(connect_service_account_token(api_key = Sys.getenv("UNSET"))), "connectcreds_error_no_api_key")
  expect_s3_class(error_of(connect_viewer_token(server_url = "")), "connectcreds_error_no_server")
  expect_s3_class(error_of(connect_workload_token(content_token = "")), "connectcreds_error_not_supported")
  expect_s3_class(error_of(connect_aws_credentials(api_key = "")), "connectcreds_error_no_api_key")
  expect_false(has_service_account_token(api_key = ""))
  expect_identical(mocked_connect_request_count(), 0)
})

test_that("what is missing is named by its argument and its variable", {
  local_mocked_connect_responses(token = "token")
  hint <- function(...) paste(strsplit(conditionMessage(error_of(connect_viewer_token(...))), "\n")[[1]][-1], collapse = " ")
  expect_match(hint(server_url = ""), "`server_url`.*CONNECT_SERVER")
  expect_match(hint(api_key = ""), "`api_key`.*CONNECT_API_KEY")
  withr::local_envvar(CONNECT_API_KEY = NA, CONNECT_SERVER = NA)
  expect_match(hint(), "`server_url`.*CONNECT_SERVER")
  for (said in c(hint(), hint(server_url = "https://connect.example"))) expect_without(said, "cc_")
})

test_that("text that is not what its encoding says is an argument error", {
  skip_if_not(isTRUE(l10n_info()[["UTF-8"]]))
  local_mocked_connect_responses(token = "token")
  bytes <- "caf\xc3\xa9"
  Encoding(bytes) <- "bytes"
  for (bad in list("bad\xff", bytes, `Encoding<-`("bad\xff", "UTF-8"))) {
    for (ask in list(
      function(x) connect_service_account_token(x), function(x) connect_viewer_token(session = x),
      function(x) connect_workload_token(further = x), function(x) connect_viewer_token(api_key = x)
    )) {
      why <- error_of(ask(bad))
      expect_s3_class(why, "connectcreds_error_invalid_argument")
      expect_match(conditionMessage(why), "is not valid text", fixed = TRUE)
    }
  }
  expect_identical(mocked_connect_request_count(), 0)
})

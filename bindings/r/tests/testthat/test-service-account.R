test_that("outside Connect there is no service account, and the words say so", {
  local_no_connect()
  why <- error_of(connect_service_account_token())
  expect_identical(conditionMessage(why), "Service account credentials are only available when running on Connect.")
  expect_s3_class(why, c("connectcreds_error_not_on_connect", "connectcreds_error", "rlang_error", "error", "condition"), exact = TRUE)
  expect_identical(conditionCall(why), quote(connect_service_account_token()))
  expect_false(has_service_account_token())
})

test_that("a Connect that gives no content session token is too old, and the words say so", {
  local_no_connect()
  local_replaced(running_on_connect = function() TRUE)
  why <- error_of(connect_service_account_token())
  expect_identical(first_line(why), "Service account credentials are not supported by this version of Connect.")
  expect_s3_class(why, "connectcreds_error_not_supported")
  expect_false(has_service_account_token())
})

test_that("replacing running_on_connect() by FALSE hides Connect", {
  local_no_connect()
  local_mocked_connect_responses(token = "token")
  local_replaced(running_on_connect = function() FALSE)
  expect_s3_class(error_of(connect_service_account_token()), "connectcreds_error_not_on_connect")
  expect_s3_class(error_of(connect_viewer_token(session = shiny_session("alice"))), "connectcreds_error_not_on_connect")
  expect_s3_class(error_of(connect_workload_token()), "connectcreds_error_not_on_connect")
})

test_that("a replacement that is put into running_on_connect() in place is seen", {
  skip_if(utils::packageVersion("testthat") >= "3.2.0", "testthat has no such replacement any more")
  local_edition(2)
  local_no_connect()
  why <- testthat::with_mock(
    `connectcreds:::running_on_connect` = function() TRUE,
    error_of(connect_service_account_token())
  )
  expect_s3_class(why, "connectcreds_error_not_supported")
  expect_s3_class(error_of(connect_service_account_token()), "connectcreds_error_not_on_connect")
})

test_that("an error in a replacement of running_on_connect() is the caller's", {
  local_replaced(running_on_connect = function() stop("replaced {1+1}"))
  expect_error(connect_service_account_token(), "replaced {1+1}", fixed = TRUE)
})

test_that("server and key are asked for in connectcreds' words", {
  local_no_connect()
  local_replaced(running_on_connect = function() TRUE)
  why <- error_of(connect_service_account_token(content_token = "token"))
  expect_identical(first_line(why), "A Connect server URL is required to retrieve credentials.")
  expect_s3_class(why, "connectcreds_error_no_server")
  why <- error_of(connect_service_account_token(content_token = "token", server_url = "http://127.0.0.1:1"))
  expect_identical(first_line(why), "A valid Connect API key is required to retrieve credentials.")
  expect_s3_class(why, "connectcreds_error_no_api_key")
})

test_that("what is given takes the place of the environment", {
  local_no_connect()
  local_mocked_connect_responses(mock = function(req) {
    request <<- req
    json_response("{\"access_token\":\"token\"}")
  })
  request <- NULL
  token <- connect_service_account_token(
    "https://service.example", "read write",
    content_token = "content", server_url = "https://connect.example/rsc/", api_key = "mine", audience = "guid"
  )
  expect_identical(token$access_token, "token")
  expect_identical(request$url, "https://connect.example/rsc/__api__/v1/oauth/integrations/credentials")
  expect_identical(revealed(request)$Authorization, "Key mine")
  data <- form_of(request)
  expect_identical(data$subject_token, "content")
  expect_identical(data$resource, "https%3A%2F%2Fservice.example")
  expect_match(data$scope, "^read(%20|\\+)write$")
  expect_identical(data$audience, "guid")
})

test_that("the arguments are connectcreds' own, with what is new behind them", {
  arguments <- names(formals(connect_service_account_token))
  expect_identical(arguments, c(
    "resource", "scope", "content_token", "server_url", "api_key", "audience", "integration", "force", "timeout"
  ))
  expect_identical(formals(connect_service_account_token)$server_url, quote(Sys.getenv("CONNECT_SERVER")))
  expect_identical(formals(connect_service_account_token)$api_key, quote(Sys.getenv("CONNECT_API_KEY")))
})

test_that("arguments that are no strings are named with what they are", {
  expect_argument_error <- function(code, message) {
    why <- error_of(code)
    expect_s3_class(why, "connectcreds_error_invalid_argument")
    expect_identical(conditionMessage(why), message)
  }
  local_mocked_connect_responses(token = "token")
  ask <- connect_service_account_token
  expect_argument_error(ask(1), "`resource` must be a single string or `NULL`, not a number.")
  expect_argument_error(ask(c("a", "b")), "`resource` must be a single string or `NULL`, not a character vector.")
  expect_argument_error(ask(NA), "`resource` must be a single string or `NULL`, not `NA`.")
  expect_argument_error(ask(scope = TRUE), "`scope` must be a single string or `NULL`, not `TRUE`.")
  expect_argument_error(ask(audience = list()), "`audience` must be a single string or `NULL`, not an empty list.")
  expect_argument_error(ask(server_url = NULL), "`server_url` must be a single string, not `NULL`.")
  expect_argument_error(ask(api_key = 31337), "`api_key` must be a single string, not a number.")
  expect_argument_error(ask(content_token = quote(x)), "`content_token` must be a single string, not a symbol.")
  expect_argument_error(has_service_account_token(1), "`resource` must be a single string or `NULL`, not a number.")
})

test_that("a string that the library rejects is an error each time, and reaches no server", {
  local_mocked_connect_responses(token = "token")
  for (i in 1:3) {
    expect_s3_class(error_of(connect_service_account_token("a\nb")), "connectcreds_error_invalid_argument")
  }
  expect_s3_class(error_of(connect_service_account_token(server_url = "no url")), "connectcreds_error_invalid_argument")
  expect_identical(mocked_connect_request_count(), 0)
})

test_that("text in another encoding goes out as UTF-8", {
  local_mocked_connect_responses(mock = function(req) {
    json_response(sprintf("{\"access_token\":\"%s\"}", req$body$data$resource))
  })
  latin1 <- iconv("https://caf\u00e9.example", "UTF-8", "latin1")
  expect_identical(connect_service_account_token(latin1)$access_token, "https%3A%2F%2Fcaf%C3%A9.example")
})

test_that("a service account's token comes from the server, once", {
  local_connect()
  resource <- new_resource()
  expect_true(has_service_account_token(resource))
  first <- connect_service_account_token(resource)
  expect_s3_class(first, "httr2_token", exact = TRUE)
  expect_identical(names(first), c("token_type", "access_token", "expires_at", "issued_token_type"))
  expect_identical(first$token_type, "Bearer")
  expect_gt(first$expires_at, as.numeric(Sys.time()))
  expect_identical(connect_service_account_token(resource), first)
  expect_identical(exchanges(), 1L)
})

test_that("a token that its holder changes stays as it is for others", {
  local_mocked_connect_responses(token = "token")
  mine <- connect_service_account_token()
  mine$access_token <- "changed"
  mine[["more"]] <- TRUE
  attr(mine, "note") <- "mine"
  again <- connect_service_account_token()
  expect_identical(again$access_token, "token")
  expect_null(again$more)
  expect_null(attr(again, "note"))
})

test_that("a token survives a garbage collection, and its question the end of its token", {
  local_mocked_connect_responses(expiring)
  token <- connect_service_account_token("https://gc.example")
  gc()
  mocked_connect_advance_time(7200)
  later <- connect_service_account_token("https://gc.example")
  gc()
  expect_gt(later$expires_at, token$expires_at)
  expect_identical(later$access_token, "token")
})

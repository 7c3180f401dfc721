skip_if_not_installed("httr2")

test_that("a token is one that httr2 makes", {
  body <- '{"access_token":"token","token_type":"Bearer","expires_in":600,"refresh_token":"more","scope":"read"}'
  token <- with_mocked_connect_responses(connect_service_account_token(), mock = list(json_response(body)))
  theirs <- httr2::oauth_token(
    "token", token_type = "Bearer", expires_in = 600, refresh_token = "more", scope = "read",
    .date = .POSIXct(token$expires_at - 600)
  )
  expect_identical(token, theirs)
})

test_that("a token without an end has none of httr2 either", {
  body <- '{"access_token":"token","token_type":"Bearer","expires_in":null,"issued_token_type":null}'
  token <- with_mocked_connect_responses(connect_service_account_token(), mock = list(json_response(body)))
  expect_identical(token, httr2::oauth_token("token", token_type = "Bearer"))
})

test_that("mocks take what httr2 makes", {
  json <- list(`Content-Type` = "application/json")
  answer <- httr2::response(200L, headers = json, body = charToRaw('{"access_token":"token"}'))
  ask <- function(mock) with_mocked_connect_responses(connect_viewer_token()$access_token, mock = mock)
  expect_identical(ask(answer), "token")
  expect_identical(ask(list(answer)), "token")
  expect_identical(ask(function(req) answer), "token")

  plain <- httr2::response(500, headers = list(`content-type` = "text/plain"))
  why <- with_mocked_connect_responses(error_of(connect_viewer_token()), mock = function(req) plain)
  expect_identical(why$http_status, 500L)
})

test_that("httr2 may be loaded after this package, without a word", {
  child <- start_r(c(
    "token <- with_mocked_connect_responses(connect_viewer_token(), token = 'secret')",
    "print(token)",
    "loadNamespace('httr2')",
    "print(token)"
  ))
  printed <- finish_r(child)
  expect_without(printed, "overwritten")
  expect_without(printed, "secret")
  expect_identical(lengths(regmatches(printed, gregexpr("<httr2_token>", printed, fixed = TRUE))), 2L)
})

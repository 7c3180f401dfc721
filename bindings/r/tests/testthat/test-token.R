test_that("a token is one that httr2 makes", {
  skip_if_not_installed("httr2")
  body <- '{"access_token":"token","token_type":"Bearer","expires_in":600,"refresh_token":"more","scope":"read"}'
  token <- with_mocked_connect_responses(connect_service_account_token(), mock = list(json_response(body)))
  theirs <- httr2::oauth_token(
    "token", token_type = "Bearer", expires_in = 600, refresh_token = "more", scope = "read",
    .date = .POSIXct(token$expires_at - 600)
  )
  expect_identical(token, theirs)
})

test_that("a token without an end has none of httr2 either", {
  skip_if_not_installed("httr2")
  body <- '{"access_token":"token","token_type":"Bearer","expires_in":null,"issued_token_type":null}'
  token <- with_mocked_connect_responses(connect_service_account_token(), mock = list(json_response(body)))
  expect_identical(token, httr2::oauth_token("token", token_type = "Bearer"))
})

test_that("httr2 may be loaded after this package, without a word", {
  skip_if_not_installed("httr2")
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

test_that("the printed token of a mock is the same each time, as under connectcreds", {
  token <- with_mocked_connect_responses(connect_viewer_token(), token = "secret")
  expect_identical(token, structure(
    list(
      token_type = "Bearer", access_token = "secret",
      issued_token_type = "urn:ietf:params:oauth:token-type:access_token"
    ),
    class = "httr2_token"
  ))
})

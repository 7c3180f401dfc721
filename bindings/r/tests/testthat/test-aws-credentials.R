aws_body <- '{"access_token":"eyJhY2Nlc3NLZXlJZCI6IktFWSIsInNlY3JldEFjY2Vzc0tleSI6IlNFQ1JFVCIsInNlc3Npb25Ub2tlbiI6IlNFU1NJT04iLCJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQwMDowMDowMFoifQ==","token_type":"aws_credentials"}'

test_that("AWS credentials are read out of the token, and printed without the secrets", {
  local_mocked_connect_responses(mock = function(req) {
    data <<- form_of(req)
    json_response(aws_body)
  })
  data <- NULL
  credentials <- connect_aws_credentials(audience = "guid")
  expect_identical(data$requested_token_type, "urn%3Aietf%3Aparams%3Aaws%3Atoken-type%3Acredentials")
  expect_identical(data$subject_token, "session-token")
  expect_identical(data$audience, "guid")
  expect_identical(unclass(credentials), list(
    access_key_id = "KEY", secret_access_key = "SECRET", session_token = "SESSION",
    expiration = as.POSIXct("2030-01-01", tz = "UTC")
  ))
  printed <- capture.output(print(credentials))
  expect_identical(printed, c(
    "<connectcreds_aws_credentials>", "access_key_id: KEY", "secret_access_key: <REDACTED>",
    "session_token: <REDACTED>", "expiration: 2030-01-01"
  ))
})

test_that("with a session they are the viewer's", {
  local_mocked_connect_responses(mock = function(req) {
    data <<- form_of(req)
    json_response(aws_body)
  })
  data <- NULL
  connect_aws_credentials(session = shiny_session("alice"))
  expect_identical(data$subject_token, "alice")
  expect_identical(data$subject_token_type, "urn%3Aposit%3Aconnect%3Auser-session-token")
})

test_that("a token without AWS credentials in it is not understood", {
  local_mocked_connect_responses(mock = function(req) json_response('{"access_token":"secret token"}'))
  why <- error_of(connect_aws_credentials())
  expect_s3_class(why, "connectcreds_error_bad_response")
  expect_identical(conditionCall(why), quote(connect_aws_credentials()))
  expect_without(conditionMessage(why), "secret token")
})

test_that("a server gives AWS credentials", {
  connect <- local_connect()
  credentials <- connect_aws_credentials(new_resource())
  expect_s3_class(credentials, "connectcreds_aws_credentials")
  expect_true(nzchar(credentials$access_key_id) && nzchar(credentials$secret_access_key))
})

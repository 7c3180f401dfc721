test_that("outside Connect there is no workload identity, and the words say so", {
  local_no_connect()
  why <- error_of(connect_workload_token(audience = "guid"))
  expect_identical(conditionMessage(why), "Workload identity tokens are only available when running on Connect.")
  expect_s3_class(why, "connectcreds_error_not_on_connect")
  expect_false(has_workload_token(audience = "guid"))

  local_replaced(running_on_connect = function() TRUE)
  why <- error_of(connect_workload_token(audience = "guid"))
  expect_identical(first_line(why), "Workload identity tokens are not supported by this version of Connect.")
  expect_s3_class(why, "connectcreds_error_not_supported")
  withr::local_options(connectcreds_debug = TRUE)
  spoken <- messages_of(expect_false(has_workload_token(audience = "guid")))
  expect_match(spoken[length(spoken)], paste0(
    "^No workload identity token found.\nCaused by error in `connect_workload_token\\(\\)`:\n! ",
    "Workload identity tokens are not supported by this version of Connect."
  ))
})

test_that("every named string goes into the request", {
  local_mocked_connect_responses(mock = function(req) {
    data <<- form_of(req)
    json_response("{\"access_token\":\"token\"}")
  })
  data <- NULL
  expect_identical(
    connect_workload_token(audience = "guid", resource = "a/b", scope = "read", further = "~ \u00e9", none = NULL),
    connect_workload_token(further = "~ \u00e9", scope = "read", resource = "a/b", audience = "guid")
  )
  expect_identical(data$requested_token_type, "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token")
  expect_identical(data$subject_token_type, "urn%3Aposit%3Aconnect%3Acontent-session-token")
  expect_identical(data$subject_token, "session-token")
  expect_identical(data[c("audience", "resource", "scope", "further")], list(
    audience = "guid", resource = "a%2Fb", scope = "read", further = "~%20%C3%A9"
  ))
  expect_false("none" %in% names(data))
  expect_identical(mocked_connect_request_count(), 1)
})

test_that("invalid request options are reported", {
  local_mocked_connect_responses(token = "token")
  expect_error(connect_workload_token("guid"), "All arguments in `...` must be named.", fixed = TRUE)
  expect_error(connect_workload_token(audience = 1), "`audience` must be a single string or `NULL`, not a number.")
  expect_error(connect_workload_token(further = c("a", "b")), "`further` must be a single string or `NULL`")
  expect_error(connect_workload_token(subject_token = "x"), class = "connectcreds_error_invalid_argument")
  expect_error(
    connect_workload_token(requested_token_type = "urn:ietf:params:oauth:token-type:access_token"),
    class = "connectcreds_error_invalid_argument"
  )
  expect_identical(mocked_connect_request_count(), 0)
})

test_that("a workload identity is not the service account's token", {
  connect <- local_connect()
  audience <- connect[["STANDIN_INTEGRATION"]]
  identity <- connect_workload_token(audience = audience)
  expect_identical(identity$issued_token_type, "urn:ietf:params:oauth:token-type:id_token")
  expect_identical(connect_workload_token(audience = audience), identity)
  expect_true(has_workload_token(audience = audience))
  account <- connect_service_account_token(audience = audience)
  expect_identical(account$issued_token_type, "urn:ietf:params:oauth:token-type:access_token")
  expect_identical(exchanges(), 2L)
})

test_that("a server that does not know the workload says so below connectcreds' words", {
  local_mocked_connect_responses(error = TRUE)
  why <- error_of(connect_workload_token())
  expect_identical(first_line(why), "Cannot fetch workload identity token from the Connect server.")
})

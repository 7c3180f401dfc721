test_that("the viewer's token is used where there is a viewer, else the service account's, and elsewhere none", {
  local_no_connect()
  expect_null(connect_token("https://service.example"))
  local_mocked_connect_responses(mock = function(req) {
    json_response(sprintf("{\"access_token\":\"for-%s\"}", req$body$data$subject_token))
  })
  expect_identical(connect_token()$access_token, "for-user-token")
  expect_identical(connect_token(session = shiny_session("alice"))$access_token, "for-alice")
  expect_identical(connect_token(session = NULL)$access_token, "for-session-token")
})

test_that("a failure for a viewer is an error, never the service account's token", {
  subjects <- character()
  answers <- list(
    json_response("{\"error\":\"temporarily_unavailable\"}", 503L), json_response("{\"error\":\"invalid_request\"}", 400L),
    json_response("<html>", 502L)
  )
  for (answer in answers) {
    with_mocked_connect_responses(
      expect_s3_class(error_of(connect_token()), "connectcreds_error"),
      mock = function(req) {
        subjects <<- c(subjects, req$body$data$subject_token)
        answer
      }
    )
  }
  expect_identical(unique(subjects), "user-token")
  local_mocked_connect_responses(token = "token")
  expect_s3_class(error_of(connect_token(session = shiny_session())), "connectcreds_error_not_supported")
  expect_s3_class(error_of(connect_token(session = list(1))), "connectcreds_error_invalid_argument")
})

test_that("a viewer whose exchange takes too long does not get the service account's token", {
  connect <- local_connect()
  withr::local_envvar(ALICE = connect[["STANDIN_VIEWER_TOKEN"]])
  order_answers('{"order": "silent"}')
  # In a process of its own, with which its exchange ends.
  child <- start_r(c(
    "alice <- structure(list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = Sys.getenv('ALICE'))), class = 'ShinySession')",
    "tryCatch(connect_token(session = alice, timeout = 0.2), error = function(cnd) writeLines(class(cnd)[[1]]))"
  ))
  expect_identical(finish_r(child), "connectcreds_error_timeout")
})

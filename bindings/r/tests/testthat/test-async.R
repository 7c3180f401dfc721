# Runs the event loop until the promise is settled. Gives its value; its error is raised.
settled <- function(promise) {
  outcome <- NULL
  promises::then(
    promise,
    function(value) outcome <<- list(value = value),
    function(error) outcome <<- list(error = error)
  )
  until <- Sys.time() + 60
  while (is.null(outcome)) {
    if (Sys.time() > until) {
      stop("the promise is not settled")
    }
    later::run_now(0.1)
  }
  if (is.null(outcome$error)) outcome$value else stop(outcome$error)
}

skip_without_promises <- function() {
  skip_if_not_installed("promises")
  skip_if_not_installed("later")
}

test_that("a promise is kept with the token that a call without it returns, by one exchange", {
  skip_without_promises()
  local_connect()
  resource <- new_resource()
  first <- connect_service_account_token_async(resource)
  second <- connect_service_account_token_async(resource)
  expect_s3_class(first, "promise")
  token <- settled(first)
  expect_identical(settled(second), token)
  expect_identical(connect_service_account_token(resource), token)
  expect_identical(settled(connect_service_account_token_async(resource)), token)
  expect_identical(exchanges(), 1L)
})

test_that("every kind of token can be promised", {
  skip_without_promises()
  local_connect()
  viewer <- shiny_session(Sys.getenv("STANDIN_VIEWER_TOKEN"))
  resource <- new_resource()
  expect_identical(
    settled(connect_viewer_token_async(resource, session = viewer)), connect_viewer_token(resource, session = viewer)
  )
  expect_identical(settled(connect_token_async(resource, session = viewer)), connect_token(resource, session = viewer))
  expect_identical(settled(connect_token_async(resource)), connect_service_account_token(resource))
  expect_identical(
    settled(connect_workload_token_async(resource = resource)), connect_workload_token(resource = resource)
  )
  credentials <- settled(connect_aws_credentials_async(resource))
  expect_identical(credentials, connect_aws_credentials(resource))
  expect_s3_class(credentials, "connectcreds_aws_credentials")
})

test_that("the event loop goes on while an exchange is under way", {
  skip_without_promises()
  local_connect()
  order_answers('[{"order":"delay","milliseconds":1000,"then":{"order":"token","expires_in":3600}}]')
  order <- character()
  promise <- connect_service_account_token_async(new_resource())
  promises::then(promise, function(token) order <<- c(order, "token"))
  later::later(function() order <<- c(order, "other"), 0.05)
  settled(promise)
  expect_identical(order, c("other", "token"))
})

test_that("a failure rejects the promise with the condition of the other function", {
  skip_without_promises()
  local_no_connect()
  expect_null(settled(connect_token_async()))
  why <- error_of(settled(connect_viewer_token_async()))
  expect_s3_class(why, "connectcreds_error_not_on_connect")
  expect_identical(conditionCall(why), quote(connect_viewer_token_async()))
  why <- error_of(settled(connect_service_account_token_async(1)))
  expect_identical(conditionMessage(why), "`resource` must be a single string or `NULL`, not a number.")

  local_connect()
  order_answers('[{"order":"connect_error","status":403,"code":22,"error":"No rights."}]')
  why <- error_of(settled(connect_service_account_token_async(new_resource())))
  expect_s3_class(why, "connectcreds_error_refused")
  expect_identical(why$http_status, 403L)
  expect_identical(conditionCall(why), quote(connect_service_account_token_async()))
  order_answers('[{"order":"delay","milliseconds":3000,"then":{"order":"token","expires_in":3600}}]')
  why <- error_of(settled(connect_service_account_token_async(abandoned_resource(), timeout = 0.1)))
  expect_s3_class(why, "connectcreds_error_timeout")
})

test_that("a mock answers a promise, and an error in its function rejects it", {
  skip_without_promises()
  local_mocked_connect_responses(token = "token")
  expect_identical(settled(connect_viewer_token_async())$access_token, "token")
  expect_identical(settled(connect_token_async(integration = "anything"))$access_token, "token")
  local_mocked_connect_responses(function(req) stop("in the mock"))
  expect_error(settled(connect_viewer_token_async()), "in the mock", fixed = TRUE)
  local_mocked_connect_responses(error = TRUE)
  expect_s3_class(error_of(settled(connect_viewer_token_async())), "connectcreds_error_refused")
})

test_that("a promise outlives the mock that it was made in, and nobody need wait for it", {
  skip_without_promises()
  promise <- with_mocked_connect_responses(connect_viewer_token_async(), token = "token")
  expect_identical(settled(promise)$access_token, "token")
  local_connect()
  order_answers('[{"order":"delay","milliseconds":300,"then":{"order":"token","expires_in":3600}}]')
  start <- getNamespace("connectcreds")$C_start
  call <- .Call(
    start, "connect_service_account_token_async", abandoned_resource(), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    FALSE, NULL
  )
  rm(call)
  gc()
  expect_identical(settled(connect_token_async(new_resource()))$token_type, "Bearer")
})

test_that("a later without later_fd() is polled", {
  skip_without_promises()
  local_connect()
  local_replaced(has_later_fd = function() FALSE)
  expect_identical(settled(connect_service_account_token_async(new_resource()))$token_type, "Bearer")
})

test_that("a call that is finished, or saved in another session, is an R error", {
  home <- getNamespace("connectcreds")
  local_mocked_connect_responses(token = "token")
  call <- .Call(
    home$C_start, "connect_service_account_token_async", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, FALSE, NULL
  )
  expect_true(.Call(home$C_call_is_done, call))
  expect_identical(.Call(home$C_call_finish, call, "connect_service_account_token_async")$access_token, "token")
  expect_error(.Call(home$C_call_finish, call, "x"), "finished", fixed = TRUE)
  expect_error(.Call(home$C_call_is_done, unserialize(serialize(call, NULL))), "another session", fixed = TRUE)
  expect_error(.Call(home$C_call_fd, 1), "not a call", fixed = TRUE)
})

test_that("without a session there is no viewer", {
  local_no_connect()
  expect_false(has_viewer_token())
  local_replaced(running_on_connect = function() TRUE)
  expect_false(has_viewer_token())
  why <- error_of(connect_viewer_token())
  expect_identical(conditionMessage(why), "Viewer-based credentials are only available in Shiny sessions.")
  expect_s3_class(why, "connectcreds_error_no_session")
  expect_identical(conditionCall(why), quote(connect_viewer_token()))
})

test_that("outside Connect a session gives no token, and the words say so", {
  local_no_connect()
  for (code in list(quote(connect_viewer_token()), quote(connect_viewer_token(session = shiny_session("alice"))))) {
    why <- error_of(eval(code))
    expect_identical(conditionMessage(why), "Viewer-based credentials are only available when running on Connect.")
    expect_s3_class(why, "connectcreds_error_not_on_connect")
  }
  expect_silent(has <- has_viewer_token(session = shiny_session()))
  expect_false(has)
  withr::local_options(connectcreds_debug = TRUE)
  expect_identical(messages_of(has_viewer_token(session = shiny_session())), paste0(
    "No viewer-based credentials found.\n",
    "i Viewer-based credentials are only available when running on Connect.\n"
  ))
})

test_that("a session to which Connect gave no token is one of an old Connect", {
  local_no_connect()
  local_replaced(running_on_connect = function() TRUE, get_connect_session = function() shiny_session())
  expect_false(has_viewer_token())
  why <- error_of(connect_viewer_token())
  expect_identical(first_line(why), "Viewer-based credentials are not supported by this version of Connect.")
  expect_s3_class(why, "connectcreds_error_not_supported")
  withr::local_options(connectcreds_debug = TRUE)
  spoken <- messages_of(expect_false(has_viewer_token()))
  expect_match(spoken[length(spoken)], paste0(
    "^No viewer-based credentials found.\nCaused by error in `connect_viewer_token\\(\\)`:\n! ",
    "Viewer-based credentials are not supported by this version of Connect."
  ))
})

test_that("what is no session is called by what it is", {
  local_mocked_connect_responses(token = "token")
  expect_error(
    connect_viewer_token(session = "alice"), "`session` must be a Shiny session object, not the string \"alice\".",
    fixed = TRUE, class = "connectcreds_error_invalid_argument"
  )
  expect_error(
    connect_viewer_token(session = list()), "`session` must be a Shiny session object, not an empty list.",
    fixed = TRUE
  )
  expect_error(
    connect_viewer_token(session = factor("a")), "`session` must be a Shiny session object, not a <factor> object.",
    fixed = TRUE
  )
  expect_error(connect_viewer_token(session = shiny_session(7)), "`session_token` must be a single string")
  expect_false(has_viewer_token(session = "alice"))
})

test_that("inside a mock there is a session, but not when the caller says there is none", {
  local_no_connect()
  local_mocked_connect_responses(token = "token")
  expect_true(has_viewer_token())
  expect_identical(connect_viewer_token()$access_token, "token")
  expect_false(has_viewer_token(session = NULL))
  expect_s3_class(error_of(connect_viewer_token(session = NULL)), "connectcreds_error_no_session")
})

test_that("the session of a Shiny module serves as well", {
  local_mocked_connect_responses(mock = function(req) {
    json_response(sprintf("{\"access_token\":\"for-%s\"}", req$body$data$subject_token))
  })
  module <- structure(list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "alice")), class = "session_proxy")
  expect_identical(connect_viewer_token(session = module)$access_token, "for-alice")
})

test_that("a session may be an environment with classes of its own", {
  local_mocked_connect_responses(mock = function(req) {
    json_response(sprintf("{\"access_token\":\"for-%s\"}", req$body$data$subject_token))
  })
  session <- new.env()
  makeActiveBinding("request", function() list2env(list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "bob")), session)
  class(session) <- c("ShinySession", "R6")
  expect_identical(connect_viewer_token(session = session)$access_token, "for-bob")
})

test_that("the caller's Shiny session is found when on Connect", {
  skip_if_not_installed("shiny")
  local_no_connect()
  withr::local_envvar(RSTUDIO_PRODUCT = "CONNECT")
  session <- shiny_session("alice")
  find <- function() getNamespace("connectcreds")$get_connect_session()
  found <- shiny::withReactiveDomain(session, find())
  expect_identical(found, session)
  expect_null(find())
  Sys.unsetenv("RSTUDIO_PRODUCT")
  expect_null(shiny::withReactiveDomain(session, find()))
})

test_that("each viewer gets a token of their own, once", {
  connect <- local_connect()
  resource <- new_resource()
  alice <- shiny_session(connect[["STANDIN_VIEWER_TOKEN"]])
  token <- connect_viewer_token(resource, session = alice)
  expect_s3_class(token, "httr2_token", exact = TRUE)
  expect_true(has_viewer_token(resource, session = alice))
  expect_identical(connect_viewer_token(resource, session = alice), token)
  expect_identical(exchanges(), 1L)

  why <- error_of(connect_viewer_token(resource, session = shiny_session("nobody")))
  expect_identical(first_line(why), "Cannot fetch viewer-based credentials for the current Shiny session.")
  expect_s3_class(why, "connectcreds_error_refused")
  expect_without(conditionMessage(why), "nobody")
})

test_that("what is held for a session that is forgotten is asked for anew", {
  connect <- local_connect()
  resource <- new_resource()
  alice <- shiny_session(connect[["STANDIN_VIEWER_TOKEN"]])
  connect_viewer_token(resource, session = alice)
  expect_null(connect_forget_session(alice))
  connect_viewer_token(resource, session = alice)
  expect_identical(exchanges(), 2L)

  # No session, none that Connect knows, no session at all.
  expect_null(connect_forget_session(NULL))
  expect_null(connect_forget_session(shiny_session()))
  expect_error(connect_forget_session("alice"), "`session` must be a Shiny session object")
})

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

test_that("inside a mock there is a session, but not when the caller says there is none", {
  local_no_connect()
  local_mocked_connect_responses(token = "token")
  expect_true(has_viewer_token())
  expect_identical(connect_viewer_token()$access_token, "token")
  expect_false(has_viewer_token(session = NULL))
  expect_s3_class(error_of(connect_viewer_token(session = NULL)), "connectcreds_error_no_session")
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

test_that("a session without the header is told by name what is missing, and where it may have been lost", {
  local_mocked_connect_responses(token = "token")
  why <- error_of(connect_viewer_token(session = shiny_session()))
  expect_match(conditionMessage(why), "Posit-Connect-User-Session-Token", fixed = TRUE)
  expect_match(conditionMessage(why), "proxy", fixed = TRUE)
  expect_match(conditionMessage(why), "anonymous", fixed = TRUE)
})

test_that("a wrong argument of has_*() is an error, not FALSE", {
  local_mocked_connect_responses(token = "token")
  for (code in list(
    quote(has_viewer_token("https://ws.example", session = list(1))), quote(has_viewer_token(1)),
    quote(has_viewer_token(timeout = -1)), quote(has_service_account_token("a\nb")),
    quote(has_workload_token("unnamed")), quote(has_service_account_token(force = NA))
  )) {
    why <- error_of(eval(code))
    expect_s3_class(why, "connectcreds_error_invalid_argument")
    expect_identical(conditionCall(why), code[1])
  }
})

test_that("has_*() takes the arguments of connect_*()", {
  home <- getNamespace("connectcreds")
  for (kind in c("service_account", "workload")) {
    connect <- formals(home[[paste0("connect_", kind, "_token")]])
    expect_identical(names(formals(home[[paste0("probe_", kind, "_token")]])), names(connect))
  }
  expected <- sub("session", "token", names(formals(connect_viewer_token)))
  expect_identical(names(formals(home$probe_viewer_token)), expected)
})

# Mocks in which a viewer's token says whose it is.
local_viewers <- function(env = parent.frame()) {
  local_mocked_connect_responses(env = env, mock = function(req) {
    json_response(sprintf("{\"access_token\":\"for-%s\"}", req$body$data$subject_token))
  })
}

token_for <- function(session) connect_viewer_token(session = session)$access_token

test_that("an argument that is not a session is called by its type, and its value is not shown", {
  local_mocked_connect_responses(token = "token")
  expect_argument_error <- function(session, type) {
    for (ask in list(connect_viewer_token, has_viewer_token, connect_forget_session)) {
      why <- error_of(ask(session = session))
      expect_s3_class(why, "connectcreds_error_invalid_argument")
      expect_identical(
        conditionMessage(why),
        paste0("`session` must be a Shiny session object, an HTTP request, or a session token, not ", type, ".")
      )
    }
  }
  expect_argument_error(list(), "an empty list")
  expect_argument_error(factor("secret"), "a <factor> object")
  expect_argument_error(c("secret", "other"), "a character vector")
  expect_argument_error(31337, "a number")
  expect_argument_error(new.env(), "an environment")
  expect_error(
    connect_viewer_token(session = shiny_session(7)),
    "`session_token` must be a single string or `NULL`, not a number.", fixed = TRUE
  )
})

test_that("a session token or a request of a web framework stands for a session", {
  local_viewers()
  header <- c("posit-connect-user-session-token" = "bob", accept = "*/*")
  expect_identical(token_for("alice"), "for-alice")
  # Rook's environment, as httpuv and plumber have it.
  rook <- list2env(list(REQUEST_METHOD = "GET", HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "bob"))
  expect_identical(token_for(rook), "for-bob")
  expect_identical(token_for(list2env(list(REQUEST_METHOD = "GET", HEADERS = header))), "for-bob")
  # ambiorix and reqres: objects with methods.
  object <- list2env(list(get_header = function(name) header[[tolower(name)]]))
  class(object) <- c("Request", "R6")
  expect_identical(token_for(object), "for-bob")
  expect_true(has_viewer_token(session = "alice"))
  for (without in list(list(REQUEST_METHOD = "GET"), list(HEADERS = c(accept = "*/*")), "")) {
    expect_s3_class(error_of(token_for(without)), "connectcreds_error_not_supported")
  }
})

test_that("a request of httpuv stands for its viewer", {
  skip_if_not_installed("httpuv")
  local_viewers()
  seen <- NULL
  app <- list(call = function(req) {
    seen <<- tryCatch(token_for(req), error = conditionMessage)
    list(status = 200L, headers = list(), body = "")
  })
  port <- httpuv::randomPort()
  server <- httpuv::startServer("127.0.0.1", port, app)
  withr::defer(httpuv::stopServer(server))
  connection <- socketConnection("127.0.0.1", port, open = "r+b", blocking = FALSE)
  withr::defer(close(connection))
  writeLines(c("GET / HTTP/1.0", "Posit-Connect-User-Session-Token: carol", ""), connection, sep = "\r\n")
  until <- Sys.time() + 30
  while (is.null(seen) && Sys.time() < until) httpuv::service(50)
  expect_identical(seen, "for-carol")
})

test_that("shiny::MockShinySession stands for the mocked viewer, and its module too", {
  skip_if_not_installed("shiny")
  local_no_connect()
  local_viewers()
  session <- shiny::MockShinySession$new()
  expect_silent(token <- token_for(session))
  expect_identical(token, "for-user-token")
  expect_true(has_viewer_token(session = session))
  expect_identical(token_for(session$makeScope("module")), "for-user-token")
  session$onSessionEnded(function() connect_forget_session(session))
  expect_silent(session$close())

  seen <- NULL
  server <- function(input, output, session) {
    session$onSessionEnded(function() connect_forget_session(session))
    output$token <- shiny::renderText(token_for(session))
  }
  expect_warning(shiny::testServer(server, seen <<- output$token), NA)
  expect_identical(seen, "for-user-token")
})

test_that("shiny::MockShinySession has no token outside a mock", {
  skip_if_not_installed("shiny")
  local_no_connect()
  withr::local_envvar(RSTUDIO_PRODUCT = "CONNECT")
  why <- error_of(suppressWarnings(connect_viewer_token(session = shiny::MockShinySession$new())))
  expect_s3_class(why, "connectcreds_error_not_supported")
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

# A session as Shiny has it: an environment that calls back when it ends.
live_session <- function(token) {
  callbacks <- list()
  session <- list2env(list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = token)))
  session$onSessionEnded <- function(callback) callbacks <<- c(callbacks, callback)
  session$end <- function() for (callback in callbacks) callback()
  class(session) <- c("ShinySession", "R6")
  session
}

test_that("a viewer's tokens are forgotten with the last of their tabs", {
  local_viewers()
  tabs <- list(live_session("alice"), live_session("alice"), live_session("bob"))
  for (tab in tabs) {
    local({
      ending <- tab
      ending$onSessionEnded(function() connect_forget_session(ending))
    })
  }
  for (tab in c(tabs, tabs)) token_for(tab)
  expect_identical(mocked_connect_request_count(), 2)

  tabs[[1]]$end()
  token_for(tabs[[2]])
  expect_identical(mocked_connect_request_count(), 2)
  tabs[[2]]$end()
  expect_identical(length(ls(getNamespace("connectcreds")$holders$of)), 1L)
  token_for(tabs[[3]])
  expect_identical(mocked_connect_request_count(), 2)
  token_for("alice")
  expect_identical(mocked_connect_request_count(), 3)
  tabs[[3]]$end()
  expect_identical(length(ls(getNamespace("connectcreds")$holders$of)), 0L)
})

test_that("the tokens of a session that its module forgets are gone, as are those of a bare token", {
  local_viewers()
  session <- live_session("alice")
  token_for(session)
  connect_forget_session(structure(list(parent = session), class = "session_proxy"))
  token_for(session)
  expect_identical(mocked_connect_request_count(), 2)
  connect_forget_session("alice")
  token_for(session)
  expect_identical(mocked_connect_request_count(), 3)
  session$end()
})

test_that("what is held for a session that is forgotten is requested again", {
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
})

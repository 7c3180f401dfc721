# Calls each routine of the R package's shim, with values, with mistakes and with jumps out of R code, for
# bindings/r/tools/check-memory:
#
#   memory.R torture   in mocks, while R collects garbage at each of its allocations; TORTURE_STEP=7: at every seventh
#   memory.R real      in mocks, and as content of the stand-in for Connect

library(connectcreds)

mode <- commandArgs(TRUE)[[1]]
step <- if (mode == "torture") as.integer(Sys.getenv("TORTURE_STEP", "1")) else 0L
home <- getNamespace("connectcreds")

# A mock uses httr2 where it is installed, and loading it would take long under gctorture().
invisible(requireNamespace("httr2", quietly = TRUE))

viewer <- structure(list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "viewer")), class = "ShinySession")
page <- structure(
  list2env(list(
    request = list2env(list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "page")), onSessionEnded = function(callback) NULL
  )),
  class = c("ShinySession", "R6")
)
anonymous <- structure(list(request = list()), class = "ShinySession")
request <- list(REQUEST_METHOD = "GET", HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = "request")

error_of <- function(code) tryCatch({ code; "none" }, error = function(cnd) class(cnd)[[1]])
expect <- function(is, expected) {
  if (!identical(is, expected)) stop("got ", deparse(is)[[1]], " where ", deparse(expected)[[1]], " was expected")
}
echo <- function(req) {
  body <- sprintf('{"access_token":"%s","expires_in":3600,"other":[1]}', req$body$data$subject_token)
  list(status_code = 200L, body = body)
}
started <- function(name, ...) {
  call <- .Call(
    home$C_start, name, "https://a.example", NULL, NULL, NULL, list(...)$session, NULL, NULL, NULL, list(...)$further,
    FALSE, NULL
  )
  expect(.Call(home$C_call_is_done, call), TRUE)
  .Call(home$C_call_finish, call, name)
}

aws <- paste0(
  '{"access_token":"eyJhY2Nlc3NLZXlJZCI6ImlkIiwic2VjcmV0QWNjZXNzS2V5Ijoia2V5Iiwic2Vzc2lvblRva2VuIjoidG9rZW4iLCJleHBpcmF0',
  'aW9uIjoiMjAzMC0wMS0wMVQwMDowMDowMFoifQ==","token_type":"aws_credentials"}'
)

scenes <- list(
  tokens = function() with_mocked_connect_responses(mock = echo, {
    for (again in 1:2) {
      expect(connect_service_account_token("https://a.example", scope = "\u00e9")$access_token, "session-token")
      expect(connect_viewer_token(session = viewer)$access_token, "viewer")
      expect(connect_viewer_token(session = page)$access_token, "page")
      expect(connect_viewer_token(session = request)$access_token, "request")
      expect(connect_workload_token(audience = "a", further = "b")$access_token, "session-token")
      expect(connect_token(session = NULL, timeout = 5, force = TRUE)$access_token, "session-token")
    }
    expect(has_viewer_token(session = page), TRUE)
    expect(has_viewer_token(session = anonymous), FALSE)
    connect_forget_session(page)
    connect_invalidate(connect_viewer_token(session = viewer))
    expect(mocked_connect_request_count() > 5, TRUE)
    mocked_connect_advance_time(7200)
    expect(connect_viewer_token(session = viewer)$access_token, "viewer")
  }),
  aws = function() with_mocked_connect_responses(mock = function(req) list(body = aws), {
    expect(connect_aws_credentials()$access_key_id, "id")
    expect(started("connect_aws_credentials_async")$session_token, "token")
  }),
  started = function() with_mocked_connect_responses(mock = echo, {
    expect(started("connect_viewer_token_async", session = "other")$access_token, "other")
    expect(started("connect_workload_token_async", further = list(audience = "a"))$access_token, "session-token")
  }),
  mistakes = function() with_mocked_connect_responses(token = "token", {
    expect(error_of(connect_service_account_token(1)), "connectcreds_error_invalid_argument")
    expect(error_of(connect_service_account_token("bad\xff")), "connectcreds_error_invalid_argument")
    expect(error_of(connect_service_account_token(timeout = "1")), "connectcreds_error_invalid_argument")
    expect(error_of(connect_workload_token("unnamed")), "connectcreds_error_invalid_argument")
    expect(error_of(connect_viewer_token(session = 1)), "connectcreds_error_invalid_argument")
    expect(error_of(connect_viewer_token(session = NULL)), "connectcreds_error_no_session")
    expect(error_of(connect_service_account_token(server_url = "")), "connectcreds_error_no_server")
    expect(error_of(connect_aws_credentials()), "connectcreds_error_bad_response")
    expect(error_of(connect_ca_bundle("/nonexistent")), "connectcreds_error_invalid_argument")
  }),
  refusals = function() {
    with_mocked_connect_responses(error = TRUE, {
      expect(error_of(connect_viewer_token()), "connectcreds_error_refused")
      expect(has_service_account_token(), FALSE)
      expect(error_of(started("connect_service_account_token_async")), "connectcreds_error_refused")
    })
    with_mocked_connect_responses(mock = list(list(status_code = 500L, body = "no")), {
      expect(error_of(connect_workload_token()), "connectcreds_error_bad_response")
    })
  },
  jumps = function() with_mocked_connect_responses(mock = function(req) stop("in the mock"), {
    expect(error_of(connect_viewer_token()), "simpleError")
    expect(error_of(started("connect_viewer_token_async", session = "other")), "simpleError")
    inner <- with_mocked_connect_responses(connect_viewer_token()$access_token, token = "inner")
    expect(inner, "inner")
  }),
  integrations = function() {
    listed <- data.frame(guid = c("one", "two"), name = c("Warehouse", NA))
    with_mocked_connect_responses(mock = function(req) list(body = '{"access_token":"token"}'), integrations = listed, {
      expect(nrow(connect_integrations()), 2L)
      expect(connect_token(integration = "Warehouse")$access_token, "token")
      expect(error_of(connect_token(integration = "None")), "connectcreds_error_refused")
    })
  },
  log = function() with_mocked_connect_responses(token = "token", {
    old <- options(connectcreds_debug = TRUE)
    lines <- 0L
    withCallingHandlers(connect_token(), message = function(it) {
      lines <<- lines + 1L
      invokeRestart("muffleMessage")
    })
    expect(tryCatch(connect_token("https://a.example"), message = function(it) "jumped"), "jumped")
    suppressMessages(connect_token()) # the lines after the jump
    options(old)
    expect(lines > 0L, TRUE)
  }),
  rest = function() {
    expect(is.character(connect_diagnose()), TRUE)
    expect(length(connect_cache_stats()), 8L)
    connect_cache_clear()
    connect_ca_bundle(NULL)
    expect(is.character(.Call(home$C_library_path)), TRUE)
  }
)

# As content: exchanges on the library's thread, a call that is left, and one that a time limit ends.
if (mode == "real") {
  scenes$exchanges <- function() {
    expect(connect_service_account_token()$token_type, "Bearer")
    expect(error_of(connect_service_account_token(api_key = "wrong")), "connectcreds_error_refused")
    for (finished in c(TRUE, FALSE)) {
      call <- .Call(
        home$C_start, "connect_service_account_token_async", paste0("https://", finished, ".example"), NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, FALSE, NULL
      )
      expect(.Call(home$C_call_fd, call) >= 0L, TRUE)
      if (finished) expect(.Call(home$C_call_finish, call, "connect_service_account_token_async")$token_type, "Bearer")
    }
    expect(error_of(connect_service_account_token(server_url = "http://127.0.0.1:1", timeout = 1)),
      "connectcreds_error_network")
  }
}

for (name in names(scenes)) {
  cat(name, "")
  gctorture2(step)
  scenes[[name]]()
  gctorture2(0L)
  gc()
}
rm(home)
unloadNamespace("connectcreds")
invisible(gc())
cat("\n")

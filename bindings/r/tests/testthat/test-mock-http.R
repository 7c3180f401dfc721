test_that("a function answers, and sees the request as httr2 has it", {
  local_no_connect()
  local_mocked_connect_responses(function(req) {
    request <<- req
    json_response("{\"access_token\":\"token\"}")
  })
  request <- NULL
  expect_identical(connect_viewer_token("https://a.example/?b=c&d")$access_token, "token")
  expect_s3_class(request, "httr2_request")
  expect_identical(request$url, "localhost:3030/__api__/v1/oauth/integrations/credentials")
  expect_identical(request$method, "POST")
  expect_identical(revealed(request)$Authorization, "Key key")
  expect_identical(request$headers$Accept, "application/json")
  printed <- character()
  shown <- capture.output(printed <- capture.output({
    print(request$headers)
    print(request)
  }, type = "message"))
  printed <- paste(c(shown, printed), collapse = "\n")
  expect_without(printed, "Key key")
  expect_match(printed, "Authorization: *.?<REDACTED>|Authorization.*REDACTED")
  expect_identical(request$body$type, "form")
  data <- form_of(request)
  expect_identical(names(data), c("grant_type", "subject_token", "subject_token_type", "resource"))
  expect_identical(data$grant_type, "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange")
  expect_identical(data$subject_token, "user-token")
  expect_identical(data$subject_token_type, "urn%3Aposit%3Aconnect%3Auser-session-token")
  expect_identical(data$resource, "https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d")
})

test_that("what a function gives must be a response", {
  not_understood <- function(answer, words) {
    local_mocked_connect_responses(function(req) answer)
    expect_error(connect_viewer_token(), words, fixed = TRUE, class = "connectcreds_error_invalid_argument")
  }
  not_understood("text", "A mocked response must be an <httr2_response>")
  not_understood(list(status_code = 99), "must be a number from 100 to 599")
  not_understood(list(body = as.raw(c(65, 0))), "holds a NUL")
  not_understood(list(body = 1), "`body` must be a single string")
  not_understood(list(body = "", headers = list(`Content-Type` = 1)), "`content-type` must be a single string")
})

test_that("mocks take what httr2 makes", {
  skip_if_not_installed("httr2")
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


test_that("a request reads and prints as under connectcreds", {
  skip_if_not_installed("httr2", "1.1.0")
  local_mocked_connect_responses(function(req) {
    request <<- req
    json_response("{\"access_token\":\"token\"}")
  })
  request <- NULL
  connect_workload_token(audience = "guid")
  expect_identical(capture.output(print(request$headers)), c(
    "<httr2_headers>", "Authorization: <REDACTED>", "Accept: application/json"
  ))
  expect_identical(form_of(request), list(
    grant_type = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
    subject_token = "session-token",
    subject_token_type = "urn%3Aposit%3Aconnect%3Acontent-session-token",
    audience = "guid",
    requested_token_type = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
  ))
})

test_that("a mocked token may hold any character", {
  for (token in c("\"quoted\" \\ back", "caf\u00e9", "{1+1} %s")) {
    expect_identical(with_mocked_connect_responses(connect_viewer_token()$access_token, token = token), token)
  }
})

perform <- function(url) httr2::resp_body_string(httr2::req_perform(httr2::request(url)))

status_of <- function(url) {
  httr2::resp_status(httr2::req_perform(httr2::req_error(httr2::request(url), is_error = function(resp) FALSE)))
}

test_that("one function answers for Connect and for the program's own API", {
  skip_if_not_installed("httr2")
  local_mocked_connect_responses(function(req) {
    seen <<- c(seen, req$url)
    if (grepl("localhost:3030", req$url, fixed = TRUE)) {
      return(json_response("{\"access_token\":\"token\"}"))
    }
    list(headers = list(`Content-Type` = "text/plain"), body = "from the API")
  })
  seen <- NULL
  expect_identical(connect_viewer_token()$access_token, "token")
  expect_identical(perform("http://127.0.0.1:1/data"), "from the API")
  expect_identical(seen, c("localhost:3030/__api__/v1/oauth/integrations/credentials", "http://127.0.0.1:1/data"))
})

test_that("a list of responses is one sequence for Connect and for the program's own API", {
  skip_if_not_installed("httr2")
  local_mocked_connect_responses(list(
    json_response("{\"access_token\":\"first\"}"), httr2::response(200, body = charToRaw("second")),
    json_response("{\"access_token\":\"third\"}")
  ))
  expect_identical(connect_viewer_token("a")$access_token, "first")
  expect_identical(perform("http://127.0.0.1:1"), "second")
  expect_identical(connect_viewer_token("b")$access_token, "third")
  expect_identical(status_of("http://127.0.0.1:1"), 503L)
})

test_that("a mock of a token answers httr2's requests to its server alone, and leaves the option as it was", {
  skip_if_not_installed("httr2")
  mock <- function(req) httr2::response(200, body = charToRaw("of the test"))
  withr::local_options(httr2_mock = mock)
  with_mocked_connect_responses(token = "token", {
    expect_error(perform("http://127.0.0.1:1/"))
    expect_match(perform("http://localhost:3030/x"), "\"access_token\":\"token\"", fixed = TRUE)
    with_mocked_connect_responses(error = TRUE, expect_identical(status_of("http://localhost:3030/x"), 400L))
    expect_match(perform("http://localhost:3030/x"), "\"access_token\":\"token\"", fixed = TRUE)
  })
  expect_identical(getOption("httr2_mock"), mock)
})

local_httr2_mock <- function(mock, env = parent.frame()) {
  local <- if ("local_mocked_responses" %in% getNamespaceExports("httr2")) "local_mocked_responses" else "local_mock"
  getExportedValue("httr2", local)(mock, env = env)
}

test_that("httr2's mocks answer the requests of this package", {
  skip_if_not_installed("httr2")
  local_no_connect()
  withr::local_envvar(
    RSTUDIO_PRODUCT = "CONNECT", CONNECT_SERVER = "https://connect.example", CONNECT_API_KEY = "mine",
    CONNECT_CONTENT_SESSION_TOKEN = "content"
  )
  local_httr2_mock(function(req) {
    seen <<- c(seen, paste(req$method, req$url, revealed(req)$Authorization, req$body$data$subject_token))
    httr2::response(
      200, headers = list(`Content-Type` = "application/json"), body = charToRaw("{\"access_token\":\"theirs\"}")
    )
  })
  seen <- NULL
  endpoint <- "POST https://connect.example/__api__/v1/oauth/integrations/credentials Key mine"
  expect_identical(connect_service_account_token()$access_token, "theirs")
  expect_true(has_service_account_token())
  expect_identical(connect_viewer_token(session = shiny_session("alice"))$access_token, "theirs")
  expect_identical(seen, paste(endpoint, c("content", "content", "alice")))

  # Of two mocks the inner one answers, whoever's it is.
  inner <- with_mocked_connect_responses(connect_service_account_token()$access_token, token = "ours")
  expect_identical(inner, "ours")
  expect_identical(connect_service_account_token()$access_token, "theirs")
  withr::local_envvar(CONNECT_API_KEY = NA)
  expect_s3_class(error_of(connect_service_account_token()), "connectcreds_error_no_api_key")
})

test_that("an error in httr2's mock is raised unchanged, and leaves no mock behind", {
  skip_if_not_installed("httr2")
  local_no_connect()
  withr::local_envvar(RSTUDIO_PRODUCT = "CONNECT")
  ask <- function() {
    local_httr2_mock(function(req) stop("mine"))
    connect_service_account_token(content_token = "content", server_url = "http://127.0.0.1:1", api_key = "key")
  }
  expect_error(ask(), "^mine$")
  why <- error_of(connect_service_account_token(content_token = "c", server_url = "http://127.0.0.1:1", api_key = "key"))
  expect_s3_class(why, "connectcreds_error_network")
})

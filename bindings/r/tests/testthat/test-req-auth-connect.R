skip_if_not_installed("httr2")

# A service that answers with the token it got; it refuses each of `refused`, as `header` says.
start_service <- function(refused, header = "Bearer error=\"invalid_token\"", env = parent.frame()) {
  skip_if_not_installed("httpuv")
  port <- httpuv::randomPort()
  service <- start_r(c(
    sprintf("refused <- %s", paste(deparse(refused), collapse = "")),
    "app <- list(call = function(req) {",
    "  bad <- req$HTTP_AUTHORIZATION %in% refused",
    sprintf("  headers <- list(`Content-Type` = 'text/plain', `WWW-Authenticate` = %s)", deparse(header)),
    "  list(status = if (bad) 401L else 200L, headers = if (bad) headers else headers[1], body = req$HTTP_AUTHORIZATION)",
    "})",
    sprintf("server <- httpuv::startServer('127.0.0.1', %dL, app)", port),
    "writeLines('', 'ready')",
    "until <- Sys.time() + 60",
    "while (Sys.time() < until && !file.exists('stop')) httpuv::service(50)"
  ))
  withr::defer(file.create(service$in_it("stop")), envir = env)
  wait_for(file.exists(service$in_it("ready")))
  sprintf("http://127.0.0.1:%d/", port)
}

local_numbered_tokens <- function(env = parent.frame()) {
  count <- 0
  local_mocked_connect_responses(env = env, mock = function(req) {
    if (!grepl("localhost:3030", req$url, fixed = TRUE)) {
      return(NULL)
    }
    count <<- count + 1
    json_response(sprintf("{\"access_token\":\"token-%d\",\"expires_in\":3600}", count))
  })
}

body_of <- function(req) httr2::resp_body_string(httr2::req_perform(req))

test_that("a request carries the token of the moment at which it is performed", {
  url <- start_service(character())
  local_numbered_tokens()
  req <- req_auth_connect(httr2::request(url), "https://service.example")
  expect_identical(mocked_connect_request_count(), 0)
  expect_identical(body_of(req), "Bearer token-1")
  expect_identical(body_of(req), "Bearer token-1")
  mocked_connect_advance_time(7200)
  expect_identical(body_of(req), "Bearer token-2")
})

test_that("a token that the service refuses is replaced once", {
  url <- start_service(c("Bearer token-1", "Bearer token-3", "Bearer token-4", "Bearer token-5"))
  local_numbered_tokens()
  req <- req_auth_connect(httr2::request(url), connect = connect_service_account_token)
  expect_identical(body_of(req), "Bearer token-2")
  connect_invalidate("token-2")
  expect_error(body_of(req), "401")
  expect_identical(mocked_connect_request_count(), 4)
})

test_that("any 401 has that effect where httr2 signs each attempt", {
  skip_if_not_installed("httr2", "1.2.2")
  url <- start_service("Bearer token-1", header = "Basic")
  local_numbered_tokens()
  expect_identical(body_of(req_auth_connect(httr2::request(url))), "Bearer token-2")
})

test_that("elsewhere than on Connect the request fails, and says why", {
  local_no_connect()
  req <- req_auth_connect(httr2::request("http://127.0.0.1:1/"))
  expect_s3_class(error_of(httr2::req_perform(req)), "connectcreds_error_not_on_connect")
  expect_error(req_auth_connect("http://127.0.0.1:1/"), "`req` must be an HTTP request object of httr2, not a string.")
  expect_error(req_auth_connect(httr2::request("http://127.0.0.1:1/"), connect = 1), "`connect` must be a function")
})

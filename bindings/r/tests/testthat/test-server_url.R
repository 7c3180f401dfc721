test_that("a server without a scheme is taken as https, and as http on this machine", {
  local_no_connect()
  local_mocked_connect_responses(mock = function(req) {
    url <<- sub("/__api__.*", "", req$url)
    json_response("{\"access_token\":\"token\"}")
  })
  url <- NULL
  server <- function(given) {
    connect_service_account_token("https://s.example", server_url = given, force = TRUE)
    url
  }
  expect_identical(server("connect.example/rsc/"), "https://connect.example/rsc")
  expect_identical(server("connect.example:3939"), "https://connect.example:3939")
  expect_identical(server("localhost.example"), "https://localhost.example")
  expect_identical(server("localhost:4040"), "http://localhost:4040")
  expect_identical(server("127.0.0.1:4040"), "http://127.0.0.1:4040")
  expect_identical(server("[::1]:4040"), "http://[::1]:4040")
  expect_identical(server("localhost:3030"), "localhost:3030") # as the mock's own server is shown
  expect_identical(withr::with_envvar(c(CONNECT_SERVER = "connect.example"), {
    connect_service_account_token(force = TRUE)
    url
  }), "https://connect.example")
  for (wrong in c("no url", "/path", ":80", "ftp://connect.example")) {
    expect_s3_class(error_of(server(wrong)), "connectcreds_error_invalid_argument")
  }
})

test_that("a server without a scheme in the environment is reached", {
  connect <- local_connect()
  withr::local_envvar(CONNECT_SERVER = sub("^http://", "", connect[["CONNECT_SERVER"]]))
  expect_match(connect_service_account_token(new_resource())$access_token, "^sa-")
})

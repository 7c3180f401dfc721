# More questions than the package keeps prepared at a time, that differ in one thing: each has its own answer.

ways_to_ask <- list(
  resource = function(value) connect_service_account_token(resource = value),
  scope = function(value) connect_service_account_token(scope = value),
  audience = function(value) connect_workload_token(audience = value),
  further = function(value) connect_workload_token(further = value),
  subject_token = function(value) connect_viewer_token(session = shiny_session(value)),
  subject_token = function(value) connect_service_account_token(content_token = value)
)

test_that("many questions are told apart by each of their parts, and asked once", {
  for (way in seq_along(ways_to_ask)) {
    ask <- ways_to_ask[[way]]
    differs <- names(ways_to_ask)[[way]]
    wanted <- rep(sprintf("%s-%d", differs, 1:1500), 2)
    with_mocked_connect_responses(
      mock = function(req) json_response(sprintf("{\"access_token\":\"%s\"}", form_of(req)[[differs]])),
      {
        expect_identical(vapply(wanted, function(value) ask(value)$access_token, "", USE.NAMES = FALSE), wanted)
        expect_identical(mocked_connect_request_count(), 1500)
      }
    )
  }
})

test_that("server and key are parts of a question", {
  answer <- function(req) {
    who <- paste(sub("/__api__.*", "", req$url), "with", revealed(req)$Authorization)
    json_response(sprintf("{\"access_token\":\"%s\"}", who))
  }
  expect_told_apart <- function(servers, keys) {
    local_mocked_connect_responses(answer)
    ask <- function(server, key) connect_service_account_token(server_url = server, api_key = key)$access_token
    got <- mapply(ask, rep(servers, 2), rep(keys, 2), USE.NAMES = FALSE)
    expect_identical(got, rep(paste(servers, "with Key", keys), 2))
    expect_identical(mocked_connect_request_count(), 1500)
  }
  expect_told_apart(sprintf("https://connect-%d.example", 1:1500), rep("key", 1500))
  expect_told_apart(rep("https://connect.example", 1500), sprintf("key-%d", 1:1500))
})

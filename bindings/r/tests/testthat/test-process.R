# R and Python in one process, on one library: what one of them asks, the other need not.

local_python <- function() {
  path <- Sys.getenv("CONNECTCREDS_PYTHONPATH")
  skip_if(path == "", "CONNECTCREDS_PYTHONPATH does not say where the Python package is")
  reticulate::py_run_string(sprintf("import sys; sys.path.insert(0, %s)", encodeString(path, quote = "'")))
  reticulate::import("connectcreds")
}

test_that("one exchange serves R and Python", {
  connect <- local_connect()
  python <- local_python()
  resource <- new_resource()
  ours <- connect_service_account_token(resource)
  theirs <- python$service_account_token(resource = resource)
  expect_identical(theirs$access_token, ours$access_token)

  other <- new_resource()
  theirs <- python$service_account_token(resource = other)
  expect_identical(connect_service_account_token(other)$access_token, theirs$access_token)
  expect_identical(exchanges(), 2L)
})

test_that("a mock function of R's answers Python too, and an error in it stays in R", {
  python <- local_python()
  local_no_connect()
  local_mocked_connect_responses(function(req) json_response("{\"access_token\":\"from R\"}"))
  expect_identical(python$service_account_token()$access_token, "from R")
  local_mocked_connect_responses(function(req) stop("in R"))
  expect_error(python$service_account_token())
  local_mocked_connect_responses(token = "again")
  expect_identical(connect_service_account_token()$access_token, "again")
})
test_that("children of mclapply() inherit the tokens, and get others of their own", {
  connect <- local_connect()
  resource <- new_resource()
  token <- connect_service_account_token(resource)
  others <- vapply(1:4, function(i) new_resource(), "")
  inherited <- parallel::mclapply(others, mc.cores = 2, FUN = function(other) {
    list(same = connect_service_account_token(resource), other = connect_service_account_token(other)$access_token)
  })
  for (child in inherited) {
    expect_identical(child$same, token)
    expect_match(child$other, "^sa-")
  }
  expect_identical(exchanges(), 5L)
  expect_identical(connect_service_account_token(resource), token)
})

test_that("a mock that is alive at the fork is there in the child", {
  local_mocked_connect_responses(token = "token")
  expect_identical(
    parallel::mclapply(1:2, mc.cores = 2, FUN = function(i) connect_viewer_token()$access_token),
    list("token", "token")
  )
})

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

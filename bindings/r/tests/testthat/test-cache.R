test_that("a token that a service refused is requested again, once", {
  count <- 0
  local_mocked_connect_responses(function(req) {
    count <<- count + 1
    json_response(sprintf("{\"access_token\":\"token-%d\"}", count))
  })
  first <- connect_service_account_token()
  expect_true(connect_invalidate(first))
  expect_false(connect_invalidate(first))
  second <- connect_service_account_token()
  expect_identical(second$access_token, "token-2")
  # Another part of the program is late with the same complaint.
  expect_false(connect_invalidate(first))
  expect_identical(connect_service_account_token(), second)
  expect_true(connect_invalidate(second$access_token))
  expect_false(connect_invalidate("unknown"))
  expect_error(connect_invalidate(NULL), "`token` must be a token, or its `access_token`, not `NULL`", fixed = TRUE)
})

test_that("a token is found among many requests", {
  local_mocked_connect_responses(function(req) json_response(sprintf("{\"access_token\":\"%s\"}", req$body$data$resource)))
  for (i in 1:1500) connect_service_account_token(as.character(i))
  dropped <- vapply(as.character(1:1500), connect_invalidate, NA)
  expect_true(all(dropped))
})

test_that("force requests a token although one is cached", {
  local_mocked_connect_responses(token = "token")
  connect_service_account_token()
  connect_service_account_token(force = TRUE)
  expect_true(has_service_account_token(force = TRUE))
  connect_service_account_token()
  expect_identical(mocked_connect_request_count(), 3)
  expect_error(connect_service_account_token(force = "yes"), "`force` must be `TRUE` or `FALSE`, not a string.", fixed = TRUE)
})

test_that("the cache counts what it did, and is cleared", {
  local_mocked_connect_responses(token = "token")
  connect_service_account_token()
  connect_service_account_token()
  stats <- connect_cache_stats()
  expect_identical(names(stats), c(
    "hits", "stale_hits", "misses", "exchanges", "coalesced", "failures", "evictions", "entries"
  ))
  expect_identical(stats[["hits"]], 1)
  expect_identical(stats[["exchanges"]], 1)
  expect_identical(stats[["entries"]], 1)
  expect_null(connect_cache_clear())
  expect_identical(connect_cache_stats()[["entries"]], 0)
})

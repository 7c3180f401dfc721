test_that("Ctrl-C ends a wait at once, and leaves nothing behind", {
  local_connect()
  order_answers('{"order": "silent"}')
  child <- start_r(c(
    "writeLines(as.character(Sys.getpid()), 'r-pid')",
    "started <- proc.time()[['elapsed']]",
    "ask <- function() connect_service_account_token('https://slow.example')$token_type",
    "ended <- tryCatch(ask(), interrupt = function(it) 'interrupted')",
    "cat(ended, 'early:', proc.time()[['elapsed']] - started < 15, '\\n')",
    "Sys.sleep(0.3)", # an interrupt that is still pending would end this
    "cat('then', connect_service_account_token('https://other.example')$token_type, '\\n')"
  ))
  wait_for(exchanges() == 1L)
  tools::pskill(as.integer(readLines(child$in_it("r-pid"))), tools::SIGINT)
  expect_match(finish_r(child), "^\\s*interrupted early: TRUE\\s+then Bearer\\s*$")
})

test_that("Ctrl-C ends a script that does not expect it", {
  local_connect()
  order_answers('{"order": "silent"}')
  child <- start_r(c(
    "writeLines(as.character(Sys.getpid()), 'r-pid')",
    "invisible(has_service_account_token())", # no error, so it is not taken for one
    "cat('went on')"
  ))
  wait_for(exchanges() == 1L)
  tools::pskill(as.integer(readLines(child$in_it("r-pid"))), tools::SIGINT)
  expect_without(finish_r(child), "went on")
})

test_that("a time limit of R ends a wait", {
  local_connect()
  order_answers('{"order": "delay", "milliseconds": 3000, "then": {"order": "token", "expires_in": 3600}}')
  limited <- function() {
    setTimeLimit(elapsed = 0.3, transient = TRUE)
    on.exit(setTimeLimit())
    connect_service_account_token(abandoned_resource())
  }
  expect_error(limited(), "elapsed time limit")
})

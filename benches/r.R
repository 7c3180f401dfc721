# Measures a cached call in R, and for comparison a .Call that does nothing, in the same rounds.
#
#   cargo run --example connect-standin -- -- Rscript benches/r.R
#
# needs the package of bindings/r, installed with a release build of the library. Each round runs every measure once.
# Prints medians of 31 rounds of 20,000 calls, less the time of an empty loop, with the least and the most in brackets.

library(connectcreds)

rounds <- 31L
calls <- 20000L

session <- structure(
  list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = Sys.getenv("STANDIN_VIEWER_TOKEN"))),
  class = "ShinySession"
)
databricks <- "https://example.cloud.databricks.com"
nothing <- getNamespace("connectcreds")$C_nothing

measures <- list(
  "an empty loop" = function(n) for (i in seq_len(n)) NULL,
  ".Call that does nothing" = function(n) for (i in seq_len(n)) .Call(nothing),
  "Sys.getenv, one variable" = function(n) for (i in seq_len(n)) Sys.getenv("CONNECT_SERVER"),
  "connect_service_account_token()" = function(n) for (i in seq_len(n)) connect_service_account_token(),
  "connect_service_account_token(resource)" = function(n) {
    for (i in seq_len(n)) connect_service_account_token(databricks)
  },
  "connect_viewer_token(resource, session = )" = function(n) {
    for (i in seq_len(n)) connect_viewer_token(databricks, session = session)
  },
  "connect_workload_token(audience = )" = function(n) {
    for (i in seq_len(n)) connect_workload_token(audience = integration)
  },
  "has_service_account_token()" = function(n) for (i in seq_len(n)) has_service_account_token(),
  "has_viewer_token(resource, session = )" = function(n) {
    for (i in seq_len(n)) has_viewer_token(databricks, session = session)
  },
  "connect_token(resource, session = )" = function(n) {
    for (i in seq_len(n)) connect_token(databricks, session = session)
  }
)
integration <- Sys.getenv("STANDIN_INTEGRATION")

measures <- lapply(measures, compiler::cmpfun)
for (measure in measures) measure(10L)
# Processor time, so that waiting for a processor does not count. Its unit is 1 ms; a round takes 20 ms or more.
processor_time <- function() sum(proc.time()[c("user.self", "sys.self")])
seconds <- function(measure) {
  before <- processor_time()
  measure(calls)
  processor_time() - before
}
taken <- replicate(rounds, vapply(measures, seconds, 0))
micro <- taken / calls * 1e6
loop <- stats::median(micro["an empty loop", ])

cat("A cached call in R: microseconds, median (least to most)\n\n")
for (name in rownames(micro)[-1]) {
  of <- micro[name, ] - loop
  cat(sprintf("  %-44s %7.2f  (%.2f to %.2f)\n", name, stats::median(of), min(of), max(of)))
}

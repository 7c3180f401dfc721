# Runs the R package's tests in a directory. The last line lists the files in which a test was skipped.
library(connectcreds)

results <- as.data.frame(testthat::test_dir(
  commandArgs(TRUE)[[1]],
  package = "connectcreds",
  load_package = "installed",
  reporter = testthat::SummaryReporter$new(show_praise = FALSE),
  stop_on_failure = FALSE
))
cat("skipped in:", unique(results$file[results$skipped]), "\n")
failed <- sum(results$failed) > 0 || any(results$error)
quit(status = if (failed) 1L else 0L)

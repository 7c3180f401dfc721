test_that("the report is for a bug ticket: readable, and without a secret", {
  local_no_connect()
  withr::local_envvar(CONNECT_API_KEY = "hidden-key")
  report <- connect_diagnose()
  expect_s3_class(report, "connectcreds_report")
  expect_match(report, .Call(getNamespace("connectcreds")$C_version), fixed = TRUE)
  expect_without(report, "hidden-key")
  expect_identical(paste(capture.output(print(report)), collapse = "\n"), sub("\n+$", "", unclass(report)))
})

test_that("a file of certificate authorities must hold some", {
  file <- withr::local_tempfile(lines = "no certificate")
  for (path in c(file, "/nonexistent/ca.pem")) {
    why <- error_of(connect_ca_bundle(path))
    expect_s3_class(why, "connectcreds_error")
    expect_match(conditionMessage(why), basename(path), fixed = TRUE)
    expect_identical(conditionCall(why), quote(connect_ca_bundle()))
  }
  expect_error(connect_ca_bundle(1), "`path` must be a single string, not a number.", fixed = TRUE)
  expect_null(connect_ca_bundle(NULL))
})

test_that("the system's own file is one", {
  system <- "/etc/ssl/certs/ca-certificates.crt"
  skip_if_not(file.exists(system))
  expect_null(connect_ca_bundle(system))
  expect_null(connect_ca_bundle(NULL))
})

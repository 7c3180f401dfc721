test_that("the package may be unloaded while its tokens live, and loaded again", {
  child <- start_r(c(
    "token <- with_mocked_connect_responses(connect_viewer_token(), token = 'token')",
    "detach('package:connectcreds')",
    "path <- getNamespaceInfo('connectcreds', 'path')",
    "unloadNamespace('connectcreds')",
    "library.dynam.unload('connectcreds', path)",
    "invisible(gc())",
    "library(connectcreds)",
    "cat(with_mocked_connect_responses(connect_viewer_token()$access_token, token = 'again'), '\\n')",
    "try(connect_viewer_token(1))",
    "invisible(gc())"
  ))
  said <- finish_r(child)
  expect_match(said, "again", fixed = TRUE)
  expect_match(said, "`resource` must be a single string", fixed = TRUE)
  expect_identical(readLines(child$in_it("status")), "0")
})

test_that("a library that is older than the package's header is refused, with what to do", {
  check <- getNamespace("connectcreds")$check_library_version
  expect_error(
    check("0.1.0", "0.2.0", "/lib/a.so", "/library"),
    "0\\.2\\.0.*0\\.1\\.0, from /lib/a\\.so.*R CMD INSTALL.*CONNECTCREDS_LIB_DIR"
  )
  expect_silent(check("0.2.0", "0.2.0", "/lib/a.so", "/library"))
  expect_silent(check("0.10.0", "0.9.1", "/lib/a.so", "/library"))
})

# Every status that the header has, by its name here.
header_codes <- function() {
  directory <- Sys.getenv("CONNECTCREDS_INCLUDE_DIR")
  skip_if(directory == "", "CONNECTCREDS_INCLUDE_DIR does not say where the header is")
  header <- paste(readLines(file.path(directory, "connectcreds.h")), collapse = "\n")
  found <- regmatches(header, gregexpr("CC_ERR_[A-Z_]+\\s*=?\\s*[0-9]+", header))[[1]]
  codes <- as.integer(sub(".*?([0-9]+)$", "\\1", found))
  names(codes) <- tolower(sub("^CC_ERR_([A-Z_]+?)\\s*=?\\s*[0-9]+$", "\\1", found, perl = TRUE))
  codes
}

test_that("the status codes are the header's, no more and no less", {
  expect_identical(getNamespace("connectcreds")$status_codes, header_codes())
})

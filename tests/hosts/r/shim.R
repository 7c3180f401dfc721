# What the README's shim does when it is misused. Run by tests/readme.rs in the directory where shim.so is, as content
# on Connect; the first exchange is refused with "100%s %n".
dyn.load("shim.so")

expect_error <- function(expression, words) {
  message <- tryCatch(
    {
      expression
      "no error"
    },
    error = conditionMessage
  )
  if (!grepl(words, message, fixed = TRUE)) {
    stop("expected an error with '", words, "', got: ", message)
  }
}

# A server's words are no format. (Another question than below: a refusal is remembered.)
expect_error(.Call("service_account_token", "https://refused.example"), "100%s %n")

# A rejected value is an R error, and not one that wears off.
for (i in 1:100) {
  expect_error(.Call("service_account_token", "a\nb"), "control character")
}

# No resource; and what is unprotected is collected at once.
gctorture(TRUE)
token <- .Call("service_account_token", NULL)
secret <- .Call("access_token", token)
gctorture(FALSE)
stopifnot(nchar(secret) > 20, .Call("expires_at", token) > as.numeric(Sys.time()))

# A token that was saved is not a token any more; neither is anything else.
saved <- unserialize(serialize(token, NULL))
expect_error(.Call("access_token", saved), "not a token")
expect_error(.Call("access_token", NULL), "not a token")
expect_error(.Call("expires_at", "token"), "not a token")

# Dropped tokens are freed, once each, also those of failures.
rm(token, saved)
invisible(gc())

cat("all as it should be\n")

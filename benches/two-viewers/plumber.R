# A plumber program with the two answers of shiny.R: /asked requests a token that nobody has yet, /clicked shows whose it is
# that the viewer has already.
#
#   Rscript plumber.R PORT promise|waits

library(plumber)
library(connectcreds)

arguments <- commandArgs(TRUE)
connect <- switch(arguments[[2]], promise = connect_viewer_token_async, waits = connect_viewer_token)

# The stand-in for Connect ends a viewer's token with the viewer's name.
viewer_of <- function(token) {
  encoded <- sub(".*-", "", token$access_token)
  rawToChar(jsonlite::base64url_dec(encoded))
}

asked <- function(req, number) {
  token <- connect(sprintf("https://service-%s.example", number), session = req)
  if (promises::is.promising(token)) {
    promises::then(token, function(token) paste(number, viewer_of(token)))
  } else {
    paste(number, viewer_of(token))
  }
}

clicked <- function(req, number) {
  paste(number, viewer_of(connect_viewer_token("https://both.example", session = req)))
}

router <- pr_set_docs(pr(), FALSE)
router <- pr_get(router, "/asked", asked, serializer = serializer_text())
router <- pr_get(router, "/clicked", clicked, serializer = serializer_text())
pr_run(router, port = as.integer(arguments[[1]]), quiet = TRUE)

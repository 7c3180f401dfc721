connect_diagnose <- function() {
  structure(.Call(C_diagnose), class = "connectcreds_report")
}

print.connectcreds_report <- function(x, ...) {
  cat(x, if (!endsWith(x, "\n")) "\n", sep = "")
  invisible(x)
}

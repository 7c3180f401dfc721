#' Why there is no token
#'
#' A report for a person who looks for the cause, and for a bug ticket: the
#' version, whether the process runs on Connect and why, which variables are set,
#' the server, certificates and proxy, the cache, the last errors.
#'
#' With `options(connectcreds_debug = TRUE)` the library's log appears as messages,
#' one for each event, and the functions `has_*()` say why they return `FALSE`.
#'
#' @returns A string of class `connectcreds_report`; printing shows it. It holds no
#'   secret.
#' @examples
#' connect_diagnose()
#' @export
connect_diagnose <- function() {
  structure(.Call(C_diagnose), class = "connectcreds_report")
}

#' @export
print.connectcreds_report <- function(x, ...) {
  cat(x, if (!endsWith(x, "\n")) "\n", sep = "")
  invisible(x)
}

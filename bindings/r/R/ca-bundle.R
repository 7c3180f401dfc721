#' Trust a private certificate authority
#'
#' Names a file of certificate authorities to trust in addition to the system's,
#' for a Connect server whose certificate a private authority signed. The file is
#' read at once, and counts for all hosts in the process from the next exchange on.
#' Connect's own variable `CONNECT_CA_CERTIFICATE` does the same without a call.
#'
#' @param path A file with one certificate or more in PEM form. `NULL`: back to
#'   what `CONNECT_CA_CERTIFICATE` names, if anything.
#' @returns `NULL`, invisibly. A file that cannot be read, or holds no certificate,
#'   is an error.
#' @examples
#' connect_ca_bundle(NULL)
#' @export
connect_ca_bundle <- function(path) {
  if (!is.null(path)) {
    path <- path.expand(one_string(path, "path"))
  }
  failure <- .Call(C_ca_bundle, path)
  if (!is.null(failure)) {
    raise_details(failure, "connect_ca_bundle")
  }
  invisible()
}

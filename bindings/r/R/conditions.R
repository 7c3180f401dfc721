#' What can go wrong
#'
#' Errors of this package are conditions of class `connectcreds_error`, and of a
#' class that says which.
#'
#' | class | when |
#' | --- | --- |
#' | `connectcreds_error_invalid_argument` | an argument is of the wrong type, or the library rejects it |
#' | `connectcreds_error_not_on_connect` | the process does not run on Connect |
#' | `connectcreds_error_no_session` | a viewer's token without a viewer |
#' | `connectcreds_error_not_supported` | Connect supplied no session token, or no GUID of the content to look an integration up |
#' | `connectcreds_error_no_server` | no server URL |
#' | `connectcreds_error_no_api_key` | no API key |
#' | `connectcreds_error_network` | name resolution, connection, proxy, a response cut short |
#' | `connectcreds_error_tls` | certificate or handshake |
#' | `connectcreds_error_timeout` | no response in time |
#' | `connectcreds_error_refused` | the server responded with an OAuth or Connect error, or no single integration is meant by `integration` |
#' | `connectcreds_error_bad_response` | the server's response was not understood |
#' | `connectcreds_error_internal` | a bug in the library, caught |
#'
#' They have the shape of rlang's errors, class `rlang_error`, with rlang and
#' without: `message` is the first line, `body` has hints, `parent` is the cause.
#' `conditionMessage()` gives the whole text. The cause has the classes that httr2
#' gives it under connectcreds: `httr2_oauth` and, with an OAuth error code,
#' `httr2_oauth_invalid_request` and the like, where the server refused;
#' `httr2_oauth_parse` where its response was not understood; `httr2_failure` where
#' there was none.
#'
#' Further fields, `NULL` when they are not known:
#' \describe{
#' \item{`status`}{the library's status code}
#' \item{`http_status`}{the status of the server's response}
#' \item{`oauth_code`}{the OAuth error code in it, such as `"invalid_request"`}
#' \item{`connect_code`}{Connect's own code, such as 212: no integration is
#'   associated with the content}
#' \item{`retryable`}{whether the same call may succeed later with nothing changed}
#' \item{`retry_after_ms`}{how long the server asked to wait, in milliseconds}
#' }
#'
#' No secret is in a message. Text from the server may stand in it: it is data, so
#' pass it to no function that takes a format or evaluates what is between braces.
#'
#' @name connectcreds-conditions
#' @examples
#' tryCatch(
#'   connect_service_account_token(),
#'   connectcreds_error_not_on_connect = function(cnd) "developer's token",
#'   connectcreds_error = function(cnd) if (cnd$retryable) "later" else stop(cnd)
#' )
NULL

# The library's status codes, by the names in the conditions' classes: connectcreds_error_refused and so on.
status_codes <- c(
  invalid_argument = 1L,
  not_on_connect = 10L,
  no_session = 11L,
  not_supported = 12L,
  no_server = 13L,
  no_api_key = 14L,
  network = 20L,
  tls = 21L,
  timeout = 22L,
  cancelled = 23L,
  refused = 30L,
  bad_response = 31L,
  internal = 90L
)

# The library speaks of sessions of any kind where the first line of a message is known with Shiny's.
in_shiny_words <- function(line) {
  if (identical(line, "Cannot fetch viewer-based credentials for the current session.")) {
    return("Cannot fetch viewer-based credentials for the current Shiny session.")
  }
  line
}

# The hint for R, where the library's own second line is about other hosts.
hints <- function(kind, called, lines) {
  switch(kind,
    no_server = "i Give `server_url`, or set the environment variable CONNECT_SERVER, as Connect does for its content.",
    no_api_key = "i Give `api_key`, or set the environment variable CONNECT_API_KEY, as Connect does for its content.",
    # The library names the variables in which the content's token is missing; a session is R's own matter.
    not_supported = if (length(lines) && !is_about_session(called, lines)) bullets(lines) else no_token_hints(called),
    bullets(lines)
  )
}

is_about_session <- function(called, lines) {
  startsWith(called, "connect_viewer_token") && !any(grepl("CONNECT_CONTENT_GUID", lines, fixed = TRUE))
}

no_token_hints <- function(called) {
  if (!startsWith(called, "connect_viewer_token")) {
    return("i Connect set no content session token, or `content_token` is empty.")
  }
  c(
    paste0("i The session's request has no header ", session_header, ", or it is empty."),
    "i A proxy on the way may have removed it, or the viewer is anonymous."
  )
}

bullets <- function(lines) {
  plain <- !startsWith(lines, "x ")
  lines[plain] <- sprintf("i %s", lines[plain])
  sub("^i - ", "* ", lines) # of a list
}

# The classes that the cause of a failed exchange has with httr2. A call that found no integration sent none.
cause_classes <- function(kind, details) {
  switch(kind,
    refused = if (!is.null(details$http_status)) {
      code <- if (is.null(details$oauth_code)) "invalid_request" else details$oauth_code
      c(paste0("httr2_oauth_", code), "httr2_oauth")
    },
    bad_response = "httr2_oauth_parse",
    network = ,
    tls = ,
    timeout = c("httr2_failure", "httr2_error")
  )
}

# An error from its details: status, message and what else the library says.
as_condition <- function(details, called, call) {
  kind <- names(status_codes)[match(details$status, status_codes)]
  kind <- if (is.na(kind)) "" else kind
  lines <- strsplit(details$message, "\n", fixed = TRUE)[[1]]
  classes <- cause_classes(kind, details)
  if (identical(details$option, "ca_bundle")) {
    lines <- c(lines, "Name the file of the authority's certificates with connect_ca_bundle().")
  }
  cause <- if (length(classes) && length(lines) > 1L) {
    new_condition(c("connectcreds_cause", classes), lines[[2]], bullets(lines[-(1:2)]), call = NULL)
  }
  new_condition(
    c(if (nzchar(kind)) paste0("connectcreds_error_", kind), "connectcreds_error"),
    in_shiny_words(lines[[1]]),
    if (is.null(cause)) hints(kind, called, lines[-1]) else character(),
    call,
    parent = cause,
    fields = details[setdiff(names(details), c("message", "option"))]
  )
}

# Has the shape of rlang's errors. Their messages are plain text, not cli formats.
new_condition <- function(class, message, body, call, parent = NULL, fields = NULL) {
  structure(
    c(
      list(message = message, body = body, parent = parent, call = call, trace = NULL, use_cli_format = FALSE),
      fields
    ),
    class = c(class, "rlang_error", "error", "condition")
  )
}

# As rlang writes it, which need not be there.
whole_message <- function(cnd) {
  text <- paste(c(cnd$message, cnd$body), collapse = "\n")
  if (is.null(cnd$parent)) {
    return(text)
  }
  paste0(text, "\nCaused by error:\n! ", conditionMessage(cnd$parent))
}

#' @export
conditionMessage.connectcreds_error <- function(c) whole_message(c)

#' @export
conditionMessage.connectcreds_cause <- function(c) whole_message(c)

# The exported function that is at work, by whatever name it was called. The function's name alone is shown: an
# argument may be a secret.
exported_call <- function(otherwise = "connectcreds") {
  names <- getNamespaceExports("connectcreds")
  exported <- mget(names, topenv())
  for (frame in rev(seq_len(sys.nframe()))) {
    is_it <- vapply(exported, identical, NA, sys.function(frame))
    if (any(is_it)) {
      return(call(names[is_it][[1]]))
    }
  }
  call(otherwise)
}

# Called by the shim. A server's words stand in the message: they are data, and go into no format.
raise_details <- function(details, called) {
  stop(as_condition(details, called, exported_call(called)))
}

raise_status <- function(kind, message) {
  details <- list(status = status_codes[[kind]], message = message, retryable = FALSE)
  stop(as_condition(details, "", exported_call()))
}

raise_argument <- function(...) {
  raise_status("invalid_argument", paste0(...))
}

# Called by the shim when has_*() is FALSE.
inform_no_token <- function(details, called) {
  sentence <- switch(called,
    connect_viewer_token = "No viewer-based credentials found.",
    connect_workload_token = "No workload identity token found.",
    "No service account credentials found."
  )
  cause <- conditionMessage(as_condition(details, called, NULL))
  debug_inform(sentence, "\nCaused by error in `", called, "()`:\n! ", cause)
}

debug_inform <- function(...) {
  if (isTRUE(getOption("connectcreds_debug"))) {
    message(...)
  }
}

# Called by the shim with a line of the library's log.
emit_log_line <- function(line) {
  message("connectcreds: ", line)
}

# The library's status codes, by the names that the conditions' classes have: connectcreds_error_refused and so on.
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
in_shiny_words <- function(message) {
  elsewhere <- "Cannot fetch viewer-based credentials for the current session."
  if (startsWith(message, elsewhere)) {
    message <- paste0(
      "Cannot fetch viewer-based credentials for the current Shiny session.",
      substring(message, nchar(elsewhere) + 1L)
    )
  }
  message
}

# Called by the shim. A server's words stand in the message: they are data, and go into no format.
raise_details <- function(details, called) {
  details$message <- in_shiny_words(details$message)
  raise(details, names(status_codes)[match(details$status, status_codes)], called)
}

raise <- function(fields, kind, called) {
  classes <- c(if (!is.na(kind)) paste0("connectcreds_error_", kind), "connectcreds_error", "error", "condition")
  # The function's name alone: an argument may be a secret.
  stop(structure(class = classes, c(fields, list(call = call(called)))))
}

# The exported function that is at work, for an error that is about its arguments.
exported_caller <- function() {
  for (frame in rev(seq_len(sys.nframe()))) {
    name <- sys.call(frame)[[1]]
    if (is.call(name) && length(name) == 3L) {
      name <- name[[3]] # pkg::name
    }
    if (is.name(name) && as.character(name) %in% getNamespaceExports("connectcreds")) {
      return(as.character(name))
    }
  }
  "connectcreds"
}

raise_argument <- function(...) {
  fields <- list(status = status_codes[["invalid_argument"]], message = paste0(...), retryable = FALSE)
  raise(fields, "invalid_argument", exported_caller())
}

# Whether there is a token. What went wrong is for those who ask for it.
has_token <- function(token, sentence) {
  tryCatch(
    {
      token
      TRUE
    },
    error = function(why) {
      called <- conditionCall(why)
      from <- if (is.call(called)) paste0(" in `", deparse(called[[1]])[[1]], "()`")
      debug_inform(sentence, "\nCaused by error", from, ":\n! ", conditionMessage(why))
      FALSE
    }
  )
}

debug_inform <- function(...) {
  if (isTRUE(getOption("connectcreds_debug"))) {
    message(...)
  }
}

# Called by the shim with a line of the library's log.
speak <- function(line) {
  message("connectcreds: ", line)
}

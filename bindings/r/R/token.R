# A token is a list of httr2's class, made by the shim. Where httr2 is not loaded, printing must not show the secret.
print_token <- function(x, ...) {
  if (!is.null(x$expires_at)) {
    x$expires_at <- format(.POSIXct(x$expires_at))
  }
  print_redacted(x, c("access_token", "refresh_token", "id_token"))
}

print_headers <- function(x, ...) {
  print_redacted(x, attr(x, "redact"))
}

print_redacted <- function(x, secret) {
  # Values are printed as they are: a server's words may stand in them.
  values <- vapply(x, function(value) paste(format(value), collapse = " "), "")
  values[tolower(names(x)) %in% tolower(secret)] <- "<REDACTED>"
  cat("<", paste(class(x), collapse = "/"), ">\n", sep = "")
  if (length(x)) {
    cat(paste0(names(x), ": ", values, "\n"), sep = "")
  }
  invisible(x)
}

register_print_methods <- function(...) {
  # In an environment under httr2's name, R lets httr2's own methods take their place without a word.
  home <- structure(new.env(parent = topenv()), name = "httr2")
  methods <- list(httr2_token = print_token, httr2_headers = print_headers)
  for (class in names(methods)) {
    method <- methods[[class]]
    environment(method) <- home
    if (is_needed(class)) {
      registerS3method("print", class, method, envir = baseenv())
    }
  }
}

# Not when httr2 has a method; but one that hands values to cli as a format evaluates code found in them (httr2 0.2).
is_needed <- function(class) {
  theirs <- if (isNamespaceLoaded("httr2")) {
    get0(paste0("print.", class), asNamespace("httr2"), mode = "function", inherits = FALSE)
  }
  is.null(theirs) || "cli_dl" %in% all.names(body(theirs))
}

# Requests and responses of a mock, as httr2 has them.

# Called by the shim with a request for a token: the mock function's response, NULL when it has none.
answer_mock <- function(mock, url, method, headers, parameters) {
  response <- mock(mock_request(without_mock_scheme(url), method, headers, parameters[wire_order(names(parameters))]))
  if (!is.null(response)) read_response(response)
}

# The mock's server is localhost:3030, as under connectcreds; the library has it with a scheme.
without_mock_scheme <- function(url) sub("^http://localhost:3030/", "localhost:3030/", url)

# The order in which httr2 sends a token exchange, further parameters last.
wire_order <- function(names) {
  known <- c("grant_type", "subject_token", "subject_token_type", "resource", "audience", "scope", "requested_token_type")
  order(match(names, known, nomatch = length(known) + 1L))
}

mock_request <- function(url, method, headers, parameters) {
  if (has_httr2("1.1.0")) {
    req <- httr2::req_method(httr2::request(url), method)
    if (length(parameters)) {
      req <- do.call(httr2::req_body_form, c(list(req), parameters))
    }
    req <- httr2::req_headers(req, Authorization = header_in(headers, "Authorization"), .redact = "Authorization")
    return(httr2::req_headers(req, Accept = header_in(headers, "Accept")))
  }
  shown <- list(Authorization = header_in(headers, "Authorization"), Accept = header_in(headers, "Accept"))
  structure(
    list(
      url = url,
      method = method,
      headers = structure(Filter(Negate(is.null), shown), redact = "Authorization", class = "httr2_headers"),
      body = if (length(parameters)) list(
        data = lapply(parameters, percent_encoded),
        type = "form",
        content_type = "application/x-www-form-urlencoded",
        params = list()
      ),
      fields = list(),
      options = list(),
      policies = list()
    ),
    class = "httr2_request"
  )
}

has_httr2 <- function(version) {
  requireNamespace("httr2", quietly = TRUE) && utils::packageVersion("httr2") >= version
}

header_in <- function(headers, name) {
  headers[tolower(names(headers)) == tolower(name)][1][[1]]
}

# RFC 3986: all but letters, digits and -._~
percent_encoded <- function(text) {
  bytes <- charToRaw(enc2utf8(text))
  plain <- bytes %in% charToRaw("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
  pieces <- paste0("%", toupper(as.character(bytes)))
  pieces[plain] <- rawToChar(bytes[plain], multiple = TRUE)
  paste(pieces, collapse = "")
}

is_response <- function(x) {
  inherits(x, "httr2_response") || (is.list(x) && !is.null(names(x)) && any(c("status_code", "body") %in% names(x)))
}

# A response of httr2, or a list with the same members that matter: status_code, headers, body.
read_response <- function(response) {
  if (!is_response(response)) {
    raise_argument(
      "A mocked response must be an <httr2_response>, or a list with `status_code`, `headers` and `body`, not ",
      friendly_type(response), "."
    )
  }
  status <- if (is.null(response$status_code)) 200L else response$status_code
  if (!(is.numeric(status) && length(status) == 1L && !is.na(status) && status >= 100 && status <= 599)) {
    raise_argument("The `status_code` of a mocked response must be a number from 100 to 599.")
  }
  list(as.integer(status), content_type(response), body_text(response$body))
}

content_type <- function(response) {
  headers <- as.list(response$headers)
  found <- headers[tolower(names(headers)) == "content-type"]
  if (length(found)) {
    return(one_string(found[[1]], "content-type"))
  }
  # What httr2 makes says what it is; a plain list is as short as it can be.
  if (inherits(response, "httr2_response")) NA_character_ else "application/json"
}

body_text <- function(body) {
  if (is.null(body)) {
    return("")
  }
  if (is.raw(body)) {
    if (any(body == as.raw(0))) {
      raise_argument("The `body` of a mocked response holds a NUL.")
    }
    return(rawToChar(body))
  }
  if (is.list(body)) {
    if (!requireNamespace("jsonlite", quietly = TRUE)) {
      raise_argument("A list as `body` of a mocked response needs jsonlite, which is not installed: give JSON text.")
    }
    return(as.character(jsonlite::toJSON(body, auto_unbox = TRUE)))
  }
  one_string(body, "body")
}

# A response that a test wrote as a list, for httr2.
as_httr2_response <- function(response) {
  if (is.null(response) || inherits(response, "httr2_response") || !is_response(response)) {
    return(response)
  }
  parts <- read_response(response)
  headers <- if (is.na(parts[[2]])) list() else list(`Content-Type` = parts[[2]])
  httr2::response(parts[[1]], headers = headers, body = charToRaw(enc2utf8(parts[[3]])))
}

# RFC 8259, section 7.
json_string <- function(text) {
  text <- gsub("([\\\\\"])", "\\\\\\1", enc2utf8(text))
  for (code in c(1:31, 127)) {
    text <- gsub(intToUtf8(code), sprintf("\\u%04x", code), text, fixed = TRUE)
  }
  paste0("\"", text, "\"")
}

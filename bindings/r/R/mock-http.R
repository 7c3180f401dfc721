# Requests and responses of a mock, as httr2 has them.

# Called by the shim with a question of the library: the mock function's answer, NULL when it has none.
answer_mock <- function(mock, url, method, headers, parameters) {
  response <- mock(mock_request(url, method, headers, parameters))
  if (!is.null(response)) read_response(response)
}

mock_request <- function(url, method, headers, parameters) {
  names(headers) <- header_case(names(headers))
  structure(
    list(
      url = url,
      method = method,
      headers = structure(headers, redact = "Authorization", class = "httr2_headers"),
      body = list(
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

# authorization, AUTHORIZATION: Authorization
header_case <- function(names) {
  gsub("(^|-)([a-z])", "\\1\\U\\2", tolower(names), perl = TRUE)
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

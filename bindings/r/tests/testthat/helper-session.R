# A viewer's session, as far as anybody looks: with a session token, or without one.
shiny_session <- function(token = NULL) {
  structure(list(request = list(HTTP_POSIT_CONNECT_USER_SESSION_TOKEN = token)), class = "ShinySession")
}

# Until the test ends, the process has nothing of Connect in its environment.
local_no_connect <- function(env = parent.frame()) {
  names <- grep("^(CONNECT_|RSTUDIO_PRODUCT$|POSIT_PRODUCT$)", names(Sys.getenv()), value = TRUE)
  if (length(names)) {
    withr::local_envvar(stats::setNames(rep(NA_character_, length(names)), names), .local_envir = env)
  }
}

# Until the test ends, an internal function of the package is another one, as tests of other packages have it.
local_replaced <- function(..., env = parent.frame()) {
  new <- list(...)
  home <- asNamespace("connectcreds")
  old <- mget(names(new), home)
  put <- function(functions) {
    for (name in names(functions)) {
      utils::assignInNamespace(name, functions[[name]], home)
    }
  }
  put(new)
  withr::defer(put(old), envir = env)
}

# The error that `code` ends with; fails the test when it ends without.
error_of <- function(code) {
  tryCatch(
    {
      code
      stop("there was no error")
    },
    error = identity
  )
}

first_line <- function(condition) strsplit(conditionMessage(condition), "\n", fixed = TRUE)[[1]][[1]]

# The messages that `code` gives.
messages_of <- function(code) {
  spoken <- character()
  withCallingHandlers(code, message = function(it) {
    spoken <<- c(spoken, conditionMessage(it))
    invokeRestart("muffleMessage")
  })
  spoken
}

json_response <- function(body, status = 200L) {
  list(status_code = status, headers = list(`Content-Type` = "application/json"), body = body)
}

# The response of a server for a token that is valid for an hour.
expiring <- function(req) json_response('{"access_token":"token","expires_in":3600}')

# The headers of a mock's request, with what httr2 hides.
revealed <- function(req) {
  if ("req_get_headers" %in% getNamespaceExports("httr2")) httr2::req_get_headers(req, "reveal") else req$headers
}

# The form of a mock's request, without the class that httr2 gives to what is encoded.
form_of <- function(req) lapply(req$body$data, as.character)

expect_without <- function(text, words) {
  expect_false(grepl(words, text, fixed = TRUE), info = paste(text, "holds", words))
}

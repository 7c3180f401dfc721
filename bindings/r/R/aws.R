connect_aws_credentials <- function(
  resource = NULL,
  scope = NULL,
  session = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL
) {
  credentials <- .Call(
    C_aws_credentials,
    resource, scope, audience,
    session_token(session),
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key")
  )
  if (!is.null(credentials$expiration)) {
    credentials$expiration <- .POSIXct(credentials$expiration, tz = "UTC")
  }
  structure(Filter(Negate(is.null), credentials), class = "connectcreds_aws_credentials")
}

print.connectcreds_aws_credentials <- function(x, ...) {
  print_redacted(x, c("secret_access_key", "session_token"))
}

connect_service_account_token <- function(
  resource = NULL,
  scope = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL
) {
  # The library finds what is missing where the default says, and the content token in its file first.
  .Call(
    C_service_account_token,
    resource, scope, audience,
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key")
  )
}

has_service_account_token <- function(...) {
  has_token(connect_service_account_token(...), "No service account credentials found.")
}

connect_workload_token <- function(
  ...,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY")
) {
  .Call(
    C_workload_token,
    list(...),
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key")
  )
}

has_workload_token <- function(...) {
  has_token(connect_workload_token(...), "No workload identity token found.")
}

#' AWS credentials from Posit Connect
#'
#' Requests a token of an AWS integration, and reads the credentials in it.
#'
#' The token is cached as that of [connect_service_account_token()] is. The names
#' of the list are those that paws takes as `credentials$creds`; aws.s3 takes the
#' same strings as `key`, `secret` and `session_token`.
#'
#' @inheritParams connect_service_account_token
#' @param session As for [connect_viewer_token()], for the credentials of a viewer.
#'   `NULL`: those of the content's service account.
#' @returns A list of class `connectcreds_aws_credentials`: the strings
#'   `access_key_id`, `secret_access_key` and, when there is one, `session_token`;
#'   the date and time `expiration` when it is known. Printing does not show the
#'   secrets.
#' @seealso [connectcreds-conditions] for the errors.
#' @examples
#' \dontrun{
#' credentials <- connect_aws_credentials(audience = integration)
#'
#' s3 <- paws::s3(config = list(
#'   credentials = list(creds = unclass(credentials)),
#'   region = "eu-central-1"
#' ))
#'
#' aws.s3::get_bucket(
#'   "bucket",
#'   key = credentials$access_key_id,
#'   secret = credentials$secret_access_key,
#'   session_token = credentials$session_token
#' )
#' }
#' @export
connect_aws_credentials <- function(
  resource = NULL,
  scope = NULL,
  session = NULL,
  content_token = Sys.getenv("CONNECT_CONTENT_SESSION_TOKEN"),
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  credentials <- .Call(
    C_token, "connect_aws_credentials", resource, scope, audience, integration,
    session_token(session),
    if (!missing(content_token)) one_string(content_token, "content_token"),
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    NULL, force, timeout, FALSE
  )
  as_aws_credentials(credentials)
}

as_aws_credentials <- function(credentials) {
  if (!is.null(credentials$expiration)) {
    credentials$expiration <- .POSIXct(credentials$expiration, tz = "UTC")
  }
  structure(Filter(Negate(is.null), credentials), class = "connectcreds_aws_credentials")
}

#' @export
print.connectcreds_aws_credentials <- function(x, ...) {
  print_redacted(x, c("secret_access_key", "session_token"))
}

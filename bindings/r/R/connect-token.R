#' The token of the viewer, or of the service account where there is no viewer
#'
#' Returns the token that the program ought to use where it runs: in a viewer's
#' session the viewer's, in other content on Connect (a report, a job) the service
#' account's, and `NULL` elsewhere, such as on a developer's machine.
#'
#' Only the absence of a viewer or of Connect leads to the next choice. A failure
#' is an error: were the service account to stand in for a viewer whose exchange
#' timed out or was refused, the viewer would see data that is not theirs to see.
#' A viewer for whom Connect sent no session token, such as an anonymous one, is
#' such a failure, too.
#'
#' @inheritParams connect_viewer_token
#' @returns A list of class `httr2_token`, see [connect_service_account_token()],
#'   or `NULL` when the process does not run on Connect.
#' @seealso [connectcreds-conditions] for the errors.
#' @examples
#' databricks_token <- function(workspace) {
#'   token <- connect_token(workspace)
#'   if (is.null(token)) Sys.getenv("DATABRICKS_TOKEN") else token$access_token
#' }
#' @export
connect_token <- function(
  resource = NULL,
  scope = NULL,
  session = get_connect_session(),
  audience = NULL,
  integration = NULL,
  force = FALSE,
  timeout = NULL
) {
  if (!running_on_connect()) {
    return(NULL)
  }
  if (is.null(session)) {
    return(connect_service_account_token(
      resource, scope, audience = audience, integration = integration, force = force, timeout = timeout
    ))
  }
  connect_viewer_token(
    resource, scope, session = session, audience = audience, integration = integration, force = force, timeout = timeout
  )
}

#' The integrations of the content
#'
#' Lists the OAuth integrations that are associated with this content: what
#' `integration` of the other functions chooses from. The list is kept for five
#' minutes.
#'
#' The content is the one that `CONNECT_CONTENT_GUID` names. The API key needs a
#' publisher's rights for it, which the key that Connect gives to content has.
#'
#' @inheritParams connect_service_account_token
#' @param force `TRUE` asks the server even if a list is kept.
#' @returns A data frame with one row for each integration, in the server's order,
#'   and no row when there is none. Its columns are strings:
#'
#'   * `guid`: what `integration` and `audience` take
#'   * `name`, `description`: what an administrator wrote; names need not be unique
#'   * `template`: the service, such as `"databricks"` or `"custom"`
#'   * `auth_type`: whose credentials the integration gives: `"Viewer"`,
#'     `"Service Account"` or another
#'
#'   What the server does not say is `NA`; older servers do not say `auth_type`.
#' @seealso [connectcreds-conditions] for the errors.
#' @examples
#' with_mocked_connect_responses(
#'   connect_integrations(),
#'   token = "test",
#'   integrations = data.frame(guid = "2a3e1c5d", name = "Warehouse", template = "databricks")
#' )
#' @export
connect_integrations <- function(
  server_url = Sys.getenv("CONNECT_SERVER"),
  api_key = Sys.getenv("CONNECT_API_KEY"),
  force = FALSE,
  timeout = NULL
) {
  columns <- .Call(
    C_integrations,
    if (!missing(server_url)) one_string(server_url, "server_url"),
    if (!missing(api_key)) one_string(api_key, "api_key"),
    force, timeout
  )
  structure(columns, class = "data.frame", row.names = seq_along(columns$guid))
}

# The columns of a mock's integrations, in the shim's order. What is not there is not said by the server.
mocked_integrations <- function(integrations) {
  if (!is.data.frame(integrations) || is.null(integrations[["guid"]])) {
    stop_input_type(integrations, "a data frame with a column `guid`, or `NULL`", "integrations")
  }
  names <- c("guid", "name", "description", "template", "auth_type")
  unknown <- setdiff(names(integrations), names)
  if (length(unknown)) {
    raise_argument(
      "`integrations` has a column `", unknown[[1]], "`: it takes `guid`, `name`, `description`, `template` and `auth_type`."
    )
  }
  lapply(names, function(name) {
    column <- integrations[[name]]
    if (is.null(column)) rep(NA_character_, nrow(integrations)) else as.character(column)
  })
}

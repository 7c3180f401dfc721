# Calls the snippets of the guide, which stand before this file, and checks what they do.

page <- function(name) cat("page", name, "\n", sep = c(" ", "", ""))

# Prints what a snippet asks Connect for.
service <- function(name) {
  asked <- list()
  credentials <- "eyJhY2Nlc3NLZXlJZCI6IkFLSUEiLCJzZWNyZXRBY2Nlc3NLZXkiOiJzIiwic2Vzc2lvblRva2VuIjoidCJ9"
  answer <- function(req) {
    asked <<- lapply(req$body$data, utils::URLdecode)
    list(body = sprintf('{"access_token": "%s"}', credentials))
  }
  get <- get(paste0(name, "_token"))
  with_mocked_connect_responses(get("viewer"), mock = answer)
  stopifnot(asked$subject_token == "viewer")
  sent <- function(parameter) if (is.null(asked[[parameter]])) "-" else asked[[parameter]]
  cat(sprintf(
    "service %s resource=%s scope=%s type=%s\n",
    name, sent("resource"), sent("scope"), sent("requested_token_type")
  ))
}

access_token <- function(code, ...) with_mocked_connect_responses(code$access_token, ...)

stopifnot(access_token(token_for("alice"), mock = mock_viewers) == "token-of-alice")
stopifnot(access_token(token_for(NULL), mock = mock_viewers) == "token-of-session-token")
stopifnot(is.null(token_for("alice"))) # outside Connect
page("whose-token.md")
page("how/mocks.md")

stopifnot(with_mocked_connect_responses(from_connectapi("alice"), mock = mock_viewers) == "token-of-alice")
page("migrating.md")

for (shows_expiry in list(server, server_with_promises)) {
  with_mocked_connect_responses(
    shiny::testServer(shows_expiry, stopifnot(nchar(output$expires) >= 10)),
    mock = function(req) list(body = '{"access_token": "t", "expires_in": 3600}')
  )
}
page("web-servers.md")

warehouse <- function(req) {
  stopifnot(req$body$data$audience == "guid-1")
  list(body = '{"access_token": "t"}')
}
listed <- data.frame(guid = "guid-1", name = "Warehouse")
stopifnot(access_token(warehouse_token(), mock = warehouse, integrations = listed) == "t")
listing <- utils::capture.output(with_mocked_connect_responses(print_integrations(), token = "t", integrations = listed))
stopifnot(grepl("guid-1", listing))
page("integrations.md")

test_that_the_program_gets_a_token()
test_that_an_expired_token_is_replaced()
page("testing.md")

stopifnot(inherits(try(trust("/nowhere/ca.pem"), silent = TRUE), "try-error"))
page("networks.md")

stopifnot(any(grepl("connectcreds", unlist(report()))))
page("no-token.md")

stopifnot(with_mocked_connect_responses(calls_that_shared_an_exchange(), token = "t") == 0)
page("how/single-flight.md")

condition <- function(...) {
  with_mocked_connect_responses(tryCatch(connect_service_account_token(), error = identity), ...)
}
stopifnot(retry_in_s(condition(error = TRUE)) == -1)
stopifnot(retry_in_s(condition(mock = list(list(status_code = 503L)))) == 30)
page("how/failures.md")

secret <- "the-secret-of-this-test"
stopifnot(!grepl(secret, printed(with_mocked_connect_responses(connect_viewer_token(), token = secret))))
page("how/secrets.md")

for (name in c("databricks", "snowflake", "aws", "azure", "azure_openai", "google", "github", "salesforce", "microsoft_graph")) {
  service(name)
}

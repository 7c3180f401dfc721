# Has the stand-in associate these integrations with the content until the test ends. Gives their GUIDs.
local_integrations <- function(..., listing = "allowed", env = parent.frame()) {
  integrations <- list(...)
  guids <- sprintf("22644575-7b3c-4d0e-9f2a-%012d", seq_along(integrations))
  objects <- vapply(seq_along(integrations), function(i) {
    members <- c(guid = guids[[i]], integrations[[i]])
    paste0("{", paste0('"', names(members), '":"', members, '"', collapse = ","), "}")
  }, "")
  set <- function(objects, listing) {
    steer("integrations", sprintf('{"integrations":[%s],"listing":"%s"}', paste(objects, collapse = ","), listing))
    connect_cache_clear() # with it the list
  }
  set(objects, listing)
  default <- sprintf('{"guid":"%s","name":"Stand-in"}', Sys.getenv("STANDIN_INTEGRATION"))
  withr::defer(set(default, "allowed"), envir = env)
  guids
}

two_warehouses <- list(
  c(name = "Warehouse", template = "databricks", auth_type = "Service Account"),
  c(name = "Warehouse", template = "databricks", auth_type = "Viewer"),
  c(name = "Files", template = "aws", auth_type = "Service Account")
)

# The parameter `audience` of the latest exchange.
latest_audience <- function() {
  found <- regmatches(requests <- steer("requests"), gregexpr("audience(=|\",\")[-0-9a-f]+", requests))[[1]]
  sub(".*[^-0-9a-f]", "", utils::tail(found, 1))
}

lists <- function() sum(gregexpr('"method":"GET"', steer("requests"), fixed = TRUE)[[1]] > 0)

refusal <- function(code) {
  why <- error_of(code)
  expect_s3_class(why, "connectcreds_error_refused")
  conditionMessage(why)
}

test_that("content's integrations are a data frame", {
  local_connect()
  guids <- do.call(local_integrations, two_warehouses)
  listed <- connect_integrations()
  expect_s3_class(listed, "data.frame", exact = TRUE)
  expect_identical(listed$guid, guids)
  expect_identical(listed$name, c("Warehouse", "Warehouse", "Files"))
  expect_identical(listed$template, c("databricks", "databricks", "aws"))
  expect_identical(listed$auth_type, c("Service Account", "Viewer", "Service Account"))
  expect_identical(listed$description, rep(NA_character_, 3))
  expect_match(connect_diagnose(), paste0('"Files" (aws, Service Account), GUID ', guids[[3]]), fixed = TRUE)
})

test_that("a list is kept, and asked for again with force", {
  local_connect()
  local_integrations(two_warehouses[[1]])
  connect_integrations()
  expect_identical(nrow(connect_integrations()), 1L)
  expect_identical(lists(), 1L)
  connect_integrations(force = TRUE)
  expect_identical(lists(), 2L)
})

test_that("every kind of token takes an integration by name, of two the one of the call's kind", {
  local_connect()
  guids <- do.call(local_integrations, two_warehouses)
  viewer <- shiny_session(Sys.getenv("STANDIN_VIEWER_TOKEN"))
  for (name in c("Warehouse", " wareHOUSE ")) {
    connect_service_account_token(integration = name)
    expect_identical(latest_audience(), guids[[1]])
    connect_workload_token(integration = name)
    expect_identical(latest_audience(), guids[[1]])
    connect_viewer_token(session = viewer, integration = name)
    expect_identical(latest_audience(), guids[[2]])
    connect_token(integration = name, session = viewer, force = TRUE)
    expect_identical(latest_audience(), guids[[2]])
    connect_token(integration = name, force = TRUE)
    expect_identical(latest_audience(), guids[[1]])
  }
  connect_aws_credentials(integration = "Files")
  expect_identical(latest_audience(), guids[[3]])
  expect_identical(lists(), 1L)
  expect_true(has_service_account_token(integration = "Files"))
  expect_true(has_viewer_token(integration = "Warehouse", session = viewer))
  expect_true(has_workload_token(integration = "Files"))
})

test_that("an integration is found by its template where one has it, and by its GUID without a list", {
  local_connect()
  guids <- do.call(local_integrations, two_warehouses)
  connect_service_account_token(integration = guids[[3]])
  expect_identical(latest_audience(), guids[[3]])
  expect_identical(lists(), 0L)
  connect_service_account_token(integration = "AWS")
  expect_identical(latest_audience(), guids[[3]])
})

test_that("a name that means none or several is refused with what there is", {
  local_connect()
  guids <- do.call(local_integrations, two_warehouses)
  message <- refusal(connect_service_account_token(integration = "databricks"))
  expect_match(message, '2 integrations of this content match "databricks".', fixed = TRUE)
  expect_match(message, paste0('\n* "Warehouse" (databricks, Viewer), GUID ', guids[[2]]), fixed = TRUE)
  message <- refusal(connect_service_account_token(integration = "Wherehouse"))
  expect_match(message, 'no integration called "Wherehouse"', fixed = TRUE)
  for (guid in guids) expect_match(message, guid, fixed = TRUE)
  expect_false(has_service_account_token(integration = "Wherehouse"))
  expect_identical(exchanges(), 0L)
})

test_that("a call that has to choose is told the choices", {
  local_connect()
  guids <- do.call(local_integrations, two_warehouses)
  message <- refusal(connect_service_account_token())
  expect_match(message, "This content has 3 integrations", fixed = TRUE)
  for (guid in guids) expect_match(message, guid, fixed = TRUE)
})

test_that("content without an integration has an empty list, and no name means anything", {
  local_connect()
  local_integrations()
  listed <- connect_integrations()
  expect_identical(dim(listed), c(0L, 5L))
  expect_match(refusal(connect_service_account_token(integration = "Files")), "No integrations are associated", fixed = TRUE)
})

test_that("a list that cannot be had is an error that says what to do", {
  local_connect()
  local_integrations(two_warehouses[[1]], listing = "forbidden")
  why <- error_of(connect_service_account_token(integration = "Warehouse"))
  expect_identical(why$http_status, 403L)
  expect_match(conditionMessage(why), "publisher's rights", fixed = TRUE)
  expect_match(refusal(connect_integrations()), "Cannot list the integrations of this content.", fixed = TRUE)

  local_integrations(two_warehouses[[1]], listing = "missing")
  why <- error_of(connect_service_account_token(integration = "Warehouse"))
  expect_s3_class(why, "connectcreds_error_bad_response")
  expect_match(conditionMessage(why), "too old to list integrations", fixed = TRUE)
})

test_that("an old server, which does not say the kind, is understood", {
  local_connect()
  guids <- local_integrations(c(name = "Warehouse", template = "databricks"), c(name = "Files", template = "aws"))
  expect_identical(connect_integrations()$auth_type, rep(NA_character_, 2))
  connect_service_account_token(integration = "warehouse")
  expect_identical(latest_audience(), guids[[1]])
})

test_that("an integration that gets another GUID while the program runs is looked up once more", {
  served <- "old"
  local_mocked_connect_responses(function(req) {
    if (req$method == "GET") {
      return(json_response(sprintf('[{"oauth_integration_guid":"%s","oauth_integration_name":"Warehouse"}]', served)))
    }
    if (req$body$data$audience != served) {
      return(json_response('{"code":4,"error":"No such integration."}', 400L))
    }
    json_response(sprintf('{"access_token":"%s"}', req$body$data$audience))
  })
  expect_identical(connect_service_account_token("https://a.example", integration = "Warehouse")$access_token, "old")
  served <- "new"
  expect_identical(connect_service_account_token("https://b.example", integration = "Warehouse")$access_token, "new")
})

test_that("without CONNECT_CONTENT_GUID a name cannot be looked up, and the message says so", {
  local_connect()
  withr::local_envvar(CONNECT_CONTENT_GUID = NA)
  missing_guid <- "CONNECT_CONTENT_GUID is not set"
  viewer <- shiny_session(Sys.getenv("STANDIN_VIEWER_TOKEN"))
  expect_error(connect_integrations(), missing_guid, fixed = TRUE, class = "connectcreds_error_not_supported")
  why <- error_of(connect_service_account_token(integration = "Files"))
  expect_identical(first_line(why), "Cannot fetch service account credentials from the Connect server.")
  expect_match(conditionMessage(why), missing_guid, fixed = TRUE)
  expect_error(connect_viewer_token(session = viewer, integration = "Files"), missing_guid, fixed = TRUE)
  local_mocked_connect_responses(function(req) if (req$method == "GET") list(body = "[]"))
  withr::local_envvar(CONNECT_CONTENT_GUID = NA)
  expect_error(connect_integrations(), missing_guid, fixed = TRUE)
})

test_that("an integration and an audience exclude one another", {
  expect_excluded <- function() {
    why <- error_of(connect_token(integration = "Files", audience = "guid"))
    expect_s3_class(why, "connectcreds_error_invalid_argument")
    expect_match(conditionMessage(why), "cannot both be set", fixed = TRUE)
  }
  with_mocked_connect_responses(expect_excluded(), token = "token")
  with_mocked_connect_responses(expect_excluded(), mock = expiring)
})

test_that("a mock lists the integrations that it is given, and calls choose from them", {
  integrations <- data.frame(guid = c("one", "two"), name = c("Warehouse", NA), template = c("databricks", "aws"))
  local_mocked_connect_responses(
    function(req) json_response(sprintf('{"access_token":"%s"}', req$body$data$audience)),
    integrations = integrations
  )
  expect_identical(connect_integrations()[names(integrations)], integrations)
  expect_identical(connect_token(integration = "warehouse")$access_token, "one")
  expect_identical(connect_token(integration = "aws")$access_token, "two")
  expect_match(refusal(connect_token(integration = "else")), 'no integration called "else"', fixed = TRUE)
  expect_identical(mocked_connect_request_count(), 2)
})

test_that("a mock that is given no integrations takes every name", {
  local_mocked_connect_responses(token = "token")
  expect_identical(connect_token(integration = "anything")$access_token, "token")
  expect_identical(nrow(connect_integrations()), 0L)
  with_mocked_connect_responses(mock = list(list(body = '{"access_token":"in turn"}')), {
    expect_identical(nrow(connect_integrations()), 0L)
    expect_identical(connect_token(integration = "anything")$access_token, "in turn")
  })
  with_mocked_connect_responses(error = TRUE, {
    expect_match(refusal(connect_token(integration = "anything")), "No integrations are associated", fixed = TRUE)
  })
  with_mocked_connect_responses(token = "token", integrations = data.frame(guid = character()), {
    expect_match(refusal(connect_token(integration = "anything")), "No integrations are associated", fixed = TRUE)
  })
  expect_identical(connect_token(integration = "another")$access_token, "token")
})

test_that("what a mock cannot list is an argument error, and no mock begins", {
  begin <- function(integrations) with_mocked_connect_responses(NULL, token = "token", integrations = integrations)
  expect_wrong <- function(integrations, words) {
    expect_error(begin(integrations), words, fixed = TRUE, class = "connectcreds_error_invalid_argument")
  }
  expect_wrong("Warehouse", "`integrations` must be a data frame with a column `guid`, or `NULL`, not a string.")
  expect_wrong(data.frame(name = "Warehouse"), "must be a data frame with a column `guid`")
  expect_wrong(data.frame(guid = "", name = "Warehouse"), "needs a `guid`")
  expect_wrong(data.frame(guid = "one", kind = "Viewer"), "`integrations` has a column `kind`")
  expect_error(mocked_connect_request_count(), "There is no mock", fixed = TRUE)
})

test_that("httr2's mock answers for the list, too", {
  skip_if_not_installed("httr2")
  local_no_connect()
  withr::local_envvar(
    RSTUDIO_PRODUCT = "CONNECT", CONNECT_SERVER = "https://connect.example", CONNECT_API_KEY = "key",
    CONNECT_CONTENT_GUID = "content"
  )
  body <- '[{"oauth_integration_guid":"one","oauth_integration_name":"Warehouse"}]'
  mock <- function(req) {
    httr2::response(200, headers = list(`Content-Type` = "application/json"), body = charToRaw(body))
  }
  listed <- if ("with_mocked_responses" %in% getNamespaceExports("httr2")) {
    httr2::with_mocked_responses(mock, connect_integrations())
  } else {
    httr2::with_mock(mock, connect_integrations())
  }
  expect_identical(listed$name, "Warehouse")
})

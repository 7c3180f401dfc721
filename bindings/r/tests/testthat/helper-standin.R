# The stand-in for Connect, whose program CONNECTCREDS_STANDIN names. One serves all tests of a run.

the <- new.env(parent = emptyenv())

# Until the test ends, the process runs as content on a server that has forgotten all earlier requests, and whose
# tokens nobody has yet. Gives the environment that Connect gives to content.
local_connect <- function(env = parent.frame()) {
  skip_if(Sys.getenv("CONNECTCREDS_STANDIN") == "", "CONNECTCREDS_STANDIN does not name the stand-in for Connect")
  if (is.null(the$environment)) {
    start_standin()
  }
  local_no_connect(env)
  withr::local_envvar(the$environment, .local_envir = env)
  steer("reset", "{}")
  the$environment
}

start_standin <- function() {
  env_file <- tempfile("standin")
  pid_file <- tempfile("standin")
  script <- sprintf(
    "echo $$ >%s; exec %s --env-file %s >%s 2>&1",
    shQuote(pid_file), shQuote(Sys.getenv("CONNECTCREDS_STANDIN")), shQuote(env_file), shQuote(tempfile("standin"))
  )
  system2("sh", c("-c", shQuote(script)), wait = FALSE)
  wait_for(file.exists(env_file))
  the$pid <- as.integer(readLines(pid_file))
  reg.finalizer(the, function(the) tools::pskill(the$pid), onexit = TRUE)
  lines <- sub("^export ", "", readLines(env_file))
  the$environment <- stats::setNames(gsub("'", "", sub("^[^=]*=", "", lines)), sub("=.*", "", lines))
}

# Waits for something that another process does.
wait_for <- function(condition, seconds = 60) {
  condition <- substitute(condition)
  from <- parent.frame()
  until <- Sys.time() + seconds
  while (!isTRUE(eval(condition, from))) {
    if (Sys.time() > until) {
      stop("timed out while waiting for ", deparse(condition)[[1]])
    }
    Sys.sleep(0.02)
  }
}

# A request to the server that is about the server: GET, or POST with a body. Gives the answer's body.
steer <- function(what, body = NULL) {
  address <- strsplit(sub("^http://", "", the$environment[["STANDIN_URL"]]), ":")[[1]]
  connection <- socketConnection(address[[1]], as.integer(address[[2]]), open = "r+b", blocking = TRUE, timeout = 30)
  on.exit(close(connection))
  request <- c(
    paste(if (is.null(body)) "GET" else "POST", paste0("/__standin__/", what), "HTTP/1.0"),
    paste0("Host: ", address[[1]]),
    "Content-Type: application/json",
    paste0("Content-Length: ", nchar(paste0(body, ""), "bytes")),
    "",
    paste0(body, "")
  )
  writeBin(charToRaw(paste(request, collapse = "\r\n")), connection)
  answer <- raw()
  while (length(chunk <- readBin(connection, raw(), 65536L))) {
    answer <- c(answer, chunk)
  }
  answer <- rawToChar(answer)
  if (!grepl("^HTTP/1.. 2", answer)) {
    stop("the stand-in did not like ", what, ": ", answer)
  }
  sub("^.*?\r\n\r\n", "", answer, perl = TRUE)
}

# Sets the responses of the next exchanges.
order_answers <- function(orders) invisible(steer("order", orders))

# A resource of its own for a call that is left while it waits: its exchange continues into the next tests. The server is
# ordered to be late, not silent: an exchange without an answer tries again, and would take the next test's order.
abandoned_resource <- function() sub("service", "abandoned", new_resource())

# How many exchanges the server was asked for since the test began, those that were abandoned aside.
exchanges <- function() {
  requests <- strsplit(steer("requests"), "{\"method\":", fixed = TRUE)[[1]]
  sum(startsWith(requests, "\"POST\"") & !grepl("abandoned-", requests, fixed = TRUE))
}

# A resource that no other test asks about.
new_resource <- function() {
  the$resources <- max(0L, the$resources) + 1L
  sprintf("https://service-%d.example", the$resources)
}

# Starts an R process that runs `script` with the package and the environment of this one. Gives where it is.
start_r <- function(script) {
  directory <- tempfile("child")
  dir.create(directory)
  in_it <- function(name) file.path(directory, name)
  libraries <- paste0(".libPaths(", paste(deparse(.libPaths()), collapse = ""), ")")
  writeLines(c(libraries, "library(connectcreds)", script), in_it("script.R"))
  line <- sprintf(
    "cd %s; echo $$ >pid; %s --no-echo --no-restore --file=script.R >out 2>&1; echo $? >status",
    shQuote(directory), shQuote(file.path(R.home("bin"), "R"))
  )
  system2("sh", c("-c", shQuote(line)), wait = FALSE)
  list(directory = directory, in_it = in_it)
}

# Waits until the process has ended: what it printed, errors among it.
finish_r <- function(child) {
  wait_for(file.exists(child$in_it("status")))
  paste(readLines(child$in_it("out")), collapse = "\n")
}

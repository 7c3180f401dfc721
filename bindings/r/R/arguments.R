# A single string; NA and NULL are none.
is_one_string <- function(x) {
  is.character(x) && length(x) == 1L && !is.na(x)
}

one_string <- function(x, name) {
  if (!is_one_string(x)) {
    stop_input_type(x, "a single string", name)
  }
  x
}

# Called by the shim, too. No value is shown: any argument may be a secret, given in the wrong place.
stop_input_type <- function(x, what, name) {
  raise_argument("`", name, "` must be ", what, ", not ", friendly_type(x), ".")
}

stop_unnamed <- function() {
  raise_argument("All arguments in `...` must be named.")
}

# Called by the shim with a string that is not ASCII.
check_encoding <- function(x, name) {
  if (Encoding(x) == "bytes" || !validEnc(x)) {
    raise_argument("`", name, "` is not valid text: it holds bytes that its encoding does not have.")
  }
}

# Text that says what `x` is, without its value.
friendly_type <- function(x) {
  if (is.null(x)) {
    return("`NULL`")
  }
  if (is.object(x)) {
    return(paste0("a <", paste(class(x), collapse = "/"), "> object"))
  }
  if (is.function(x)) {
    return("a function")
  }
  if (is.environment(x)) {
    return("an environment")
  }
  if (is.list(x)) {
    return(if (length(x)) "a list" else "an empty list")
  }
  if (is.language(x)) {
    return(if (is.name(x)) "a symbol" else "a call")
  }
  if (!is.atomic(x)) {
    return(paste("an object of type", typeof(x)))
  }
  if (length(x) == 1L) scalar_type(x) else vector_type(x)
}

scalar_type <- function(x) {
  if (is.na(x)) {
    return(switch(typeof(x), logical = "`NA`", character = "a character `NA`", "a numeric `NA`"))
  }
  switch(typeof(x),
    logical = if (x) "`TRUE`" else "`FALSE`",
    integer = ,
    double = "a number",
    complex = "a complex number",
    character = if (nzchar(x)) "a string" else "the empty string",
    raw = "a raw value"
  )
}

vector_type <- function(x) {
  kind <- switch(typeof(x),
    logical = "logical vector",
    integer = "integer vector",
    double = "double vector",
    complex = "complex vector",
    character = "character vector",
    raw = "raw vector"
  )
  if (length(x) == 0L) {
    return(paste("an empty", kind))
  }
  paste(if (kind == "integer vector") "an" else "a", kind)
}

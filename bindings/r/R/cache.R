#' Drop a token that a service has refused
#'
#' When a service answers 401 to a token, drop the token, and ask again:
#'
#' ```r
#' connect_invalidate(token)
#' token <- connect_service_account_token(workspace)
#' ```
#'
#' [req_auth_connect()] does this for requests of httr2.
#'
#' @param token A token that a function of this package returned, or its
#'   `access_token`.
#' @returns `TRUE` when the token was dropped, invisibly; `FALSE` when the cache did
#'   not hold it, or held a newer one, which it keeps.
#' @examples
#' with_mocked_connect_responses(token = "test", {
#'   token <- connect_service_account_token()
#'   connect_invalidate(token)
#' })
#' @export
connect_invalidate <- function(token) {
  access_token <- if (inherits(token, "httr2_token")) token$access_token else token
  if (!is_one_string(access_token)) {
    stop_input_type(token, "a token, or its `access_token`", "token")
  }
  invisible(.Call(C_invalidate, access_token))
}

#' The cache of tokens
#'
#' `connect_cache_stats()` counts what the cache has done since the process began;
#' in a mock, what the mock's cache has done. `connect_cache_clear()` drops every
#' cached token. All hosts in the process share the cache.
#'
#' @returns `connect_cache_stats()` returns a named numeric vector:
#'
#'   * `hits`: calls that got a cached token
#'   * `stale_hits`: of these, calls that got it while it was being renewed
#'   * `misses`: calls that found no good token
#'   * `exchanges`: requests for a token, repeated attempts not counted
#'   * `coalesced`: calls that waited for the exchange of another one
#'   * `failures`: exchanges that failed
#'   * `evictions`: tokens that were dropped because the cache was full
#'   * `entries`: tokens that are cached now
#'
#'   `connect_cache_clear()` returns `NULL`, invisibly.
#' @examples
#' connect_cache_stats()
#' @export
connect_cache_stats <- function() {
  .Call(C_cache_stats)
}

#' @rdname connect_cache_stats
#' @export
connect_cache_clear <- function() {
  .Call(C_cache_clear)
  invisible()
}

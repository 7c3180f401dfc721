//! The cache as a caller sees it: dropping entries, and statistics.

#![forbid(unsafe_code)]

use super::context::{self, CallContext};
use crate::oauth::token::Token;

/// Counters of a cache since the process or the mock began. A forked child continues its parent's.
///
/// ```
/// let stats = connectcreds::cache_stats();
/// println!("{} of {} calls were cache hits", stats.hits + stats.stale_hits, stats.hits + stats.stale_hits + stats.misses);
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Calls answered with a fresh token from the cache.
    pub hits: u64,
    /// Calls answered with a cached token while a refresh was in progress or had recently failed.
    pub stale_hits: u64,
    /// Calls that found no usable token in the cache.
    pub misses: u64,
    /// Exchanges begun.
    pub exchanges: u64,
    /// Calls that waited for an exchange begun by another call.
    pub coalesced: u64,
    /// Exchanges that failed.
    pub failures: u64,
    /// Entries evicted to make room.
    pub evictions: u64,
    /// Tokens in the cache now.
    pub entries: u64,
}

/// Returns the cache's counters; inside a [`Mock`](crate::Mock), those of the mock's cache.
pub fn cache_stats() -> CacheStats {
    let counted = CallContext::now().stats();
    CacheStats {
        hits: counted.hits,
        stale_hits: counted.stale_hits,
        misses: counted.misses,
        exchanges: counted.exchanges,
        coalesced: counted.coalesced,
        failures: counted.failures,
        evictions: counted.evictions,
        entries: counted.entries,
    }
}

/// Drops every cached token and remembered refusal; inside a [`Mock`](crate::Mock), those of the mock.
///
/// Results of exchanges in progress go to the waiting callers but are not cached.
pub fn clear_cache() {
    CallContext::now().clear();
}

/// Drops everything that is cached for a viewer's session token; inside a [`Mock`](crate::Mock), from the mock's cache.
/// Call it when the viewer's session ends.
pub fn forget_session(session_token: &str) {
    CallContext::now().forget_session(session_token);
}

/// Drops a token from the cache it came from, because the service it is for rejected it. A newer token that is already
/// cached stays. Returns whether the token was dropped.
pub fn invalidate(token: &Token) -> bool {
    context::invalidate(token)
}

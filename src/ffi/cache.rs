//! The cache that all hosts in the process share.

use std::ffi::c_char;
use std::ptr;

use super::{bytes, cc_token, shield, token_of};
use crate::api;

/// Drops a token from the cache it came from, the process's or a mock's, because the service it is
/// for rejected it: the next call obtains another. If a newer token is cached already, that one
/// stays.
///
/// @param token  the token; NULL gives false
/// @return true if the token was dropped
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_invalidate(token: *const cc_token) -> bool {
    // SAFETY: the ABI's conventions.
    let token = unsafe { token_of(token) };
    shield(false, || token.is_some_and(api::invalidate))
}

/// Drops every cached token and remembered refusal; inside a mock, those of the mock. Results of
/// exchanges in progress go to the waiting callers but are not cached. Tokens that the host holds
/// remain valid. Connections that no exchange uses are closed.
#[unsafe(no_mangle)]
pub extern "C" fn cc_cache_clear() {
    shield((), api::clear_cache);
}

/// Drops everything that is cached for a viewer's session token; inside a mock, from the mock's
/// cache. Call it when the viewer's session ends. Results of exchanges in progress for it are not
/// cached.
///
/// @param session_token  as it was given to cc_viewer_token(); NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_cache_forget_session(session_token: *const c_char) {
    // SAFETY: the ABI's conventions.
    let token = unsafe { bytes(session_token) }.and_then(|token| std::str::from_utf8(token).ok());
    if let Some(token) = token {
        shield((), || api::forget_session(token));
    }
}

/// Counters since the process or the mock began. A forked child continues its parent's. Members may
/// join at the end; see cc_cache_get_stats().
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct cc_cache_stats {
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

/// Reads the cache's counters; inside a mock, those of the mock's cache. Members that the library
/// does not know are set to 0, so that a program built with a later header runs on this library.
///
/// @param stats  receives the counters; NULL writes nothing
/// @param size   sizeof(cc_cache_stats) in the caller's header, in bytes: no more is written
/// @return how many bytes of counters the library knows
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_cache_get_stats(stats: *mut cc_cache_stats, size: usize) -> usize {
    const KNOWN: usize = size_of::<cc_cache_stats>();
    // The host says so, but more than this cannot be: a negative number is not a size.
    if stats.is_null() || isize::try_from(size).is_err() {
        return KNOWN;
    }
    let counted = shield(cc_cache_stats::default(), || {
        let counted = api::cache_stats();
        cc_cache_stats {
            hits: counted.hits,
            stale_hits: counted.stale_hits,
            misses: counted.misses,
            exchanges: counted.exchanges,
            coalesced: counted.coalesced,
            failures: counted.failures,
            evictions: counted.evictions,
            entries: counted.entries,
        }
    });
    let known = size.min(KNOWN);
    let place = stats.cast::<u8>();
    // SAFETY: the host has room for `size` bytes, and `known` is at most that.
    unsafe {
        ptr::copy_nonoverlapping(ptr::from_ref(&counted).cast(), place, known);
        place.add(known).write_bytes(0, size - known);
    }
    KNOWN
}

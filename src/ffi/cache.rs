//! The cache that all hosts in the process share.

use std::ffi::c_char;
use std::ptr;

use super::{bytes, cc_token, shield, token_of};
use crate::api::context::{self, CallContext};

/// Drops every cached token and remembered refusal. What exchanges that are under way bring goes to those who wait,
/// and is not kept. Tokens that a host holds live on. Inside a mock, the mock's cache is meant.
///
/// Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_cache_clear() {
    shield((), || CallContext::now().clear());
}

/// Drops all that is held for a viewer's session token: call it when the viewer leaves. What exchanges that are under
/// way for it bring is not kept. Inside a mock, the mock's cache is meant.
///
/// @param session_token  as it was given to cc_viewer_token(); NULL is a no-op. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_cache_forget_session(session_token: *const c_char) {
    // SAFETY: the ABI's conventions.
    let token = unsafe { bytes(session_token) }.and_then(|token| std::str::from_utf8(token).ok());
    if let Some(token) = token {
        shield((), || CallContext::now().forget_session(token));
    }
}

/// Drops a token from the cache that it came from, the process's or a mock's, since the service it is for refused it:
/// the next call gets another. If a newer one is there already, that one stays.
///
/// @param token  the token; NULL gives false
/// @return true when it was dropped. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_invalidate(token: *const cc_token) -> bool {
    // SAFETY: the ABI's conventions.
    let token = unsafe { token_of(token) };
    shield(false, || token.is_some_and(context::invalidate))
}

/// Counts since the process or the mock began; a forked child goes on with its parent's. More may join at the end.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct cc_cache_stats {
    /// Calls answered with a fresh token from the cache.
    pub hits: u64,
    /// Calls answered with a token from the cache while a newer one is being looked for, or was in vain a moment ago.
    pub stale_hits: u64,
    /// Calls that found no good token in the cache.
    pub misses: u64,
    /// Exchanges begun.
    pub exchanges: u64,
    /// Calls that waited for an exchange that another call had begun.
    pub coalesced: u64,
    /// Exchanges that failed.
    pub failures: u64,
    /// Entries evicted because there was no room.
    pub evictions: u64,
    /// Tokens in the cache now.
    pub entries: u64,
}

/// Reads the cache's counts; inside a mock, those of the mock's cache.
///
/// @param stats  where they go; NULL is a no-op
/// @param size   sizeof(cc_cache_stats) of the caller's header, in bytes: no more is written. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_cache_get_stats(stats: *mut cc_cache_stats, size: usize) {
    if stats.is_null() {
        return;
    }
    let counted = shield(cc_cache_stats::default(), || {
        let counted = CallContext::now().stats();
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
    let size = size.min(size_of::<cc_cache_stats>());
    // SAFETY: the host has room for `size` bytes.
    unsafe { ptr::copy_nonoverlapping(ptr::from_ref(&counted).cast::<u8>(), stats.cast(), size) };
}

//! What time it is.

#![forbid(unsafe_code)]

use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, in Unix seconds.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}

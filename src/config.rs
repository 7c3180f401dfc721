//! What a host can set for the whole process. Zero stands for the default.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// How long a call may take, unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(20);
const CACHE_CAPACITY: usize = 10_000;
const DEFAULT_LIFETIME_S: u32 = 600;

static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static LIFETIME_S: AtomicU32 = AtomicU32::new(0);
static NO_BACKGROUND_REFRESH: AtomicBool = AtomicBool::new(false);

/// How long an exchange goes on, and how long a caller waits that says nothing else.
pub(crate) fn timeout() -> Duration {
    TIMEOUT
}

/// How many questions are remembered.
pub(crate) fn cache_capacity() -> usize {
    match CAPACITY.load(Ordering::Relaxed) {
        0 => CACHE_CAPACITY,
        capacity => capacity,
    }
}

pub(crate) fn set_cache_capacity(capacity: usize) {
    CAPACITY.store(capacity, Ordering::Relaxed);
}

/// How long a token is kept whose lifetime nobody knows, in seconds.
pub(crate) fn default_lifetime_s() -> i64 {
    match LIFETIME_S.load(Ordering::Relaxed) {
        0 => DEFAULT_LIFETIME_S.into(),
        seconds => seconds.into(),
    }
}

pub(crate) fn set_default_lifetime_s(seconds: u32) {
    LIFETIME_S.store(seconds, Ordering::Relaxed);
}

/// Whether a token is renewed in the background before its end.
pub(crate) fn background_refresh() -> bool {
    !NO_BACKGROUND_REFRESH.load(Ordering::Relaxed)
}

pub(crate) fn set_background_refresh(on: bool) {
    NO_BACKGROUND_REFRESH.store(!on, Ordering::Relaxed);
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// Switches the background refresh off while it lives; the tests of one program share the setting.
    pub(crate) struct Off(#[allow(dead_code)] MutexGuard<'static, ()>);

    pub(crate) fn without_background_refresh() -> Off {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        super::set_background_refresh(false);
        Off(guard)
    }

    impl Drop for Off {
        fn drop(&mut self) {
            super::set_background_refresh(true);
        }
    }
}

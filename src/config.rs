//! What a host can set for the whole process. Zero stands for the default.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// A number that can be set; it is the default until then.
pub(crate) struct Setting {
    set: AtomicU32,
    default: u32,
}

/// How long a call may take, unless it says otherwise, and an exchange that nobody waits for.
pub(crate) static TIMEOUT_MS: Setting = Setting::new(20_000);
/// How long one attempt at an exchange may take.
pub(crate) static ATTEMPT_TIMEOUT_MS: Setting = Setting::new(8_000);
/// How long a connection may take to come about: the name's look-up, TCP and TLS.
pub(crate) static CONNECT_TIMEOUT_MS: Setting = Setting::new(3_000);
/// How often an exchange is attempted.
pub(crate) static MAX_ATTEMPTS: Setting = Setting::new(3);
/// How long a token is kept whose lifetime nobody knows.
pub(crate) static DEFAULT_LIFETIME_S: Setting = Setting::new(600);

const CACHE_CAPACITY: usize = 10_000;
const CACHE_BYTES: usize = 64 * 1024 * 1024;

static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static NO_BACKGROUND_REFRESH: AtomicBool = AtomicBool::new(false);

impl Setting {
    const fn new(default: u32) -> Self {
        Self {
            set: AtomicU32::new(0),
            default,
        }
    }

    pub fn get(&self) -> u32 {
        match self.set.load(Ordering::Relaxed) {
            0 => self.default,
            set => set,
        }
    }

    pub fn set(&self, value: u32) {
        self.set.store(value, Ordering::Relaxed);
    }

    /// Of a setting in milliseconds.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.get().into())
    }
}

/// How long an exchange goes on, and how long a caller waits that says nothing else.
pub(crate) fn timeout() -> Duration {
    TIMEOUT_MS.duration()
}

/// How many questions are remembered.
pub(crate) fn cache_capacity() -> usize {
    match CAPACITY.load(Ordering::Relaxed) {
        0 => CACHE_CAPACITY,
        capacity => capacity,
    }
}

/// How much memory the cached tokens may take, in bytes.
pub(crate) fn cache_bytes() -> usize {
    match BYTES.load(Ordering::Relaxed) {
        0 => CACHE_BYTES,
        bytes => bytes,
    }
}

#[allow(dead_code)]
pub(crate) fn set_cache_bytes(bytes: usize) {
    BYTES.store(bytes, Ordering::Relaxed);
}

pub(crate) fn set_cache_capacity(capacity: usize) {
    CAPACITY.store(capacity, Ordering::Relaxed);
}

/// How long a token is kept whose lifetime nobody knows, in seconds.
pub(crate) fn default_lifetime_s() -> i64 {
    DEFAULT_LIFETIME_S.get().into()
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

    #[test]
    fn a_setting_is_its_default_until_it_is_set_and_again_at_zero() {
        let setting = super::Setting::new(8_000);
        assert_eq!(setting.duration().as_secs(), 8);
        setting.set(1);
        assert_eq!(setting.get(), 1);
        setting.set(0);
        assert_eq!(setting.get(), 8_000);
    }
}

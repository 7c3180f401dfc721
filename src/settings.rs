//! Process-wide settings, as every part of the library reads them. `api/config.rs` is how a host changes them.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// A number that can be set. Zero stands for its default.
pub(crate) struct Setting {
    set: AtomicU32,
    default: u32,
}

/// How long a call may take that sets no timeout of its own, and an exchange that no call waits for.
pub(crate) static TIMEOUT_MS: Setting = Setting::new(20_000);
/// How long one attempt at an exchange may take.
pub(crate) static ATTEMPT_TIMEOUT_MS: Setting = Setting::new(8_000);
/// How long it may take to establish a connection: DNS resolution, TCP and TLS.
pub(crate) static CONNECT_TIMEOUT_MS: Setting = Setting::new(3_000);
/// The maximum number of attempts at an exchange.
pub(crate) static MAX_ATTEMPTS: Setting = Setting::new(3);
/// How long a token with no stated lifetime is cached.
pub(crate) static DEFAULT_LIFETIME_S: Setting = Setting::new(600);

const DEFAULT_CACHE_CAPACITY: usize = 10_000;
const DEFAULT_CACHE_BYTES: usize = 64 * 1024 * 1024;

static CACHE_CAPACITY: AtomicUsize = AtomicUsize::new(0);
static CACHE_BYTES: AtomicUsize = AtomicUsize::new(0);
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

    /// The value of a setting in milliseconds.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.get().into())
    }
}

/// How long an exchange may take, and a call that sets no timeout of its own.
pub(crate) fn timeout() -> Duration {
    TIMEOUT_MS.duration()
}

/// The maximum number of entries in a cache.
pub(crate) fn cache_capacity() -> usize {
    match CACHE_CAPACITY.load(Ordering::Relaxed) {
        0 => DEFAULT_CACHE_CAPACITY,
        capacity => capacity,
    }
}

/// How much memory the cached tokens may take, in bytes.
pub(crate) fn cache_bytes() -> usize {
    match CACHE_BYTES.load(Ordering::Relaxed) {
        0 => DEFAULT_CACHE_BYTES,
        bytes => bytes,
    }
}

pub(crate) fn store_cache_bytes(bytes: usize) {
    CACHE_BYTES.store(bytes, Ordering::Relaxed);
}

pub(crate) fn store_cache_capacity(capacity: usize) {
    CACHE_CAPACITY.store(capacity, Ordering::Relaxed);
}

/// How long a token with no stated lifetime is cached, in seconds.
pub(crate) fn default_lifetime_s() -> i64 {
    DEFAULT_LIFETIME_S.get().into()
}

/// Whether a token that expires soon is refreshed in the background.
pub(crate) fn background_refresh() -> bool {
    !NO_BACKGROUND_REFRESH.load(Ordering::Relaxed)
}

pub(crate) fn store_background_refresh(on: bool) {
    NO_BACKGROUND_REFRESH.store(!on, Ordering::Relaxed);
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// Background refresh is off until this is dropped. Tests of one program share the setting, so one at a time has it.
    pub(crate) struct Off(#[allow(dead_code)] MutexGuard<'static, ()>);

    pub(crate) fn without_background_refresh() -> Off {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        super::store_background_refresh(false);
        Off(guard)
    }

    impl Drop for Off {
        fn drop(&mut self) {
            super::store_background_refresh(true);
        }
    }

    #[test]
    fn zero_restores_a_settings_default() {
        let setting = super::Setting::new(8_000);
        assert_eq!(setting.duration().as_secs(), 8);
        setting.set(1);
        assert_eq!(setting.get(), 1);
        setting.set(0);
        assert_eq!(setting.get(), 8_000);
    }
}

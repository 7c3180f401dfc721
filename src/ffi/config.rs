//! Settings of the whole process.

use std::ffi::c_char;
use std::path::Path;
use std::ptr;
use std::time::Duration;

use super::{cc_error, cc_status, guard, string};
use crate::api::config;
use crate::error::Error;

/// The largest number that a C `int` converts to without a change: a larger one was negative.
const MAX: u32 = i32::MAX as u32;

/// Rejects what came of a negative `int`.
pub(super) fn not_negative(number: u32, what: &str) -> Result<u32, Error> {
    if number > MAX {
        let why = format!("The {what} is {number}, which is over {MAX}: is it a negative number?");
        return Err(Error::invalid_argument(why));
    }
    Ok(number)
}

/// Sets a number of the configuration.
fn set(number: u32, what: &str, set: impl FnOnce(u32)) -> cc_status {
    let body = || {
        set(not_negative(number, what)?);
        Ok(())
    };
    // SAFETY: no error is asked for.
    unsafe { guard(ptr::null_mut(), body) }
}

/// [`set`] for a size.
fn set_size(number: usize, what: &str, set: impl FnOnce(usize)) -> cc_status {
    let body = || {
        if isize::try_from(number).is_err() {
            let why = format!("The {what} is {number}: is it a negative number?");
            return Err(Error::invalid_argument(why));
        }
        set(number);
        Ok(())
    };
    // SAFETY: no error is asked for.
    unsafe { guard(ptr::null_mut(), body) }
}

fn milliseconds(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

/// Sets certificate authorities to trust in addition to the system's, such as a private one that
/// issued the Connect server's certificate. The file is read now, and again by later exchanges when
/// it has changed; one that has become unusable leaves the certificates as they are.
///
/// @param path   a file with one or more certificates in PEM form; NULL or "" restores the default,
///               the file named by CONNECT_CA_CERTIFICATE if there is one
/// @param error  receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK; CC_ERR_INVALID_ARGUMENT when the file cannot be read, or holds no certificate or a
///         malformed one: nothing changes then; CC_ERR_NETWORK, which is retryable, when reading it
///         failed for a reason that may pass, such as too many open files; CC_ERR_INTERNAL
///
/// Blocks while it reads the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_config_set_ca_bundle(
    path: *const c_char,
    error: *mut *mut cc_error,
) -> cc_status {
    let body = || {
        // SAFETY: the ABI's conventions.
        let path = unsafe { string(path, "path of the CA bundle") }?;
        config::set_ca_bundle((!path.is_empty()).then(|| Path::new(path)))
    };
    // SAFETY: the ABI's conventions.
    unsafe { guard(error, body) }
}

/// Sets how long a call may take in total, attempts and pauses included, unless its request sets a
/// timeout. An exchange in the background has as long.
///
/// @param milliseconds  at most INT32_MAX; 0 restores the default, 20,000
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_timeout_ms(milliseconds: u32) -> cc_status {
    set(milliseconds, "timeout", |number| {
        config::set_timeout(self::milliseconds(number));
    })
}

/// Sets how long one attempt at an exchange may take, from the connection to the last byte of the
/// response. An attempt that exceeds it is retried while the call's deadline allows.
///
/// @param milliseconds  at most INT32_MAX; 0 restores the default, 8,000
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_attempt_timeout_ms(milliseconds: u32) -> cc_status {
    set(milliseconds, "timeout of an attempt", |number| {
        config::set_attempt_timeout(self::milliseconds(number));
    })
}

/// Sets how long it may take to establish a connection: DNS resolution, TCP and TLS.
///
/// @param milliseconds  at most INT32_MAX; 0 restores the default, 3,000
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_connect_timeout_ms(milliseconds: u32) -> cc_status {
    set(milliseconds, "timeout of a connection", |number| {
        config::set_connect_timeout(self::milliseconds(number));
    })
}

/// Sets the maximum number of attempts when an exchange fails with a transient error: the
/// connection, a timeout, HTTP 408, 429, 500, 502, 503 and 504, and the OAuth codes
/// temporarily_unavailable and server_error.
///
/// @param attempts  1 disables retries; at most INT32_MAX; 0 restores the default, 3
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_max_attempts(attempts: u32) -> cc_status {
    set(attempts, "number of attempts", config::set_max_attempts)
}

/// Sets the maximum number of entries in the cache. Entries over a lower bound are evicted at once:
/// expired ones first, then the least recently used.
///
/// @param entries  at most PTRDIFF_MAX; 0 restores the default, 10,000
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_cache_capacity(entries: usize) -> cc_status {
    set_size(entries, "cache's capacity", config::set_cache_capacity)
}

/// Sets how much memory the cached tokens may take. Tokens over a lower bound are evicted at once:
/// expired ones first, then the least recently used.
///
/// @param bytes  at most PTRDIFF_MAX; 0 restores the default, 67,108,864 (64 MiB)
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_cache_bytes(bytes: usize) -> cc_status {
    set_size(bytes, "cache's size", config::set_cache_bytes)
}

/// Sets how long a token is cached when neither the response nor the token itself states a lifetime.
///
/// @param seconds  at most INT32_MAX; 0 restores the default, 600
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_default_lifetime_s(seconds: u32) -> cc_status {
    set(seconds, "default lifetime", |seconds| {
        config::set_default_lifetime(Duration::from_secs(seconds.into()));
    })
}

/// Enables background refresh of tokens close to expiry (always off inside a mock). When disabled,
/// the first call to find the token too close to expiry waits for a new one.
///
/// @param on  true is the default
/// @return CC_OK
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_background_refresh(on: bool) -> cc_status {
    set(0, "", |_| config::set_background_refresh(on))
}

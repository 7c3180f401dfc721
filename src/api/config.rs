//! Settings of the whole process. Each applies to every call that begins later, on any thread.

#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;

use super::context;
use crate::error::{Error, ErrorKind};
use crate::http::roots::{Bundle, choose_bundle};
use crate::settings;

/// Sets certificate authorities to trust in addition to the system's, such as a private one that issued the Connect
/// server's certificate.
///
/// The file, one or more certificates in PEM form, is read now; later exchanges use it. `None` restores the default,
/// the file named by `CONNECT_CA_CERTIFICATE` if there is one.
///
/// # Errors
///
/// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when the file cannot be read, or holds no certificate or a
/// malformed one. The setting stays as it was.
pub fn set_ca_bundle(path: Option<&Path>) -> Result<(), Error> {
    let bundle = path.map(|path| Bundle::read(path, ErrorKind::InvalidArgument));
    choose_bundle(bundle.transpose()?);
    Ok(())
}

/// Sets how long a call may take in total, attempts and pauses included, unless its
/// [`Request`](crate::Request::set_timeout) sets a timeout. An exchange in the background has as long.
///
/// Zero restores the default, 20 seconds.
pub fn set_timeout(timeout: Duration) {
    settings::TIMEOUT_MS.set(milliseconds(timeout));
}

/// Sets how long one attempt at an exchange may take, from the connection to the last byte of the response. An attempt
/// that exceeds it is retried while the call's deadline allows.
///
/// Zero restores the default, 8 seconds.
pub fn set_attempt_timeout(timeout: Duration) {
    settings::ATTEMPT_TIMEOUT_MS.set(milliseconds(timeout));
}

/// Sets how long it may take to establish a connection: DNS resolution, TCP and TLS.
///
/// Zero restores the default, 3 seconds.
pub fn set_connect_timeout(timeout: Duration) {
    settings::CONNECT_TIMEOUT_MS.set(milliseconds(timeout));
}

/// Sets the maximum number of attempts when an exchange fails with a
/// [retryable](crate::Error::is_retryable) error.
///
/// Zero restores the default, 3.
pub fn set_max_attempts(attempts: u32) {
    settings::MAX_ATTEMPTS.set(attempts);
}

/// Sets the maximum number of entries in the cache. Entries over a lower bound are evicted at once: expired ones first,
/// then the least recently used.
///
/// Zero restores the default, 10,000.
pub fn set_cache_capacity(entries: usize) {
    settings::store_cache_capacity(entries);
    context::make_room();
}

/// Sets how much memory the cached tokens may take, in bytes. Tokens over a lower bound are evicted at once.
///
/// Zero restores the default, 64 MiB.
pub fn set_cache_bytes(bytes: usize) {
    settings::store_cache_bytes(bytes);
    context::make_room();
}

/// Sets how long a token is cached when neither the response nor the token itself states a lifetime. Precise to the
/// second.
///
/// Zero restores the default, 10 minutes.
pub fn set_default_lifetime(lifetime: Duration) {
    let seconds = lifetime.as_secs().try_into().unwrap_or(u32::MAX);
    // Less than a second is not the default.
    let seconds = seconds.max(u32::from(!lifetime.is_zero()));
    settings::DEFAULT_LIFETIME_S.set(seconds);
}

/// Enables or disables background refresh of tokens that expire soon. It is enabled by default, and always off inside a
/// [`Mock`](crate::Mock).
///
/// When disabled, the first call that finds the token too close to its expiry waits for a new one.
pub fn set_background_refresh(enabled: bool) {
    settings::store_background_refresh(enabled);
}

/// Whole milliseconds, at least one unless it is zero.
fn milliseconds(timeout: Duration) -> u32 {
    let milliseconds = timeout.as_millis().try_into().unwrap_or(u32::MAX);
    milliseconds.max(u32::from(!timeout.is_zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_never_becomes_the_default_by_rounding() {
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_secs(8)), 8_000);
        assert_eq!(milliseconds(Duration::MAX), u32::MAX);
    }

    #[test]
    fn a_bundle_that_cannot_be_read_is_an_invalid_argument() {
        let why = set_ca_bundle(Some(Path::new("/nonexistent/bundle.pem"))).unwrap_err();
        assert_eq!(why.kind(), crate::ErrorKind::InvalidArgument);
        set_ca_bundle(None).unwrap();
    }
}

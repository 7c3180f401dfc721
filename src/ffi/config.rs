//! What a host sets for the whole process.

use std::ffi::c_char;
use std::path::Path;

use super::{CC_OK, cc_error, cc_status, guard, shield, string};
use crate::api::context;
use crate::config;
use crate::error::ErrorKind;
use crate::http::roots::{Bundle, choose_bundle};

/// Sets certificate authorities to trust beside the system's, such as a private one that signed the Connect server's
/// certificate. The file is read now; later exchanges use it.
///
/// @param path   a file with one certificate or more in PEM form. NULL or "": back to the default, the file named by
///               CONNECT_CA_CERTIFICATE if there is one
/// @param error  where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, or CC_ERR_INVALID_ARGUMENT when the file can not be read, holds no certificate or a malformed one: then
///         nothing changes. Blocks while it reads the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_config_set_ca_bundle(
    path: *const c_char,
    error: *mut *mut cc_error,
) -> cc_status {
    let body = || {
        // SAFETY: the ABI's conventions.
        let path = unsafe { string(path, "path of the CA bundle") }?;
        let bundle = match path {
            "" => None,
            path => Some(Bundle::read(Path::new(path), ErrorKind::InvalidArgument)?),
        };
        choose_bundle(bundle);
        Ok(())
    };
    // SAFETY: the ABI's conventions.
    unsafe { guard(error, body) }
}

/// Sets how long a call may take that says nothing else, from its beginning to its end, attempts and pauses included. It
/// is also how long an exchange in the background may take.
///
/// @param milliseconds  0: back to the default, 20,000
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_timeout_ms(milliseconds: u32) -> cc_status {
    config::TIMEOUT_MS.set(milliseconds);
    CC_OK
}

/// Sets how long one attempt at an exchange may take, from the connection to the last byte of the answer. What ran out of
/// it is attempted again, while the call has time.
///
/// @param milliseconds  0: back to the default, 8,000
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_attempt_timeout_ms(milliseconds: u32) -> cc_status {
    config::ATTEMPT_TIMEOUT_MS.set(milliseconds);
    CC_OK
}

/// Sets how long a connection may take to come about: looking up the name, connecting, the TLS handshake.
///
/// @param milliseconds  0: back to the default, 3,000
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_connect_timeout_ms(milliseconds: u32) -> cc_status {
    config::CONNECT_TIMEOUT_MS.set(milliseconds);
    CC_OK
}

/// Sets how often an exchange is attempted when it fails with what may pass: the connection, a time-out, HTTP 408, 429,
/// 500, 502, 503 and 504, and the OAuth codes temporarily_unavailable and server_error.
///
/// @param attempts  1: once; 0: back to the default, 3
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_max_attempts(attempts: u32) -> cc_status {
    config::MAX_ATTEMPTS.set(attempts);
    CC_OK
}

/// Sets how many questions the cache remembers. What is over the new bound goes at once: first what has expired, then
/// what was used least recently.
///
/// @param entries  0: back to the default, 10,000
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_cache_capacity(entries: usize) -> cc_status {
    shield((), || {
        config::set_cache_capacity(entries);
        context::make_room();
    });
    CC_OK
}

/// Sets how long a token is kept when neither the server nor the token itself says how long it lives.
///
/// @param seconds  0: back to the default, 600
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_default_lifetime_s(seconds: u32) -> cc_status {
    config::DEFAULT_LIFETIME_S.set(seconds);
    CC_OK
}

/// Sets whether a token is renewed in the background when it comes near its end, which never happens inside a mock. When off, the call that finds it too
/// late waits for the next one.
///
/// @param on  true is the default
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_background_refresh(on: bool) -> cc_status {
    config::set_background_refresh(on);
    CC_OK
}

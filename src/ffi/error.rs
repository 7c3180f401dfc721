//! `cc_error`: why a call failed.

use std::ffi::{CString, c_char};
use std::ptr;

use super::{CC_OK, c_string, cc_status, shield, status_of};
use crate::error::Error;

/// Why a call failed. Immutable: any thread may read it.
#[derive(Debug)]
pub struct cc_error {
    error: Error,
    message: CString,
    oauth_code: Option<CString>,
}

impl cc_error {
    pub(super) fn new(error: Error) -> *mut Self {
        Box::into_raw(Box::new(Self {
            message: c_string(&error.message()),
            oauth_code: error.oauth_code().map(c_string),
            error,
        }))
    }
}

/// What `read` finds in the error, or `fallback` for NULL.
///
/// # Safety
///
/// `error` is NULL or a live handle.
unsafe fn read<T>(error: *const cc_error, fallback: T, read: impl FnOnce(&cc_error) -> T) -> T
where
    T: Copy,
{
    // SAFETY: by the caller.
    let error = unsafe { error.as_ref() };
    shield(fallback, || error.map_or(fallback, read))
}

/// The status that the call returned.
///
/// @param error  the error; NULL gives CC_OK
/// @return the status. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_status(error: *const cc_error) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, CC_OK, |error| status_of(error.error.kind())) }
}

/// The whole story for a person, causes included, one line each. No secret stands in it. A server's words are
/// data: print them with "%s", never as a format.
///
/// @param error  the error; NULL gives NULL
/// @return the message, borrowed from the error: valid until it is freed. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_message(error: *const cc_error) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, ptr::null(), |error| error.message.as_ptr()) }
}

/// The status of the server's HTTP answer.
///
/// @param error  the error; NULL gives 0
/// @return the HTTP status; 0 when there was no answer. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_http_status(error: *const cc_error) -> i32 {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, 0, |error| error.error.http_status().map_or(0, i32::from)) }
}

/// The OAuth error code of the server's answer (RFC 6749, section 5.2), such as "invalid_request".
///
/// @param error  the error; NULL gives NULL
/// @return the code, borrowed from the error: valid until it is freed; NULL when there was none. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_oauth_code(error: *const cc_error) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe {
        read(error, ptr::null(), |error| {
            error
                .oauth_code
                .as_ref()
                .map_or(ptr::null(), |code| code.as_ptr())
        })
    }
}

/// Connect's own error code, such as 212: no integration is associated with the content.
///
/// @param error  the error; NULL gives 0
/// @return the code; 0 when there was none. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_connect_code(error: *const cc_error) -> i32 {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, 0, |error| error.error.connect_code().unwrap_or(0)) }
}

/// Whether the same call may succeed later with nothing changed.
///
/// @param error  the error; NULL gives false
/// @return true for what may pass: network, time-out, HTTP 408, 429, 500, 502, 503, 504, and the OAuth codes
///         temporarily_unavailable and server_error. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_is_retryable(error: *const cc_error) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, false, |error| error.error.is_retryable()) }
}

/// How long the server asked to wait before the next try (the header Retry-After).
///
/// @param error  the error; NULL gives -1
/// @return milliseconds; -1 when the server did not say. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_retry_after_ms(error: *const cc_error) -> i64 {
    let milliseconds = |error: &cc_error| {
        let wait = error.error.retry_after()?;
        Some(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    };
    // SAFETY: the ABI's conventions.
    unsafe { read(error, -1, |error| milliseconds(error).unwrap_or(-1)) }
}

/// Frees an error, and with it every string borrowed from it.
///
/// @param error  the error; NULL is a no-op. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_free(error: *mut cc_error) {
    if !error.is_null() {
        // SAFETY: made by `Box::into_raw` in `cc_error::new`, and freed once.
        shield((), || drop(unsafe { Box::from_raw(error) }));
    }
}

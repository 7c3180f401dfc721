//! `cc_error`: why a call failed.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use super::{CC_OK, c_string, cc_status, shield, status_of};
use crate::error::{Error, HostOption};

/// Why a call failed. Immutable: any thread may read it.
#[derive(Debug)]
pub struct cc_error {
    error: Error,
    message: CString,
    message_without_hint: CString,
    oauth_code: Option<CString>,
}

impl cc_error {
    pub(super) fn new(error: Error) -> *mut Self {
        Box::into_raw(Box::new(Self {
            message: c_string(&error.message_with(setter)),
            message_without_hint: c_string(&error.message_without_hint()),
            oauth_code: error.oauth_code().map(c_string),
            error,
        }))
    }
}

/// How a C host sets an option that a hint names.
fn setter(option: HostOption) -> &'static str {
    match option {
        HostOption::ServerUrl => "call cc_request_set_server_url()",
        HostOption::ApiKey => "call cc_request_set_api_key()",
        HostOption::CaBundle => "call cc_config_set_ca_bundle()",
    }
}

/// An option's name, for bindings.
fn name(option: HostOption) -> &'static CStr {
    match option {
        HostOption::ServerUrl => c"server_url",
        HostOption::ApiKey => c"api_key",
        HostOption::CaBundle => c"ca_bundle",
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

/// Returns the status that the call returned.
///
/// @param error  the error; NULL gives CC_OK
/// @return the status
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_status(error: *const cc_error) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, CC_OK, |error| status_of(error.error.kind())) }
}

/// Returns a complete explanation for a person: what happened, why, and what to do, one line each.
/// It never contains a secret. Text from a server is data: print the message with "%s", never as a
/// format.
///
/// @param error  the error; NULL gives NULL
/// @return the message, borrowed from the error
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_message(error: *const cc_error) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, ptr::null(), |error| error.message.as_ptr()) }
}

/// Returns the message without the line that names a C function, for bindings that name their own
/// way to set the option that cc_error_option() returns. The same as cc_error_message() when that
/// returns NULL.
///
/// @param error  the error; NULL gives NULL
/// @return the message, borrowed from the error
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_message_without_hint(error: *const cc_error) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, ptr::null(), |error| error.message_without_hint.as_ptr()) }
}

/// Returns the option that the last line of the message tells to set: "server_url", "api_key" or
/// "ca_bundle"; more may join.
///
/// @param error  the error; NULL gives NULL
/// @return the option, a static string; NULL when the message names none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_option(error: *const cc_error) -> *const c_char {
    let option = |error: &cc_error| error.error.option().map_or(ptr::null(), |it| name(it).as_ptr());
    // SAFETY: the ABI's conventions.
    unsafe { read(error, ptr::null(), option) }
}

/// Returns the status of the server's HTTP response.
///
/// @param error  the error; NULL gives 0
/// @return the HTTP status; 0 when there was no response
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_http_status(error: *const cc_error) -> i32 {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, 0, |error| error.error.http_status().map_or(0, i32::from)) }
}

/// Returns the OAuth error code of the server's response (RFC 6749, section 5.2), such as
/// "invalid_request".
///
/// @param error  the error; NULL gives NULL
/// @return the code, borrowed from the error; NULL when there was none
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

/// Returns Connect's own error code, such as 212: no integration is associated with the content.
///
/// @param error  the error; NULL gives 0
/// @return the code; 0 when there was none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_connect_code(error: *const cc_error) -> i32 {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, 0, |error| error.error.connect_code().unwrap_or(0)) }
}

/// Returns whether the same call may succeed later with nothing changed.
///
/// @param error  the error; NULL gives false
/// @return true for transient failures: the network, a timeout, HTTP 408, 429, 500, 502, 503 and
///         504, and the OAuth codes temporarily_unavailable and server_error
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_is_retryable(error: *const cc_error) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe { read(error, false, |error| error.error.is_retryable()) }
}

/// Returns how long the server asked to wait before the next attempt (the header Retry-After).
///
/// @param error  the error; NULL gives -1
/// @return milliseconds; -1 when the server did not say
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
/// @param error  the error; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_error_free(error: *mut cc_error) {
    if !error.is_null() {
        // SAFETY: made by `Box::into_raw` in `cc_error::new`, and freed once.
        shield((), || drop(unsafe { Box::from_raw(error) }));
    }
}

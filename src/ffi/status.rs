//! The status codes. Integers, so that no host can make an invalid one; their values never change.

use std::ffi::{CStr, c_char};

use crate::error::ErrorKind;

/// The result of a call: CC_OK or one of the CC_ERR_ codes. Values never change and are never
/// reused; more may join, so treat an unknown one as an error.
pub type cc_status = i32;

/// Success.
pub const CC_OK: cc_status = 0;
/// An argument is NULL where a value is required, is not UTF-8, holds a control character, or is
/// otherwise malformed.
pub const CC_ERR_INVALID_ARGUMENT: cc_status = 1;
/// The process does not run on Connect.
pub const CC_ERR_NOT_ON_CONNECT: cc_status = 10;
/// A viewer token was requested outside a viewer's session.
pub const CC_ERR_NO_SESSION: cc_status = 11;
/// Connect supplied no session token: its version is too old, or the feature is switched off.
pub const CC_ERR_NOT_SUPPORTED: cc_status = 12;
/// No server URL is set.
pub const CC_ERR_NO_SERVER: cc_status = 13;
/// No API key is set.
pub const CC_ERR_NO_API_KEY: cc_status = 14;
/// DNS resolution, the connection or a proxy failed, or the response was cut short.
pub const CC_ERR_NETWORK: cc_status = 20;
/// The server's certificate was not accepted, or the TLS handshake failed.
pub const CC_ERR_TLS: cc_status = 21;
/// The deadline passed.
pub const CC_ERR_TIMEOUT: cc_status = 22;
/// The request's cancel callback returned true.
pub const CC_ERR_CANCELLED: cc_status = 23;
/// The server rejected the request with an OAuth or Connect error.
pub const CC_ERR_REFUSED: cc_status = 30;
/// The server's response was not understood.
pub const CC_ERR_BAD_RESPONSE: cc_status = 31;
/// A bug in the library, caught; or a mock function that broke its contract.
pub const CC_ERR_INTERNAL: cc_status = 90;

/// Returns the name of a status: "CC_OK" and so on.
///
/// @param status  any integer
/// @return a static string; "unknown" if the value is not a status
#[unsafe(no_mangle)]
pub extern "C" fn cc_status_name(status: cc_status) -> *const c_char {
    let name: &CStr = match status {
        CC_OK => c"CC_OK",
        CC_ERR_INVALID_ARGUMENT => c"CC_ERR_INVALID_ARGUMENT",
        CC_ERR_NOT_ON_CONNECT => c"CC_ERR_NOT_ON_CONNECT",
        CC_ERR_NO_SESSION => c"CC_ERR_NO_SESSION",
        CC_ERR_NOT_SUPPORTED => c"CC_ERR_NOT_SUPPORTED",
        CC_ERR_NO_SERVER => c"CC_ERR_NO_SERVER",
        CC_ERR_NO_API_KEY => c"CC_ERR_NO_API_KEY",
        CC_ERR_NETWORK => c"CC_ERR_NETWORK",
        CC_ERR_TLS => c"CC_ERR_TLS",
        CC_ERR_TIMEOUT => c"CC_ERR_TIMEOUT",
        CC_ERR_CANCELLED => c"CC_ERR_CANCELLED",
        CC_ERR_REFUSED => c"CC_ERR_REFUSED",
        CC_ERR_BAD_RESPONSE => c"CC_ERR_BAD_RESPONSE",
        CC_ERR_INTERNAL => c"CC_ERR_INTERNAL",
        _ => c"unknown",
    };
    name.as_ptr()
}

pub(super) fn status_of(kind: ErrorKind) -> cc_status {
    match kind {
        ErrorKind::InvalidArgument => CC_ERR_INVALID_ARGUMENT,
        ErrorKind::NotOnConnect => CC_ERR_NOT_ON_CONNECT,
        ErrorKind::NoSession => CC_ERR_NO_SESSION,
        ErrorKind::NotSupported => CC_ERR_NOT_SUPPORTED,
        ErrorKind::NoServer => CC_ERR_NO_SERVER,
        ErrorKind::NoApiKey => CC_ERR_NO_API_KEY,
        ErrorKind::Network => CC_ERR_NETWORK,
        ErrorKind::Tls => CC_ERR_TLS,
        ErrorKind::Timeout => CC_ERR_TIMEOUT,
        ErrorKind::Cancelled => CC_ERR_CANCELLED,
        ErrorKind::Refused => CC_ERR_REFUSED,
        ErrorKind::BadResponse => CC_ERR_BAD_RESPONSE,
        ErrorKind::Internal => CC_ERR_INTERNAL,
    }
}

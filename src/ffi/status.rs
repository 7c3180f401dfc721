//! The status codes. Integers, so that no host can make an invalid one; their values never change.

use std::ffi::{CStr, c_char};

use crate::error::ErrorKind;

/// What a call came to: CC_OK, or one of the CC_ERR_ codes. Values never change and are never reused.
pub type cc_status = i32;

/// Success.
pub const CC_OK: cc_status = 0;
/// NULL where a value is required, not UTF-8, a control character, a malformed URL.
pub const CC_ERR_INVALID_ARGUMENT: cc_status = 1;
/// The process does not run on Connect.
pub const CC_ERR_NOT_ON_CONNECT: cc_status = 10;
/// A viewer token was asked for outside a viewer's session.
pub const CC_ERR_NO_SESSION: cc_status = 11;
/// Connect supplied no session token: an old version, or configured off.
pub const CC_ERR_NOT_SUPPORTED: cc_status = 12;
/// No server URL.
pub const CC_ERR_NO_SERVER: cc_status = 13;
/// No API key.
pub const CC_ERR_NO_API_KEY: cc_status = 14;
/// Name resolution, connection, proxy, a reply cut short.
pub const CC_ERR_NETWORK: cc_status = 20;
/// Certificate or handshake.
pub const CC_ERR_TLS: cc_status = 21;
/// The deadline passed.
pub const CC_ERR_TIMEOUT: cc_status = 22;
/// The caller's cancel callback said so.
pub const CC_ERR_CANCELLED: cc_status = 23;
/// The server answered with an OAuth or Connect error.
pub const CC_ERR_REFUSED: cc_status = 30;
/// The server's answer was not understood.
pub const CC_ERR_BAD_RESPONSE: cc_status = 31;
/// A bug in the library, caught.
pub const CC_ERR_INTERNAL: cc_status = 90;

/// The name of a status, "CC_OK" and so on.
///
/// @param status  any integer
/// @return the name, valid for ever; "unknown" for an integer that is no status. Does not block.
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

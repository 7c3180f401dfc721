//! The report for a bug ticket.

use std::ffi::{CString, c_char};
use std::ptr;

use super::{c_string, cc_status, guard, out, shield};
use crate::api;

/// Writes a report for a bug ticket, for a person to read: the library's version, whether the
/// process runs on Connect and why, which variables are set (never their values), the server,
/// certificate authorities, the route to the server, settings, the cache's counters, and the last
/// error of each kind. It contains no secret. Its form may change: do not parse it.
///
/// @param report  receives the report, to be freed with cc_string_free(); NULL is rejected
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
///
/// Blocks while it reads files. It does not use the network.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_diagnose(report: *mut *mut c_char) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        guard(ptr::null_mut(), || {
            let place = out(report)?;
            *place = c_string(&api::diagnose()).into_raw();
            Ok(())
        })
    }
}

/// Frees a string that the library returned through an out-parameter.
///
/// @param string  the string; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: made by `CString::into_raw`, and freed once.
        shield((), || drop(unsafe { CString::from_raw(string) }));
    }
}

//! The C ABI. One file per C type, each of which parses its arguments, calls the public Rust API, and writes the result out;
//! here are the few unsafe idioms, once. `panics` catches a panic before it reaches the host.
//!
//! This folder imports the names of `lib.rs`, `api`, `mock` and `error`, and nothing below them; nothing imports it. The
//! header is generated from it by `tests/header.rs`. Next: `api/mod.rs`.
//!
//! The doc comments of exported items are the header's documentation. What every function promises (who frees
//! what, threads, NULL) stands once at the top of the header, see `cbindgen.toml`, and is the safety contract of
//! each function here: pointers are NULL or valid, handles are live, strings end in a NUL.

#![allow(unsafe_code)]
#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)]

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use crate::api::validate;
use crate::error::{Error, ErrorKind};

mod panics;

// In the order of the header; the empty lines keep rustfmt from sorting them.
mod status;

mod credentials;

mod call;

mod request;

mod integrations;

mod token;

mod aws;

mod error;

mod cache;

mod config;

mod mock;

mod mock_request;

mod log;

mod diagnose;

mod version;

pub use aws::*;
pub use cache::*;
pub use call::*;
pub use config::*;
pub use credentials::*;
pub use diagnose::*;
pub use error::*;
pub use integrations::*;
pub use log::*;
pub use mock::*;
pub use mock_request::*;
pub use request::*;
pub use status::*;
pub use token::*;
pub use version::*;

/// Runs the body of a function that can fail. Reports through `error`, when it is not NULL, and the
/// status.
///
/// # Safety
///
/// `error` is NULL or valid for a write.
unsafe fn guard(error: *mut *mut cc_error, body: impl FnOnce() -> Result<(), Error>) -> cc_status {
    if !error.is_null() {
        // SAFETY: by the caller.
        unsafe { error.write(ptr::null_mut()) };
    }
    let failure = match panics::catch(body) {
        Some(Ok(())) => return CC_OK,
        Some(Err(failure)) => failure,
        None => Error::new(
            ErrorKind::Internal,
            "A bug in connectcreds was caught. Please report it.",
        ),
    };
    let status = status_of(failure.kind());
    if !error.is_null() {
        let handle = shield(ptr::null_mut(), || cc_error::new(failure));
        // SAFETY: by the caller.
        unsafe { error.write(handle) };
    }
    status
}

/// Runs the body of a function that cannot fail. Returns `fallback` if it panics.
fn shield<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    panics::catch(body).unwrap_or(fallback)
}

/// A string of the host: "" for NULL, an error that names `what` for one that is not accepted.
///
/// # Safety
///
/// `pointer` is NULL or points to a string that ends in a NUL and lives for `'a`.
unsafe fn string<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, Error> {
    // SAFETY: by the caller.
    let bytes = unsafe { bytes(pointer) }.unwrap_or_default();
    Ok(validate(bytes, what)?.unwrap_or_default())
}

/// A string of the host as it came; `None` for NULL.
///
/// # Safety
///
/// As [`string`].
unsafe fn bytes<'a>(pointer: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: by the caller.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// The place for a result, set to NULL; an error when there is none.
///
/// # Safety
///
/// `pointer` is NULL or valid for writes for `'a`.
unsafe fn out<'a, T>(pointer: *mut *mut T) -> Result<&'a mut *mut T, Error> {
    if !pointer.is_null() {
        // SAFETY: by the caller. Written before it is borrowed: the host may not have initialised it.
        unsafe { pointer.write(ptr::null_mut()) };
    }
    // SAFETY: by the caller.
    unsafe { pointer.as_mut() }
        .ok_or_else(|| Error::invalid_argument("The out-pointer for the result is NULL."))
}

/// A pointer to lend to the host.
fn lend(text: &CStr) -> *const c_char {
    text.as_ptr()
}

/// [`lend`], or NULL when there is nothing.
fn lend_or_null(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), lend)
}

/// A copy of `text` for C. Our own messages hold no NUL; should one do, it ends there.
fn c_string(text: &str) -> CString {
    let until_nul = text.split('\0').next().unwrap_or_default();
    CString::new(until_nul).unwrap_or_default()
}

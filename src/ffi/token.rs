//! `cc_token`: a shared, immutable token. A handle is the pointer of an `Arc<Token>`.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use super::{bytes, lend, lend_or_null, shield};
use crate::Token;

/// An access token and the rest of the server's response. Immutable: any thread may read and share
/// it. It is wiped from memory when its last handle is freed and the cache has dropped it.
#[derive(Debug)]
pub struct cc_token {
    _opaque: [u8; 0],
}

pub(super) fn into_handle(token: Arc<Token>) -> *mut cc_token {
    Arc::into_raw(token).cast_mut().cast()
}

/// The token of a handle.
///
/// # Safety
///
/// `token` is NULL or a live handle, and stays so for `'a`.
pub(super) unsafe fn token_of<'a>(token: *const cc_token) -> Option<&'a Token> {
    // SAFETY: by the caller; the handle is the pointer of an `Arc<Token>`.
    unsafe { token.cast::<Token>().as_ref() }
}

/// What `read` finds in the token, or `fallback` for NULL.
///
/// # Safety
///
/// `token` is NULL or a live handle.
unsafe fn read<T: Copy>(token: *const cc_token, fallback: T, read: impl FnOnce(&Token) -> T) -> T {
    // SAFETY: by the caller.
    let token = unsafe { token_of(token) };
    shield(fallback, || token.map_or(fallback, read))
}

/// Returns the token itself. A secret: do not print it.
///
/// @param token  the token; NULL gives NULL
/// @return the token, borrowed from the handle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_access_token(token: *const cc_token) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(token, ptr::null(), |token| lend(token.access_token_c_str())) }
}

/// Returns how the token is presented (RFC 6749, section 7.1).
///
/// @param token  the token; NULL gives NULL
/// @return the type, borrowed from the handle: "Bearer" when the server did not say;
///         "aws_credentials" for AWS
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_type(token: *const cc_token) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(token, ptr::null(), |token| lend(token.token_type_c_str())) }
}

/// Returns the type of token that was issued, as a URN.
///
/// @param token  the token; NULL gives NULL
/// @return one of the CC_TOKEN_TYPE_ URNs or another, borrowed from the handle; NULL when the server
///         did not say
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_issued_type(token: *const cc_token) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe {
        read(token, ptr::null(), |token| {
            lend_or_null(token.issued_type_c_str())
        })
    }
}

/// Returns when the token expires, by this machine's clock.
///
/// @param token  the token; NULL gives -1
/// @return Unix seconds, at most 253402300799 (the end of the year 9999); -1 when unknown
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_expires_at(token: *const cc_token) -> i64 {
    // SAFETY: the ABI's conventions.
    unsafe { read(token, -1, |token| token.expires_at().unwrap_or(-1)) }
}

/// Returns the value of the header Authorization that presents the token: "Bearer eyJ…". A secret:
/// do not print it.
///
/// @param token  the token; NULL gives NULL
/// @return the value, borrowed from the handle; NULL for types other than Bearer
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_authorization(token: *const cc_token) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe {
        read(token, ptr::null(), |token| {
            lend_or_null(token.authorization_c_str())
        })
    }
}

/// Returns the number of members of the server's response, for cc_token_field_name() and
/// cc_token_field_value().
///
/// @param token  the token; NULL gives 0
/// @return the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_field_count(token: *const cc_token) -> usize {
    // SAFETY: the ABI's conventions.
    unsafe { read(token, 0, |token| token.fields().len()) }
}

/// Returns the name of a member of the server's response.
///
/// @param token  the token; NULL gives NULL
/// @param index  from 0, in the order of the response
/// @return the name, borrowed from the handle; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_field_name(token: *const cc_token, index: usize) -> *const c_char {
    let name = |token: &Token| lend_or_null(token.field_at_c_str(index).map(|(name, _)| name));
    // SAFETY: the ABI's conventions.
    unsafe { read(token, ptr::null(), name) }
}

/// Returns the value of a member of the server's response: a string as it is, any other value, and a
/// string that contains a NUL, as JSON text.
///
/// @param token  the token; NULL gives NULL
/// @param index  from 0, in the order of the response
/// @return the value, borrowed from the handle; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_field_value(token: *const cc_token, index: usize) -> *const c_char {
    let value = |token: &Token| lend_or_null(token.field_at_c_str(index).map(|(_, value)| value));
    // SAFETY: the ABI's conventions.
    unsafe { read(token, ptr::null(), value) }
}

/// Returns the value of the named member of the server's response, in the form of
/// cc_token_field_value().
///
/// @param token  the token; NULL gives NULL
/// @param name   the member; NULL gives NULL
/// @return the value, borrowed from the handle; NULL when there is no such member
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_field(token: *const cc_token, name: *const c_char) -> *const c_char {
    // SAFETY: the ABI's conventions.
    let name = unsafe { bytes(name) }.and_then(|name| std::str::from_utf8(name).ok());
    let value = |token: &Token| lend_or_null(name.and_then(|name| token.field_c_str(name)));
    // SAFETY: the ABI's conventions.
    unsafe { read(token, ptr::null(), value) }
}

/// Returns another handle on the same token.
///
/// @param token  the token; NULL gives NULL
/// @return the handle, to be freed with cc_token_free() like the first
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_ref(token: *const cc_token) -> *mut cc_token {
    if !token.is_null() {
        // SAFETY: the handle is the pointer of a live `Arc<Token>`.
        unsafe { Arc::increment_strong_count(token.cast::<Token>()) };
    }
    token.cast_mut()
}

/// Frees a handle on a token, and with it every string borrowed from it. Other handles on the token
/// remain valid.
///
/// @param token  the handle; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_free(token: *mut cc_token) {
    if !token.is_null() {
        // SAFETY: the handle is the pointer of a live `Arc<Token>`, one count of which it owns.
        let token = unsafe { Arc::from_raw(token.cast_const().cast::<Token>()) };
        if let Some(last) = Arc::into_inner(token) {
            shield((), || drop(last));
        }
    }
}

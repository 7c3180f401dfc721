//! The calls that obtain a token.

use std::ffi::c_char;
use std::sync::Arc;

use super::{
    bytes, cc_error, cc_request, cc_status, cc_token, guard, into_handle, out, shield, with_request,
};
use crate::Token;
use crate::api;
use crate::api::credentials::{exchange_token_from_bytes, viewer_token_from_bytes};
use crate::api::request::Request;
use crate::error::Error;

/// Obtains a token and writes it out.
///
/// # Safety
///
/// Each pointer is NULL or valid, `request` a live handle.
unsafe fn get(
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
    get: impl FnOnce(&Request) -> Result<Arc<Token>, Error>,
) -> cc_status {
    // SAFETY: by the caller.
    unsafe {
        guard(error, || {
            let place = out(token)?;
            *place = into_handle(with_request(request, get)?);
            Ok(())
        })
    }
}

/// Whether a token can be obtained.
///
/// # Safety
///
/// `request` is NULL or a live handle.
unsafe fn has(request: *const cc_request, get: impl FnOnce(&Request) -> Result<Arc<Token>, Error>) -> bool {
    // SAFETY: by the caller.
    shield(false, || unsafe { with_request(request, get) }.is_ok())
}

/// Returns the token of the service account of an integration that is associated with this content.
///
/// @param request  the options; NULL: all from the environment
/// @param token    receives the token, to be freed with cc_token_free(); NULL is rejected
/// @param error    receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED,
///         CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT,
///         CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or CC_ERR_INTERNAL
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_service_account_token(
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { get(request, token, error, api::service_account_token) }
}

/// Returns the token of the person viewing the content.
///
/// @param session_token  the value of the header Posit-Connect-User-Session-Token of the viewer's
///                       HTTP request. NULL: there is no viewer's session, which is an error except
///                       inside a mock. "": there is one, but Connect sent no token
/// @param request        the options; NULL: all from the environment
/// @param token          receives the token, to be freed with cc_token_free(); NULL is rejected
/// @param error          receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NO_SESSION,
///         CC_ERR_NOT_SUPPORTED, CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS,
///         CC_ERR_TIMEOUT, CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or
///         CC_ERR_INTERNAL
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_viewer_token(
    session_token: *const c_char,
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        get(request, token, error, |request| {
            viewer_token_from_bytes(bytes(session_token), request)
        })
    }
}

/// Returns an OpenID Connect id token that identifies this content, for services that trust the
/// Connect server (workload identity).
///
/// @param request  the options; a requested token type other than CC_TOKEN_TYPE_ID_TOKEN is
///                 rejected; NULL: all from the environment
/// @param token    receives the token, to be freed with cc_token_free(); NULL is rejected
/// @param error    receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED,
///         CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT,
///         CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or CC_ERR_INTERNAL
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_workload_token(
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { get(request, token, error, api::workload_token) }
}

/// Performs any other exchange with the server's credential endpoint (RFC 8693), on Connect or not:
/// identity federation, for example. An API key is sent when the request or the environment has one.
///
/// @param subject_token       the token to exchange; NULL and "" are rejected
/// @param subject_token_type  its type, a URN; NULL and "" are rejected
/// @param request             the options; NULL: all from the environment
/// @param token               receives the token, to be freed with cc_token_free(); NULL is rejected
/// @param error               receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NO_SERVER, CC_ERR_NETWORK, CC_ERR_TLS,
///         CC_ERR_TIMEOUT, CC_ERR_CANCELLED, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or
///         CC_ERR_INTERNAL
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_exchange_token(
    subject_token: *const c_char,
    subject_token_type: *const c_char,
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        get(request, token, error, |request| {
            let subject_token = bytes(subject_token).unwrap_or_default();
            exchange_token_from_bytes(
                subject_token,
                bytes(subject_token_type).unwrap_or_default(),
                request,
            )
        })
    }
}

/// Returns whether cc_service_account_token() would succeed.
///
/// @param request  see cc_service_account_token()
/// @return true if a token is available
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_has_service_account_token(request: *const cc_request) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe { has(request, api::service_account_token) }
}

/// Returns whether cc_viewer_token() would succeed.
///
/// @param session_token  see cc_viewer_token()
/// @param request        see cc_viewer_token()
/// @return true if a token is available
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_has_viewer_token(
    session_token: *const c_char,
    request: *const cc_request,
) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe {
        has(request, |request| {
            viewer_token_from_bytes(bytes(session_token), request)
        })
    }
}

/// Returns whether cc_workload_token() would succeed.
///
/// @param request  see cc_workload_token()
/// @return true if a token is available
///
/// Blocks on a cache miss, until the server has responded or the timeout has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_has_workload_token(request: *const cc_request) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe { has(request, api::workload_token) }
}

/// Returns whether the process runs as content on Posit Connect (RSTUDIO_PRODUCT or POSIT_PRODUCT is
/// CONNECT) or Connect Cloud (POSIT_PRODUCT is CONNECT_CLOUD); inside a mock, whether the mock's
/// environment says so.
///
/// @return true if it does
#[unsafe(no_mangle)]
pub extern "C" fn cc_running_on_connect() -> bool {
    shield(false, api::running_on_connect)
}

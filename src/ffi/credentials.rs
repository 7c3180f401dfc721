//! The calls that get a token.

use std::ffi::c_char;
use std::sync::Arc;

use super::{
    bytes, cc_error, cc_request, cc_status, cc_token, guard, into_handle, out, shield, tell_log, with_request,
};
use crate::api;
use crate::api::request::Request;
use crate::error::Error;
use crate::oauth::token::Token;

/// Gets a token and writes it out.
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

/// Whether a token can be got.
///
/// # Safety
///
/// `request` is NULL or a live handle.
unsafe fn has(request: *const cc_request, get: impl FnOnce(&Request) -> Result<Arc<Token>, Error>) -> bool {
    // SAFETY: by the caller.
    let has = shield(false, || unsafe { with_request(request, get) }.is_ok());
    tell_log();
    has
}

/// Gets the token of the service account of an integration that is associated with this content.
///
/// @param request  what is asked for; NULL: all from the environment
/// @param token    where the token goes, to be freed with cc_token_free(); NULL is rejected
/// @param error    where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED, CC_ERR_NO_SERVER,
///         CC_ERR_NO_API_KEY, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT, CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or
///         CC_ERR_INTERNAL. Blocks until the server has answered or the request's time-out has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_service_account_token(
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { get(request, token, error, api::service_account_token) }
}

/// Gets the token of the person who looks at the content.
///
/// @param session_token  what Connect sent in the header Posit-Connect-User-Session-Token of the viewer's request;
///                       NULL: there is no viewer's session, but inside a mock there is one; "": there is one, and
///                       Connect sent no token
/// @param request        what is asked for; NULL: all from the environment
/// @param token          where the token goes, to be freed with cc_token_free(); NULL is rejected
/// @param error          where an error goes, to be freed with cc_error_free(); may be NULL
/// @return as cc_service_account_token(), and CC_ERR_NO_SESSION. Blocks as it does.
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
            api::viewer_token_of(bytes(session_token), request)
        })
    }
}

/// Gets an OpenID Connect id token that says which content this is, for services that trust the Connect server.
///
/// @param request  what is asked for; another requested token type than CC_TOKEN_TYPE_ID_TOKEN is rejected; NULL: all
///                 from the environment
/// @param token    where the token goes, to be freed with cc_token_free(); NULL is rejected
/// @param error    where an error goes, to be freed with cc_error_free(); may be NULL
/// @return as cc_service_account_token(). Blocks as it does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_workload_token(
    request: *const cc_request,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { get(request, token, error, api::workload_token) }
}

/// Whether cc_service_account_token() gives a token.
///
/// @param request  as there
/// @return true when it does. Blocks as it does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_has_service_account_token(request: *const cc_request) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe { has(request, api::service_account_token) }
}

/// Whether cc_viewer_token() gives a token.
///
/// @param session_token  as there
/// @param request        as there
/// @return true when it does. Blocks as it does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_has_viewer_token(
    session_token: *const c_char,
    request: *const cc_request,
) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe {
        has(request, |request| {
            api::viewer_token_of(bytes(session_token), request)
        })
    }
}

/// Whether cc_workload_token() gives a token.
///
/// @param request  as there
/// @return true when it does. Blocks as it does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_has_workload_token(request: *const cc_request) -> bool {
    // SAFETY: the ABI's conventions.
    unsafe { has(request, api::workload_token) }
}

/// Whether the process runs as content on Posit Connect (RSTUDIO_PRODUCT or POSIT_PRODUCT is CONNECT) or Connect Cloud
/// (POSIT_PRODUCT is CONNECT_CLOUD), or seems to, inside a mock.
///
/// @return true when it does. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_running_on_connect() -> bool {
    shield(false, api::running_on_connect)
}

/// Makes any other exchange with the server's credential endpoint (RFC 8693), on Connect or not: identity federation,
/// for one. The API key is sent when there is one.
///
/// @param subject_token       the token to exchange; NULL and "" are rejected
/// @param subject_token_type  its type, a URN; NULL and "" are rejected
/// @param request             what is asked for; NULL: all from the environment
/// @param token               where the token goes, to be freed with cc_token_free(); NULL is rejected
/// @param error               where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NO_SERVER, CC_ERR_NETWORK, CC_ERR_TLS, CC_ERR_TIMEOUT,
///         CC_ERR_REFUSED, CC_ERR_BAD_RESPONSE or CC_ERR_INTERNAL. Blocks as cc_service_account_token().
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
            api::exchange_token_of(
                subject_token,
                bytes(subject_token_type).unwrap_or_default(),
                request,
            )
        })
    }
}

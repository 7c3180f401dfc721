//! `cc_call`: calls that do not block, for event loops.

use std::ffi::{c_char, c_int};

use super::{
    bytes, cc_error, cc_request, cc_status, cc_token, guard, into_handle, out, shield, with_request,
};
use crate::api::credentials as start;
use crate::api::request::Request;
use crate::api::started::StartedCall;
use crate::error::Error;

/// A call that was started. Any thread may use it; one at a time may finish it.
///
/// A start reads the environment, looks into the cache and returns: no network, no file, no name
/// resolution. A cache hit is done at once. Otherwise a background thread of the library drives the
/// exchange. The timeout counts from the start; the request's cancel callback is not called.
///
/// In a child after fork(), a call that was not done has another descriptor, and exchanges the token
/// again when it is finished.
/// Inside a mock the call is done when it has started: the mock function is called by the start.
#[derive(Debug)]
pub struct cc_call {
    call: StartedCall,
}

/// Starts a call and writes it out.
///
/// # Safety
///
/// Each pointer is NULL or valid, `request` a live handle.
unsafe fn start_call(
    request: *const cc_request,
    call: *mut *mut cc_call,
    error: *mut *mut cc_error,
    start: impl FnOnce(&Request) -> Result<StartedCall, Error>,
) -> cc_status {
    // SAFETY: by the caller.
    unsafe {
        guard(error, || {
            let place = out(call)?;
            let call = with_request(request, start)?;
            *place = Box::into_raw(Box::new(cc_call { call }));
            Ok(())
        })
    }
}

/// Starts a call of cc_service_account_token().
///
/// @param request  the options, copied; NULL: all from the environment
/// @param call     receives the call, to be freed with cc_call_free(); NULL is rejected
/// @param error    receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, or a failure that needs no exchange: CC_ERR_INVALID_ARGUMENT,
///         CC_ERR_NOT_ON_CONNECT, CC_ERR_NOT_SUPPORTED, CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY,
///         CC_ERR_NETWORK (no background thread can be started), CC_ERR_REFUSED (remembered from
///         a moment ago) or CC_ERR_INTERNAL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_service_account_token_start(
    request: *const cc_request,
    call: *mut *mut cc_call,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { start_call(request, call, error, start::service_account_token_start) }
}

/// Starts a call of cc_viewer_token().
///
/// @param session_token  see cc_viewer_token()
/// @param request        the options, copied; NULL: all from the environment
/// @param call           receives the call, to be freed with cc_call_free(); NULL is rejected
/// @param error          receives an error, to be freed with cc_error_free(); may be NULL
/// @return see cc_service_account_token_start(), and CC_ERR_NO_SESSION
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_viewer_token_start(
    session_token: *const c_char,
    request: *const cc_request,
    call: *mut *mut cc_call,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        start_call(request, call, error, |request| {
            start::viewer_token_start_from_bytes(bytes(session_token), request)
        })
    }
}

/// Starts a call of cc_workload_token().
///
/// @param request  the options, copied; NULL: all from the environment
/// @param call     receives the call, to be freed with cc_call_free(); NULL is rejected
/// @param error    receives an error, to be freed with cc_error_free(); may be NULL
/// @return see cc_service_account_token_start()
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_workload_token_start(
    request: *const cc_request,
    call: *mut *mut cc_call,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { start_call(request, call, error, start::workload_token_start) }
}

/// Starts a call of cc_exchange_token().
///
/// @param subject_token       see cc_exchange_token()
/// @param subject_token_type  see cc_exchange_token()
/// @param request             the options, copied; NULL: all from the environment
/// @param call                receives the call, to be freed with cc_call_free(); NULL is rejected
/// @param error               receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_NO_SERVER, CC_ERR_NETWORK (no background thread
///         can be started), CC_ERR_REFUSED (remembered from a moment ago) or CC_ERR_INTERNAL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_exchange_token_start(
    subject_token: *const c_char,
    subject_token_type: *const c_char,
    request: *const cc_request,
    call: *mut *mut cc_call,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        start_call(request, call, error, |request| {
            start::exchange_token_start_from_bytes(
                bytes(subject_token).unwrap_or_default(),
                bytes(subject_token_type).unwrap_or_default(),
                request,
            )
        })
    }
}

/// Returns whether cc_call_finish() would return at once: there is a result, or the timeout has
/// passed.
///
/// @param call  the call; NULL gives false
/// @return true if it would
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_call_is_done(call: *const cc_call) -> bool {
    // SAFETY: the ABI's conventions.
    let call = unsafe { call.as_ref() };
    shield(false, || call.is_some_and(|call| call.call.is_done()))
}

/// Returns a descriptor that becomes readable when the call is done, for poll(), epoll and event
/// loops. The first request for it creates it. It belongs to the call: do not read, write or close
/// it; it closes with cc_call_free().
///
/// @param call  the call; NULL gives -1
/// @return the descriptor; -1 if none can be created, as always on Windows
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_call_fd(call: *mut cc_call) -> c_int {
    // SAFETY: the ABI's conventions.
    let call = unsafe { call.as_ref() };
    shield(-1, || call.map_or(-1, |call| call.call.descriptor()))
}

/// Returns the result of a call; a second time, the same again.
///
/// @param call   the call; NULL is rejected, and so is one that another thread is finishing
/// @param token  receives the token, to be freed with cc_token_free(); NULL is rejected
/// @param error  receives an error, to be freed with cc_error_free(); may be NULL
/// @return the statuses of the function without _start
///
/// Blocks until the call is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_call_finish(
    call: *mut cc_call,
    token: *mut *mut cc_token,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        guard(error, || {
            let place = out(token)?;
            let call = call
                .as_ref()
                .ok_or_else(|| Error::invalid_argument("The call is NULL."))?;
            *place = into_handle(call.call.finish()?);
            Ok(())
        })
    }
}

/// Frees a call. One that is not done leaves its exchange, as a cancelled call does: others that
/// wait for it are not affected.
///
/// @param call  the call; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_call_free(call: *mut cc_call) {
    if !call.is_null() {
        // SAFETY: made by `Box::into_raw` in `start_call`, and freed once.
        shield((), || drop(unsafe { Box::from_raw(call) }));
    }
}

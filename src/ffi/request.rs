//! `cc_request`: a builder, so that no host mirrors a struct's layout.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::time::Duration;

use super::{cc_status, guard, shield, string};
use crate::api::request::Request;
use crate::error::Error;

/// What is asked for, and of whom. What is not set comes from the environment, or is not sent.
///
/// Values are copied in; setting again replaces; NULL or "" takes a value away. A value that is rejected is
/// reported by its setter, and again by every later call with the request: ignoring a setter's status never sends a
/// request that lacks what it was told. Once set up, one request may serve many threads; while it is being set up,
/// one thread at a time may use it.
#[derive(Debug, Default)]
pub struct cc_request {
    request: Request,
    rejected: Option<Error>,
}

static NOTHING_SET: Request = Request::new();

/// The request to work with: as the host set it up, empty for NULL, or the error it was poisoned with.
///
/// # Safety
///
/// `request` is NULL or a live handle.
pub(super) unsafe fn with_request<T>(
    request: *const cc_request,
    work: impl FnOnce(&Request) -> Result<T, Error>,
) -> Result<T, Error> {
    // SAFETY: by the caller.
    match unsafe { request.as_ref() } {
        None => work(&NOTHING_SET),
        Some(cc_request {
            rejected: Some(why), ..
        }) => Err(why.clone()),
        Some(cc_request { request, .. }) => work(request),
    }
}

/// Changes the request, or poisons it.
///
/// # Safety
///
/// `request` is NULL or a live handle that no other thread uses.
unsafe fn change(
    request: *mut cc_request,
    change: impl FnOnce(&mut Request) -> Result<(), Error>,
) -> cc_status {
    let body = || {
        // SAFETY: by the caller.
        let request =
            unsafe { request.as_mut() }.ok_or_else(|| Error::invalid_argument("The request is NULL."))?;
        change(&mut request.request).inspect_err(|why| {
            request.rejected.get_or_insert_with(|| why.clone());
        })
    };
    // SAFETY: no error is asked for.
    unsafe { guard(ptr::null_mut(), body) }
}

/// Makes a request in which nothing is set.
///
/// @return the request, never NULL, to be freed with cc_request_free(). Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_request_new() -> *mut cc_request {
    shield(ptr::null_mut(), || Box::into_raw(Box::default()))
}

/// Frees a request. Tokens that came of it live on.
///
/// @param request  the request; NULL is a no-op. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_free(request: *mut cc_request) {
    if !request.is_null() {
        // SAFETY: made by `Box::into_raw` in `cc_request_new`, and freed once.
        shield((), || drop(unsafe { Box::from_raw(request) }));
    }
}

/// Sets the service that the token is for, by its URL (RFC 8693, section 2.1).
///
/// @param request   the request; NULL is rejected
/// @param resource  NULL or "": none
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_resource(
    request: *mut cc_request,
    resource: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_resource(string(resource, "resource")?).map(drop)
        })
    }
}

/// Sets the scopes wanted, separated by spaces (RFC 8693, section 2.1).
///
/// @param request  the request; NULL is rejected
/// @param scope    NULL or "": none
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_scope(request: *mut cc_request, scope: *const c_char) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_scope(string(scope, "scope")?).map(drop)
        })
    }
}

/// Sets which of the integrations that are associated with the content is meant. It names the integration, not the service
/// that takes the token: whom a workload token is for, its claim "aud", the integration says. Connect 2025.07 and later.
///
/// @param request   the request; NULL is rejected
/// @param audience  the integration's GUID; NULL or "": Connect chooses
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_audience(
    request: *mut cc_request,
    audience: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_audience(string(audience, "audience")?).map(drop)
        })
    }
}

/// Sets the type of token wanted.
///
/// @param request     the request; NULL is rejected
/// @param token_type  one of the CC_TOKEN_TYPE_ URNs, or another; NULL or "": what the server issues unasked, an
///                    access token
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_requested_token_type(
    request: *mut cc_request,
    token_type: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request
                .set_requested_token_type(string(token_type, "requested token type")?)
                .map(drop)
        })
    }
}

/// Sets the content session token to exchange for a service account or workload token.
///
/// @param request        the request; NULL is rejected
/// @param content_token  NULL or "": from CONNECT_CONTENT_SESSION_TOKEN_FILE or CONNECT_CONTENT_SESSION_TOKEN
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_content_token(
    request: *mut cc_request,
    content_token: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request
                .set_content_token(string(content_token, "content session token")?)
                .map(drop)
        })
    }
}

/// Sets the Connect server.
///
/// @param request     the request; NULL is rejected
/// @param server_url  http:// or https://, with or without a path, trailing slashes or /__api__; no user, password,
///                    query or fragment. NULL or "": from CONNECT_SERVER
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_server_url(
    request: *mut cc_request,
    server_url: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request
                .set_server_url(string(server_url, "server URL")?)
                .map(drop)
        })
    }
}

/// Sets the Connect API key.
///
/// @param request  the request; NULL is rejected
/// @param api_key  NULL or "": from CONNECT_API_KEY
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_api_key(
    request: *mut cc_request,
    api_key: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_api_key(string(api_key, "API key")?).map(drop)
        })
    }
}

/// Sets any further form parameter. One with a setter of its own, and grant_type, subject_token and
/// subject_token_type, are rejected.
///
/// @param request  the request; NULL is rejected
/// @param name     the parameter; NULL and "" are rejected
/// @param value    NULL or "": the parameter is not sent
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_param(
    request: *mut cc_request,
    name: *const c_char,
    value: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            let name = string(name, "parameter's name")?;
            request
                .set_param(name, string(value, "parameter's value")?)
                .map(drop)
        })
    }
}

/// Sets how long a call with this request may take.
///
/// @param request       the request; NULL is rejected
/// @param milliseconds  0: as set for the process by cc_config_set_timeout_ms(), 20,000 by default
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_timeout_ms(request: *mut cc_request, milliseconds: u32) -> cc_status {
    let timeout = Duration::from_millis(milliseconds.into());
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_timeout(timeout);
            Ok(())
        })
    }
}

/// Sets how long the token should live on. When the server has nothing better, what it has is given all the same: read
/// cc_token_expires_at().
///
/// @param request  the request; NULL is rejected
/// @param seconds  0: no more than the library's own margin, 60 seconds or a tenth of the token's life
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_min_validity_s(request: *mut cc_request, seconds: u32) -> cc_status {
    let min_validity = Duration::from_secs(seconds.into());
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_min_validity(min_validity);
            Ok(())
        })
    }
}

/// Sets whether the server is asked even if a good token is cached. A call may join an exchange that is under way; when
/// it fails, the cached token stays for other calls.
///
/// @param request        the request; NULL is rejected
/// @param force_refresh  false is the default
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_force_refresh(
    request: *mut cc_request,
    force_refresh: bool,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_force_refresh(force_refresh);
            Ok(())
        })
    }
}

/// Sets whether calls go past the check that the process runs on Connect, as if it did: for tests that pretend to. What
/// Connect would provide has to come from the request, the environment or a mock.
///
/// @param request     the request; NULL is rejected
/// @param on_connect  false is the default: the environment tells
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_on_connect(request: *mut cc_request, on_connect: bool) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            request.set_on_connect(on_connect);
            Ok(())
        })
    }
}

/// Asked while a call waits; true ends the call with CC_ERR_CANCELLED. It may call the library, and may fork.
pub type cc_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> bool>;

/// The host's callback and what it wants to be called with.
struct CallbackSlot {
    function: unsafe extern "C" fn(*mut c_void) -> bool,
    user_data: *mut c_void,
}

// SAFETY: the host was told that the callback is called on every thread that makes a call with the request.
unsafe impl Send for CallbackSlot {}
// SAFETY: as above.
unsafe impl Sync for CallbackSlot {}

impl CallbackSlot {
    fn call(&self) -> bool {
        // SAFETY: the host keeps the function and its data for as long as it uses the request.
        unsafe { (self.function)(self.user_data) }
    }
}

/// Sets a callback that can end a call while it waits. It is called on the thread that makes the call, at least every
/// 100 ms; an exchange that others wait for goes on.
///
/// @param request    the request; NULL is rejected
/// @param cancelled  NULL: none
/// @param user_data  given to the callback; may be NULL. The caller keeps it while calls with this request wait
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_cancel(
    request: *mut cc_request,
    cancelled: cc_cancel_fn,
    user_data: *mut c_void,
) -> cc_status {
    let callback = cancelled.map(|function| CallbackSlot { function, user_data });
    // SAFETY: the ABI's conventions.
    unsafe {
        change(request, |request| {
            match callback {
                Some(callback) => request.set_cancelled(move || callback.call()),
                None => request.set_not_cancelled(),
            };
            Ok(())
        })
    }
}

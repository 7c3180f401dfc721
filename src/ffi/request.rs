//! `cc_request`: the options of a call, as a builder, so that no host mirrors a struct's layout.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use super::config::not_negative;
use super::{bytes, cc_error, cc_status, guard, shield, string};
use crate::api::request::Request;
use crate::error::Error;

/// Options for a token call. Anything left unset is read from the environment or omitted from the
/// HTTP request.
///
/// Values are copied. Setting an option again replaces its value; NULL or "" removes it. A value
/// that is rejected is reported by its setter, and again by every later call with the request, until
/// a good value is set: ignoring a setter's status never sends a request that lacks what it was
/// told.
///
/// Once set up, one request may serve many threads. While a setter runs, no other thread may use the
/// request. Do not free it while another thread is inside a call with it, nor from a log callback or
/// a mock function inside such a call. Its own cancel callback may replace or remove itself and may
/// free the request.
#[derive(Debug, Default, Clone)]
pub struct cc_request {
    /// Shared with copies, and with a call whose callbacks may change or free this.
    request: Arc<Request>,
    /// In the order in which they were rejected.
    rejected: Vec<(Setting, Error)>,
}

/// The value that a setter sets.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Setting {
    Named(&'static str),
    /// A further form parameter, by its name as it came.
    Param(Box<[u8]>),
}

static NOTHING_SET: Request = Request::new();

/// Calls `work` with the request as the host set it up, empty for NULL; the error of a value that
/// was rejected.
///
/// # Safety
///
/// `request` is NULL or a live handle.
pub(super) unsafe fn with_request<T>(
    request: *const cc_request,
    work: impl FnOnce(&Request) -> Result<T, Error>,
) -> Result<T, Error> {
    // SAFETY: by the caller.
    let Some(set_up) = (unsafe { request.as_ref() }) else {
        return work(&NOTHING_SET);
    };
    if let Some((_, why)) = set_up.rejected.first() {
        return Err(why.clone());
    }
    if set_up.request.cancelled.is_none() {
        return work(&set_up.request);
    }
    // The callback may change or free the request.
    let held = set_up.request.clone();
    work(&held)
}

/// Sets an option. A rejected value is remembered, and an earlier rejection forgotten once a good
/// one is set.
///
/// # Safety
///
/// `request` is NULL or a live handle that no other thread uses.
unsafe fn set(
    request: *mut cc_request,
    option: Setting,
    set: impl FnOnce(&mut Request) -> Result<(), Error>,
) -> cc_status {
    let body = || {
        // SAFETY: by the caller.
        let request =
            unsafe { request.as_mut() }.ok_or_else(|| Error::invalid_argument("The request is NULL."))?;
        let result = set(Arc::make_mut(&mut request.request));
        request.rejected.retain(|(rejected, _)| *rejected != option);
        if let Err(why) = &result {
            request.rejected.push((option, why.clone()));
        }
        result
    };
    // SAFETY: no error is asked for.
    unsafe { guard(ptr::null_mut(), body) }
}

/// Sets an option that is text.
///
/// # Safety
///
/// As [`set`]; `value` is NULL or a string that ends in a NUL.
unsafe fn set_text(
    request: *mut cc_request,
    name: &'static str,
    value: *const c_char,
    set_text: impl FnOnce(&mut Request, &str) -> Result<(), Error>,
) -> cc_status {
    // SAFETY: by the caller.
    unsafe {
        set(request, Setting::Named(name), |request| {
            set_text(request, string(value, name)?)
        })
    }
}

/// Creates a request in which nothing is set.
///
/// @return the request, to be freed with cc_request_free()
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn cc_request_new() -> *mut cc_request {
    shield(ptr::null_mut(), || Box::into_raw(Box::default()))
}

/// Copies a request, rejected values included: for an option of one call, such as its cancel
/// callback, on top of options of all calls. Cheap: values are shared until one of the two changes.
///
/// @param request  the request; NULL gives a request in which nothing is set
/// @return the copy, to be freed with cc_request_free()
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_copy(request: *const cc_request) -> *mut cc_request {
    // SAFETY: the ABI's conventions.
    let request = unsafe { request.as_ref() };
    shield(ptr::null_mut(), || {
        Box::into_raw(Box::new(request.cloned().unwrap_or_default()))
    })
}

/// Frees a request. Tokens obtained with it remain valid.
///
/// @param request  the request; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_free(request: *mut cc_request) {
    if !request.is_null() {
        // SAFETY: made by `Box::into_raw` above, and freed once.
        shield((), || drop(unsafe { Box::from_raw(request) }));
    }
}

/// Checks that no setter has rejected a value which was not replaced by a good one since.
///
/// @param request  the request; NULL gives CC_OK
/// @param error    receives the error of the first such value, to be freed with cc_error_free(); may
///                 be NULL
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_check(
    request: *const cc_request,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { guard(error, || with_request(request, |_| Ok(()))) }
}

/// Sets the service that the token is for, by its URL (RFC 8693, section 2.1).
///
/// @param request   the request; NULL is rejected
/// @param resource  NULL or "": none
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_resource(
    request: *mut cc_request,
    resource: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(request, "resource", resource, |request, resource| {
            request.set_resource(resource).map(drop)
        })
    }
}

/// Sets the requested scopes, separated by spaces (RFC 8693, section 2.1).
///
/// @param request  the request; NULL is rejected
/// @param scope    NULL or "": none
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_scope(request: *mut cc_request, scope: *const c_char) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(request, "scope", scope, |request, scope| {
            request.set_scope(scope).map(drop)
        })
    }
}

/// Sets the integration to use, where several are associated with the content. It names the
/// integration, not the service that receives the token: a workload token's "aud" claim is
/// configured in the integration. Connect 2025.07 and later.
///
/// @param request   the request; NULL is rejected
/// @param audience  the integration's GUID; NULL or "": Connect chooses
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_audience(
    request: *mut cc_request,
    audience: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(request, "audience", audience, |request, audience| {
            request.set_audience(audience).map(drop)
        })
    }
}

/// Sets which integration to use, where several are associated with the content: by its name, by its
/// template ("databricks") where only one has it, or by its GUID. Connect 2025.07 and later.
///
/// A name matches exactly, otherwise without regard to case and surrounding space. Of two with one
/// name, the one of the call's kind is used: a viewer call's is the viewer's. If nothing matches, or
/// several still do, the call fails with CC_ERR_REFUSED and a message that lists the integrations.
///
/// A call looks a name up as part of its exchange, within its timeout, for which the API key needs a
/// publisher's rights; the list is kept for five minutes. Without CONNECT_CONTENT_GUID the call
/// fails with CC_ERR_NOT_SUPPORTED. A GUID is sent as the audience, without a lookup. Tokens are
/// cached by the integration as it is given here.
///
/// @param request       the request; NULL is rejected
/// @param name_or_guid  NULL or "": none. Rejected while an audience is set, as is an audience while
///                      an integration is set
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_integration(
    request: *mut cc_request,
    name_or_guid: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(request, "integration", name_or_guid, |request, integration| {
            request.set_integration(integration).map(drop)
        })
    }
}

/// Sets the requested token type.
///
/// @param request     the request; NULL is rejected
/// @param token_type  one of the CC_TOKEN_TYPE_ URNs, or another; NULL or "": an access token
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_requested_token_type(
    request: *mut cc_request,
    token_type: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(
            request,
            "requested token type",
            token_type,
            |request, token_type| request.set_requested_token_type(token_type).map(drop),
        )
    }
}

/// Sets the content session token that is exchanged for a service account or workload token.
///
/// @param request        the request; NULL is rejected
/// @param content_token  NULL or "": from CONNECT_CONTENT_SESSION_TOKEN_FILE or
///                       CONNECT_CONTENT_SESSION_TOKEN
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_content_token(
    request: *mut cc_request,
    content_token: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(
            request,
            "content session token",
            content_token,
            |request, token| request.set_content_token(token).map(drop),
        )
    }
}

/// Sets the Connect server.
///
/// @param request     the request; NULL is rejected
/// @param server_url  http:// or https://, with or without a path, trailing slashes or /__api__,
///                    without user, password, query or fragment; NULL or "": from CONNECT_SERVER
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_server_url(
    request: *mut cc_request,
    server_url: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(request, "server URL", server_url, |request, url| {
            request.set_server_url(url).map(drop)
        })
    }
}

/// Sets the Connect API key.
///
/// @param request  the request; NULL is rejected
/// @param api_key  NULL or "": from CONNECT_API_KEY
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_api_key(
    request: *mut cc_request,
    api_key: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set_text(request, "API key", api_key, |request, key| {
            request.set_api_key(key).map(drop)
        })
    }
}

/// Sets any other form parameter. A parameter with a setter of its own, and grant_type,
/// subject_token and subject_token_type, are rejected.
///
/// @param request  the request; NULL is rejected
/// @param name     the parameter; NULL and "" are rejected
/// @param value    NULL or "": the parameter is not sent
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. A name that is rejected once is rejected for the life
///         of the request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_param(
    request: *mut cc_request,
    name: *const c_char,
    value: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    let option = Setting::Param(unsafe { bytes(name) }.unwrap_or_default().into());
    // SAFETY: as above.
    unsafe {
        set(request, option, |request| {
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
/// @param milliseconds  at most INT32_MAX; 0: as set by cc_config_set_timeout_ms(), 20,000 by
///                      default. For what is left of a deadline, which may be nothing, use
///                      cc_request_set_time_left_ms()
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_timeout_ms(request: *mut cc_request, milliseconds: u32) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set(request, Setting::Named("timeout"), |request| {
            let milliseconds = not_negative(milliseconds, "timeout")?;
            let timeout = Duration::from_millis(milliseconds.into());
            request.set_timeout((!timeout.is_zero()).then_some(timeout));
            Ok(())
        })
    }
}

/// Sets how long a call with this request may take to what is left of the caller's own deadline. In
/// contrast to cc_request_set_timeout_ms(), 0 is not the default: when no time is left, a call does
/// not wait. It returns a cached token or fails with CC_ERR_TIMEOUT.
///
/// @param request       the request; NULL is rejected
/// @param milliseconds  0 and less: no time is left
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_time_left_ms(
    request: *mut cc_request,
    milliseconds: i64,
) -> cc_status {
    // As long as a timeout can be.
    let milliseconds = milliseconds.clamp(0, i32::MAX.into()).unsigned_abs();
    // SAFETY: the ABI's conventions.
    unsafe {
        set(request, Setting::Named("timeout"), |request| {
            request.set_timeout(Duration::from_millis(milliseconds));
            Ok(())
        })
    }
}

/// Sets the minimum remaining lifetime of the token. Best effort: if the server cannot do better,
/// its token is returned anyway; check cc_token_expires_at().
///
/// @param request  the request; NULL is rejected
/// @param seconds  at most INT32_MAX; 0: no more than the library's own margin, 60 seconds or a
///                 tenth of the token's lifetime
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_min_validity_s(request: *mut cc_request, seconds: u32) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set(request, Setting::Named("minimum validity"), |request| {
            let seconds = not_negative(seconds, "minimum validity")?;
            request.set_min_validity(Duration::from_secs(seconds.into()));
            Ok(())
        })
    }
}

/// Sets whether the server is asked even if a good token is cached. A call may join an exchange in
/// progress; if it fails, the cached token stays for other calls.
///
/// @param request        the request; NULL is rejected
/// @param force_refresh  false is the default
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_force_refresh(
    request: *mut cc_request,
    force_refresh: bool,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set(request, Setting::Named("force refresh"), |request| {
            request.set_force_refresh(force_refresh);
            Ok(())
        })
    }
}

/// Skips the check that the process runs on Connect. Intended for tests: what Connect would provide
/// has to come from the request, the environment or a mock.
///
/// @param request     the request; NULL is rejected
/// @param on_connect  true skips the check; false is the default
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_on_connect(request: *mut cc_request, on_connect: bool) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        set(request, Setting::Named("on Connect"), |request| {
            request.set_on_connect(on_connect);
            Ok(())
        })
    }
}

/// Decides whether a waiting call ends. It may call the library, replace or remove itself, free the
/// request, and fork; calls that it makes itself ask no cancel callback. It must not leave by
/// longjmp(), a C++ exception or pthread_exit().
///
/// @param user_data  as it was given to cc_request_set_cancel()
/// @return true ends the call with CC_ERR_CANCELLED
pub type cc_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> bool>;

/// The host's callback and its argument.
struct Callback {
    function: unsafe extern "C" fn(*mut c_void) -> bool,
    user_data: *mut c_void,
}

// SAFETY: the header says that the callback is called on every thread that makes a call with the request.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self) -> bool {
        // SAFETY: the host keeps the function and its data while calls with the request wait.
        unsafe { (self.function)(self.user_data) }
    }
}

/// Sets a callback that can end a call while it waits. It is called on the thread that makes the
/// call: once before the call blocks, also inside a mock, and then at least every 100 ms. An
/// exchange that other calls wait for continues. A call holds the callback it began with: replacing
/// it takes effect with the next call.
///
/// @param request    the request; NULL is rejected
/// @param cancelled  the callback; NULL removes it
/// @param user_data  passed to the callback; may be NULL. It must stay valid until every call that
///                   began with this callback has returned
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_request_set_cancel(
    request: *mut cc_request,
    cancelled: cc_cancel_fn,
    user_data: *mut c_void,
) -> cc_status {
    let callback = cancelled.map(|function| Callback { function, user_data });
    // SAFETY: the ABI's conventions.
    unsafe {
        set(request, Setting::Named("cancel callback"), |request| {
            match callback {
                Some(callback) => request.set_cancelled(move || callback.call()),
                None => request.set_not_cancelled(),
            };
            Ok(())
        })
    }
}

//! `cc_mock_request` and `cc_mock_reply`: the request that a mock function receives, and its reply.

use std::ffi::c_char;
use std::ptr;

use super::mock::response_of;
use super::{bytes, lend, lend_or_null, shield, string};
use crate::error::Error;
use crate::mock::backend::MockResponse;
use crate::mock::request::MockRequest;

/// An HTTP request that a mock function responds to, as it would be sent. It is valid until the
/// function returns, as are the strings borrowed from it.
#[derive(Debug)]
pub struct cc_mock_request {
    _opaque: [u8; 0],
}

/// Takes the response of a mock function. It is valid until the function returns.
#[derive(Debug, Default)]
pub struct cc_mock_reply {
    response: Option<Result<MockResponse, Error>>,
    /// In the order of the calls, which may come before or after the response.
    headers: Vec<Result<(String, String), Error>>,
}

impl cc_mock_reply {
    /// The response with its headers; `None` when none was set.
    pub(super) fn into_response(self) -> Result<Option<MockResponse>, Error> {
        let Some(response) = self.response else {
            return Ok(None);
        };
        let mut response = response?;
        for header in self.headers {
            let (name, value) = header?;
            response.set_header(&name, &value)?;
        }
        Ok(Some(response))
    }
}

/// What `read` finds in the request, or `fallback` for NULL.
///
/// # Safety
///
/// `request` is NULL or was given to a mock function that has not returned.
unsafe fn read<T: Copy>(
    request: *const cc_mock_request,
    fallback: T,
    read: impl FnOnce(&MockRequest) -> T,
) -> T {
    // SAFETY: by the caller; the handle is the pointer of a `MockRequest`.
    let request = unsafe { request.cast::<MockRequest>().as_ref() };
    shield(fallback, || request.map_or(fallback, read))
}

/// Returns the URL the request would be sent to.
///
/// @param request  the request; NULL gives NULL
/// @return the URL of the credential endpoint, or of the list of the content's integrations;
///         borrowed from the request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_url(request: *const cc_mock_request) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), |request| lend(request.url_c_str())) }
}

/// Returns the request's method.
///
/// @param request  the request; NULL gives NULL
/// @return "POST" for an exchange, "GET" for the list of the content's integrations; borrowed from
///         the request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_method(request: *const cc_mock_request) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), |request| lend(request.method_c_str())) }
}

/// Returns the value of a header: Authorization, Accept, Content-Type or User-Agent.
///
/// @param request  the request; NULL gives NULL
/// @param name     the header, without regard to case; NULL gives NULL
/// @return the value, borrowed from the request; NULL when the header is not sent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_header(
    request: *const cc_mock_request,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    let name = unsafe { bytes(name) }.and_then(|name| std::str::from_utf8(name).ok());
    let value = |request: &MockRequest| lend_or_null(name.and_then(|name| request.header_c_str(name)));
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), value) }
}

/// Returns the number of headers, for cc_mock_request_header_name() and
/// cc_mock_request_header_value().
///
/// @param request  the request; NULL gives 0
/// @return the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_header_count(request: *const cc_mock_request) -> usize {
    // SAFETY: the ABI's conventions.
    unsafe { read(request, 0, |request| request.headers().len()) }
}

/// Returns the name of a header.
///
/// @param request  the request; NULL gives NULL
/// @param index    from 0
/// @return the name, borrowed from the request; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_header_name(
    request: *const cc_mock_request,
    index: usize,
) -> *const c_char {
    let name = |request: &MockRequest| lend_or_null(request.header_at_c_str(index).map(|(name, _)| name));
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), name) }
}

/// Returns the value of a header.
///
/// @param request  the request; NULL gives NULL
/// @param index    from 0
/// @return the value, borrowed from the request; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_header_value(
    request: *const cc_mock_request,
    index: usize,
) -> *const c_char {
    let value = |request: &MockRequest| lend_or_null(request.header_at_c_str(index).map(|(_, value)| value));
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), value) }
}

/// Returns the decoded value of a form parameter: "grant_type", "subject_token", "resource" and so
/// on.
///
/// @param request  the request; NULL gives NULL
/// @param name     the parameter; NULL gives NULL
/// @return the value, borrowed from the request; NULL when the parameter is not sent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_param(
    request: *const cc_mock_request,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    let name = unsafe { bytes(name) }.and_then(|name| std::str::from_utf8(name).ok());
    let value = |request: &MockRequest| lend_or_null(name.and_then(|name| request.param_c_str(name)));
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), value) }
}

/// Returns the number of form parameters, for cc_mock_request_param_name() and
/// cc_mock_request_param_value().
///
/// @param request  the request; NULL gives 0
/// @return the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_param_count(request: *const cc_mock_request) -> usize {
    // SAFETY: the ABI's conventions.
    unsafe { read(request, 0, |request| request.params().len()) }
}

/// Returns the decoded name of a form parameter.
///
/// @param request  the request; NULL gives NULL
/// @param index    from 0, in the order in which they are sent
/// @return the name, borrowed from the request; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_param_name(
    request: *const cc_mock_request,
    index: usize,
) -> *const c_char {
    let name = |request: &MockRequest| lend_or_null(request.param_at_c_str(index).map(|(name, _)| name));
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), name) }
}

/// Returns the decoded value of a form parameter.
///
/// @param request  the request; NULL gives NULL
/// @param index    from 0, in the order in which they are sent
/// @return the value, borrowed from the request; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_param_value(
    request: *const cc_mock_request,
    index: usize,
) -> *const c_char {
    let value = |request: &MockRequest| lend_or_null(request.param_at_c_str(index).map(|(_, value)| value));
    // SAFETY: the ABI's conventions.
    unsafe { read(request, ptr::null(), value) }
}

/// Sets the response; copied. The last call counts. A status outside 100 to 599, or a content type
/// that is not UTF-8 or holds a control character, fails the call that asks with CC_ERR_INTERNAL.
///
/// @param reply         the reply; NULL is a no-op
/// @param status        the HTTP status, from 100 to 599
/// @param content_type  NULL or "": application/json
/// @param body          any text, line breaks included; NULL: empty
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_reply_set(
    reply: *mut cc_mock_reply,
    status: i32,
    content_type: *const c_char,
    body: *const c_char,
) {
    // SAFETY: the ABI's conventions.
    if let Some(reply) = unsafe { reply.as_mut() } {
        shield((), || {
            // SAFETY: the ABI's conventions.
            reply.response = Some(unsafe { response_of(status, content_type, body) });
        });
    }
}

/// Sets a header of the response, before or after cc_mock_reply_set(); copied. Setting a header
/// again replaces its value. Those that the library reads are Retry-After, X-Request-Id,
/// Content-Type and Location. A name that is not a header's, or a value that is not UTF-8 or holds a
/// control character, fails the call that asks with CC_ERR_INTERNAL.
///
/// @param reply  the reply; NULL is a no-op
/// @param name   the header, without regard to case
/// @param value  NULL or "": the header is not sent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_reply_set_header(
    reply: *mut cc_mock_reply,
    name: *const c_char,
    value: *const c_char,
) {
    // SAFETY: the ABI's conventions.
    if let Some(reply) = unsafe { reply.as_mut() } {
        shield((), || {
            // SAFETY: the ABI's conventions.
            let header = unsafe {
                string(name, "mocked header's name").and_then(|name| {
                    let value = string(value, "mocked header's value")?;
                    Ok((name.to_owned(), value.to_owned()))
                })
            };
            reply.headers.push(header);
        });
    }
}

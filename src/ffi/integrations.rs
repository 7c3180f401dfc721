//! `cc_integrations`: the integrations that are associated with the content.

use std::ffi::{CString, c_char};
use std::ptr;

use super::request::with_request;
use super::{c_string, cc_error, cc_request, cc_status, guard, lend_or_null, out, shield};
use crate::Integration;
use crate::api;

/// The OAuth integrations that are associated with the content. Immutable: any thread may read it.
#[derive(Debug)]
pub struct cc_integrations {
    list: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    guid: CString,
    name: Option<CString>,
    description: Option<CString>,
    template: Option<CString>,
    auth_type: Option<CString>,
}

impl Entry {
    fn new(integration: &Integration) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(c_string);
        Self {
            guid: c_string(&integration.guid),
            name: optional(&integration.name),
            description: optional(&integration.description),
            template: optional(&integration.template),
            auth_type: optional(&integration.auth_type),
        }
    }
}

/// Lists the OAuth integrations that are associated with this content, which CONNECT_CONTENT_GUID
/// names, in the server's order. The API key needs a publisher's rights for the content; the key
/// that Connect gives to content has them.
///
/// The list is kept for five minutes, together with the one by which calls find an integration. The
/// request's server, API key, timeout and cancel callback are used; with
/// cc_request_set_force_refresh() the server is asked again.
///
/// @param request       NULL: everything from the environment
/// @param integrations  receives the list, which may be empty, to be freed with
///                      cc_integrations_free(); NULL is rejected
/// @param error         receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT; CC_ERR_NO_SERVER, CC_ERR_NO_API_KEY;
///         CC_ERR_NOT_SUPPORTED when CONNECT_CONTENT_GUID is not set; CC_ERR_NETWORK, CC_ERR_TLS,
///         CC_ERR_TIMEOUT, CC_ERR_CANCELLED; CC_ERR_REFUSED, also when the API key has no right to
///         list them; CC_ERR_BAD_RESPONSE, CC_ERR_INTERNAL
///
/// Blocks until the server has responded or the timeout has passed, unless a list is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_list(
    request: *const cc_request,
    integrations: *mut *mut cc_integrations,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        guard(error, || {
            let place = out(integrations)?;
            let list = with_request(request, api::integrations)?;
            let list = list.iter().map(Entry::new).collect();
            *place = Box::into_raw(Box::new(cc_integrations { list }));
            Ok(())
        })
    }
}

/// Returns the number of integrations.
///
/// @param integrations  the list; NULL gives 0
/// @return the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_count(integrations: *const cc_integrations) -> usize {
    // SAFETY: the ABI's conventions.
    let handle = unsafe { integrations.as_ref() };
    shield(0, || handle.map_or(0, |handle| handle.list.len()))
}

/// A text of one integration, NULL when there is none.
///
/// # Safety
///
/// `integrations` is NULL or a live handle.
unsafe fn text(
    integrations: *const cc_integrations,
    index: usize,
    text: impl FnOnce(&Entry) -> Option<&CString>,
) -> *const c_char {
    // SAFETY: by the caller.
    let handle = unsafe { integrations.as_ref() };
    shield(ptr::null(), || {
        let entry = handle.and_then(|handle| handle.list.get(index));
        lend_or_null(entry.and_then(text).map(CString::as_c_str))
    })
}

/// Returns the GUID of an integration: what cc_request_set_integration() and
/// cc_request_set_audience() take.
///
/// @param integrations  the list; NULL gives NULL
/// @param index         from 0
/// @return the GUID, borrowed from the list; NULL for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_guid(
    integrations: *const cc_integrations,
    index: usize,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { text(integrations, index, |entry| Some(&entry.guid)) }
}

/// Returns the name that an administrator gave an integration. Names need not be unique.
///
/// @param integrations  the list; NULL gives NULL
/// @param index         from 0
/// @return the name, borrowed from the list; NULL when there is none, and for an index that is too
///         large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_name(
    integrations: *const cc_integrations,
    index: usize,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { text(integrations, index, |entry| entry.name.as_ref()) }
}

/// Returns the description that an administrator gave an integration.
///
/// @param integrations  the list; NULL gives NULL
/// @param index         from 0
/// @return the description, borrowed from the list; NULL when there is none, and for an index that
///         is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_description(
    integrations: *const cc_integrations,
    index: usize,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { text(integrations, index, |entry| entry.description.as_ref()) }
}

/// Returns the service of an integration: "databricks", "aws", "custom" and so on.
///
/// @param integrations  the list; NULL gives NULL
/// @param index         from 0
/// @return the template, borrowed from the list; NULL when the server did not say, and for an index
///         that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_template(
    integrations: *const cc_integrations,
    index: usize,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { text(integrations, index, |entry| entry.template.as_ref()) }
}

/// Returns whose credentials an integration gives: "Viewer", "Service Account" and so on.
///
/// @param integrations  the list; NULL gives NULL
/// @param index         from 0
/// @return the kind, borrowed from the list; NULL when the server did not say, as older ones do not,
///         and for an index that is too large
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_auth_type(
    integrations: *const cc_integrations,
    index: usize,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { text(integrations, index, |entry| entry.auth_type.as_ref()) }
}

/// Frees a list, and with it every string borrowed from it.
///
/// @param integrations  the list; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_integrations_free(integrations: *mut cc_integrations) {
    if !integrations.is_null() {
        // SAFETY: made by `Box::into_raw` above, and freed once.
        shield((), || drop(unsafe { Box::from_raw(integrations) }));
    }
}

//! Passes any strings and numbers to the C functions: status and out-pointers must agree, and nothing may crash.

#![no_main]

use std::ffi::{CString, c_char};
use std::ptr;

use arbitrary::Arbitrary;
use connectcreds::ffi::*;
use libfuzzer_sys::fuzz_target;

/// A string argument: NULL, or bytes that end at the first NUL.
#[derive(Arbitrary, Debug)]
struct Text(Option<Vec<u8>>);

impl Text {
    fn string(&self) -> Option<CString> {
        let bytes = self.0.as_ref()?;
        let until_nul = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        CString::new(until_nul).ok()
    }
}

/// Passes the pointer of a string to `call`; the string is valid during the call.
fn with<T>(text: &Text, call: impl FnOnce(*const c_char) -> T) -> T {
    let string = text.string();
    call(string.as_ref().map_or(ptr::null(), |string| string.as_ptr()))
}

#[derive(Arbitrary, Debug)]
enum Set {
    Resource(Text),
    Scope(Text),
    Audience(Text),
    Integration(Text),
    RequestedTokenType(Text),
    ContentToken(Text),
    ApiKey(Text),
    Param(Text, Text),
    TimeoutMs(u32),
    MinValidityS(u32),
    ForceRefresh(bool),
    OnConnect(bool),
}

#[derive(Arbitrary, Debug)]
enum Call {
    ServiceAccount,
    Viewer(Text),
    Workload,
    Exchange(Text, Text),
}

#[derive(Arbitrary, Debug)]
struct Plan {
    sets: Vec<Set>,
    calls: Vec<Call>,
    responses: Vec<(u16, Text, Text)>,
    seconds: u8,
}

unsafe fn set(request: *mut cc_request, set: &Set) -> cc_status {
    // SAFETY: the request is valid, and strings are valid during the calls.
    unsafe {
        match set {
            Set::Resource(text) => with(text, |text| cc_request_set_resource(request, text)),
            Set::Scope(text) => with(text, |text| cc_request_set_scope(request, text)),
            Set::Audience(text) => with(text, |text| cc_request_set_audience(request, text)),
            Set::Integration(text) => with(text, |text| cc_request_set_integration(request, text)),
            Set::RequestedTokenType(text) => {
                with(text, |text| cc_request_set_requested_token_type(request, text))
            }
            Set::ContentToken(text) => with(text, |text| cc_request_set_content_token(request, text)),
            Set::ApiKey(text) => with(text, |text| cc_request_set_api_key(request, text)),
            Set::Param(name, value) => with(name, |name| {
                with(value, |value| cc_request_set_param(request, name, value))
            }),
            Set::TimeoutMs(milliseconds) => cc_request_set_timeout_ms(request, *milliseconds),
            Set::MinValidityS(seconds) => cc_request_set_min_validity_s(request, *seconds),
            Set::ForceRefresh(on) => cc_request_set_force_refresh(request, *on),
            Set::OnConnect(on) => cc_request_set_on_connect(request, *on),
        }
    }
}

unsafe fn call(request: *const cc_request, call: &Call) -> (cc_status, *mut cc_token, *mut cc_error) {
    let (mut token, mut error) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: as above; the out-pointers are valid.
    let status = unsafe {
        match call {
            Call::ServiceAccount => cc_service_account_token(request, &mut token, &mut error),
            Call::Viewer(text) => with(text, |text| {
                cc_viewer_token(text, request, &mut token, &mut error)
            }),
            Call::Workload => cc_workload_token(request, &mut token, &mut error),
            Call::Exchange(subject, kind) => with(subject, |subject| {
                with(kind, |kind| {
                    cc_exchange_token(subject, kind, request, &mut token, &mut error)
                })
            }),
        }
    };
    (status, token, error)
}

fuzz_target!(|plan: Plan| {
    let strings: Vec<_> = plan
        .responses
        .iter()
        .map(|(_, kind, body)| (kind.string(), body.string()))
        .collect();
    let pointer = |string: &Option<CString>| string.as_ref().map_or(ptr::null(), |string| string.as_ptr());
    let responses: Vec<_> = plan
        .responses
        .iter()
        .zip(&strings)
        .map(|((status, ..), (kind, body))| cc_mock_response {
            status: (*status).into(),
            content_type: pointer(kind),
            body: pointer(body),
        })
        .collect();
    let mut mock = ptr::null_mut();
    // SAFETY: everything is valid until it is freed below, once.
    unsafe {
        if cc_mock_responses(responses.as_ptr(), responses.len(), &mut mock, ptr::null_mut()) != CC_OK {
            assert!(mock.is_null());
            return;
        }
        let request = cc_request_new();
        let mut rejected = false;
        for each in &plan.sets {
            rejected |= set(request, each) != CC_OK;
        }
        for each in &plan.calls {
            let (status, token, error) = call(request, each);
            assert_eq!(
                (status == CC_OK, status == CC_OK),
                (!token.is_null(), error.is_null()),
                "{status}"
            );
            assert!(
                !rejected || status == CC_ERR_INVALID_ARGUMENT,
                "a rejected value was sent: {status}"
            );
            assert_eq!(status, cc_error_status(error));
            assert_ne!(status, CC_ERR_INTERNAL);
            for index in 0..cc_token_field_count(token) {
                assert!(!cc_token_field(token, cc_token_field_name(token, index)).is_null());
            }
            cc_mock_advance_time(mock, plan.seconds.into());
            cc_token_invalidate(token);
            cc_token_free(token);
            cc_error_free(error);
        }
        cc_request_free(request);
        cc_mock_end(mock);
    }
});

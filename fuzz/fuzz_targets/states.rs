//! Any sequence of calls on any live handles, from two threads and in forked children: what succeeds gives its result,
//! what fails an error, and nothing crashes, leaks or waits without end.

#![no_main]

use std::collections::VecDeque;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use arbitrary::Arbitrary;
use connectcreds::ffi::*;
use libfuzzer_sys::fuzz_target;

const SESSIONS: [*const c_char; 4] = [
    ptr::null(),
    c"".as_ptr(),
    c"one-session".as_ptr(),
    c"another-session".as_ptr(),
];
const USER_SESSION: *const c_char = c"urn:posit:connect:user-session-token".as_ptr();
const NAMES: [*const c_char; 4] = [
    ptr::null(),
    c"databricks".as_ptr(),
    c"a".as_ptr(),
    c"\xff".as_ptr(),
];

/// Handles that are live at most, of each kind; the oldest is freed for another.
const LIVE: usize = 4;

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Step {
    NewRequest,
    CopyRequest(u8),
    FreeRequest(u8),
    SetScope(u8, u8),
    SetIntegration(u8, u8),
    SetAudience(u8, u8),
    SetForce(u8, bool),
    SetTimeLeft(u8, i8),
    SetCancel(u8, bool),
    Check(u8),
    Ask { kind: u8, session: u8, request: u8 },
    AskElsewhere { kind: u8, session: u8, request: u8 },
    Start { kind: u8, session: u8, request: u8 },
    IsDone(u8),
    Descriptor(u8),
    Finish(u8),
    FreeCall(u8),
    RefToken(u8),
    Invalidate(u8),
    ReadToken(u8),
    ReadAws(u8),
    FreeToken(u8),
    FreeTokenElsewhere(u8),
    ListIntegrations(u8),
    MockToken,
    MockFailure,
    MockFunction(u8),
    MockIntegrations(u8),
    AdvanceTime(u8, i64),
    EndMock(u8),
    Clear,
    Forget(u8),
    Capacity(u8),
    Stats(u8),
    Fork(u8),
}

/// Live handles of one kind.
struct Handles<T> {
    live: VecDeque<*mut T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Handles<T> {
    fn new(free: unsafe extern "C" fn(*mut T)) -> Self {
        Self {
            live: VecDeque::new(),
            free,
        }
    }

    fn add(&mut self, handle: *mut T) {
        if handle.is_null() {
            return;
        }
        self.live.push_back(handle);
        if self.live.len() > LIVE {
            self.drop_at(0);
        }
    }

    /// One of them, or NULL.
    fn get(&self, number: u8) -> *mut T {
        let number = usize::from(number) % (LIVE + 1);
        self.live.get(number).copied().unwrap_or(ptr::null_mut())
    }

    fn take(&mut self, number: u8) -> *mut T {
        let number = usize::from(number) % (LIVE + 1);
        self.live.remove(number).unwrap_or(ptr::null_mut())
    }

    fn drop_at(&mut self, number: u8) {
        let handle = self.take(number);
        // SAFETY: live or NULL, and no longer in the list.
        unsafe { (self.free)(handle) };
    }
}

impl<T> Drop for Handles<T> {
    fn drop(&mut self) {
        while let Some(handle) = self.live.pop_front() {
            // SAFETY: live, and freed once.
            unsafe { (self.free)(handle) };
        }
    }
}

struct World {
    calls: Handles<cc_call>,
    requests: Handles<cc_request>,
    tokens: Handles<cc_token>,
    mocks: Handles<cc_mock>,
}

unsafe extern "C" fn cancelled(answer: *mut c_void) -> bool {
    !answer.is_null()
}

/// Answers by the number that is its user data: a token, a refusal, nothing, or what another call brings.
unsafe extern "C" fn answer(
    request: *const cc_mock_request,
    reply: *mut cc_mock_reply,
    data: *mut c_void,
) -> bool {
    // SAFETY: valid during the call.
    unsafe {
        assert!(!cc_mock_request_url(request).is_null());
        assert!(!cc_mock_request_method(request).is_null());
        match data as usize % 5 {
            0 => cc_mock_reply_set(
                reply,
                200,
                ptr::null(),
                c"{\"access_token\":\"t\",\"expires_in\":100}".as_ptr(),
            ),
            1 => cc_mock_reply_set(
                reply,
                400,
                ptr::null(),
                c"{\"error\":\"invalid_request\"}".as_ptr(),
            ),
            2 => cc_mock_reply_set(reply, 7, ptr::null(), ptr::null()),
            3 => cc_mock_reply_set_header(reply, c"Retry-After".as_ptr(), c"1".as_ptr()),
            _ => {
                let mut token = ptr::null_mut();
                let mut error = ptr::null_mut();
                // The same question is an error, another is answered by this function again.
                let status = cc_viewer_token(c"of-a-callback".as_ptr(), ptr::null(), &mut token, &mut error);
                assert_eq!(status == CC_OK, error.is_null());
                cc_token_free(token);
                cc_error_free(error);
                cc_mock_reply_set(reply, 200, ptr::null(), c"{\"access_token\":\"inner\"}".as_ptr());
            }
        }
    }
    true
}

/// Checks a status against its out-pointers.
fn check<T>(status: cc_status, result: *mut T, error: *mut cc_error) {
    // SAFETY: live or NULL, and freed once.
    unsafe {
        assert_eq!(status == CC_OK, error.is_null(), "{status}");
        assert!(status == CC_OK || result.is_null(), "{status}");
        assert_eq!(status, cc_error_status(error));
        if !error.is_null() {
            assert!(!cc_error_message(error).is_null());
        }
        cc_error_free(error);
    }
}

unsafe fn ask(kind: u8, session: u8, request: *const cc_request) -> *mut cc_token {
    let (mut token, mut error) = (ptr::null_mut(), ptr::null_mut());
    let session = SESSIONS[usize::from(session) % SESSIONS.len()];
    // SAFETY: the request is live or NULL.
    let status = unsafe {
        match kind % 4 {
            0 => cc_service_account_token(request, &mut token, &mut error),
            1 => cc_viewer_token(session, request, &mut token, &mut error),
            2 => cc_workload_token(request, &mut token, &mut error),
            _ => cc_exchange_token(session, USER_SESSION, request, &mut token, &mut error),
        }
    };
    check(status, token, error);
    assert_eq!(status == CC_OK, !token.is_null());
    token
}

unsafe fn start(kind: u8, session: u8, request: *const cc_request) -> *mut cc_call {
    let (mut call, mut error) = (ptr::null_mut(), ptr::null_mut());
    let session = SESSIONS[usize::from(session) % SESSIONS.len()];
    // SAFETY: the request is live or NULL.
    let status = unsafe {
        match kind % 4 {
            0 => cc_service_account_token_start(request, &mut call, &mut error),
            1 => cc_viewer_token_start(session, request, &mut call, &mut error),
            2 => cc_workload_token_start(request, &mut call, &mut error),
            _ => cc_exchange_token_start(session, USER_SESSION, request, &mut call, &mut error),
        }
    };
    check(status, call, error);
    call
}

/// Runs `work` on another thread, with a pointer that it may use there.
fn elsewhere<T, R>(pointer: *mut T, work: impl FnOnce(*mut T) -> *mut R + Send) -> *mut R {
    let (given, result) = (AtomicPtr::new(pointer), AtomicPtr::new(ptr::null_mut()));
    std::thread::scope(|threads| {
        threads.spawn(|| result.store(work(given.load(Ordering::Acquire)), Ordering::Release));
    });
    result.load(Ordering::Acquire)
}

impl World {
    /// Runs one step; false: the rest is a child's.
    fn step(&mut self, step: Step, rest: &[Step], depth: u8) {
        // SAFETY: every handle is live or NULL, and is freed once.
        unsafe {
            match step {
                Step::NewRequest => self.requests.add(cc_request_new()),
                Step::CopyRequest(number) => self.requests.add(cc_request_copy(self.requests.get(number))),
                Step::FreeRequest(number) => self.requests.drop_at(number),
                Step::SetScope(number, text) => {
                    cc_request_set_scope(self.requests.get(number), NAMES[usize::from(text) % NAMES.len()]);
                }
                Step::SetIntegration(number, text) => {
                    cc_request_set_integration(
                        self.requests.get(number),
                        NAMES[usize::from(text) % NAMES.len()],
                    );
                }
                Step::SetAudience(number, text) => {
                    cc_request_set_audience(
                        self.requests.get(number),
                        NAMES[usize::from(text) % NAMES.len()],
                    );
                }
                Step::SetForce(number, on) => {
                    cc_request_set_force_refresh(self.requests.get(number), on);
                }
                Step::SetTimeLeft(number, milliseconds) => {
                    cc_request_set_time_left_ms(self.requests.get(number), milliseconds.into());
                }
                Step::SetCancel(number, yes) => {
                    let data = if yes {
                        ptr::dangling_mut::<c_void>()
                    } else {
                        ptr::null_mut()
                    };
                    cc_request_set_cancel(self.requests.get(number), Some(cancelled), data);
                }
                Step::Check(number) => {
                    let mut error = ptr::null_mut();
                    let status = cc_request_check(self.requests.get(number), &mut error);
                    check::<cc_token>(status, ptr::null_mut(), error);
                }
                Step::Ask {
                    kind,
                    session,
                    request,
                } => {
                    self.tokens.add(ask(kind, session, self.requests.get(request)));
                }
                Step::AskElsewhere {
                    kind,
                    session,
                    request,
                } => {
                    let token = elsewhere(self.requests.get(request), |request| ask(kind, session, request));
                    self.tokens.add(token);
                }
                Step::Start {
                    kind,
                    session,
                    request,
                } => {
                    self.calls.add(start(kind, session, self.requests.get(request)));
                }
                Step::IsDone(number) => {
                    cc_call_is_done(self.calls.get(number));
                }
                Step::Descriptor(number) => {
                    let call = self.calls.get(number);
                    assert!(cc_call_fd(call) >= 0 || call.is_null());
                }
                Step::Finish(number) => {
                    let (mut token, mut error) = (ptr::null_mut(), ptr::null_mut());
                    let call = self.calls.get(number);
                    let status = cc_call_finish(call, &mut token, &mut error);
                    check(status, token, error);
                    assert!(call.is_null() || cc_call_is_done(call));
                    self.tokens.add(token);
                }
                Step::FreeCall(number) => self.calls.drop_at(number),
                Step::RefToken(number) => self.tokens.add(cc_token_ref(self.tokens.get(number))),
                Step::Invalidate(number) => {
                    cc_token_invalidate(self.tokens.get(number));
                }
                Step::ReadToken(number) => {
                    let token = self.tokens.get(number);
                    assert_eq!(token.is_null(), cc_token_access_token(token).is_null());
                    for index in 0..cc_token_field_count(token) {
                        assert!(!cc_token_field(token, cc_token_field_name(token, index)).is_null());
                    }
                }
                Step::ReadAws(number) => {
                    let (mut aws, mut error) = (ptr::null_mut(), ptr::null_mut());
                    let status = cc_token_aws_credentials(self.tokens.get(number), &mut aws, &mut error);
                    check(status, aws, error);
                    cc_aws_credentials_free(aws);
                }
                Step::FreeToken(number) => self.tokens.drop_at(number),
                Step::FreeTokenElsewhere(number) => {
                    elsewhere(self.tokens.take(number), |token| {
                        cc_token_free(token);
                        ptr::null_mut::<cc_token>()
                    });
                }
                Step::ListIntegrations(number) => {
                    let (mut list, mut error) = (ptr::null_mut(), ptr::null_mut());
                    let status = cc_integrations_list(self.requests.get(number), &mut list, &mut error);
                    check(status, list, error);
                    for index in 0..=cc_integrations_count(list) {
                        let is_one = index < cc_integrations_count(list);
                        assert_eq!(is_one, !cc_integrations_guid(list, index).is_null());
                    }
                    cc_integrations_free(list);
                }
                Step::MockToken => self.mock(|mock, error| cc_mock_token(c"t".as_ptr(), mock, error)),
                Step::MockFailure => self.mock(|mock, error| cc_mock_failure(mock, error)),
                Step::MockFunction(number) => {
                    let data = ptr::without_provenance_mut(usize::from(number));
                    self.mock(|mock, error| cc_mock_function(Some(answer), data, mock, error));
                }
                Step::MockIntegrations(number) => {
                    let one = cc_mock_integration {
                        guid: c"00000000-0000-4000-8000-000000000001".as_ptr(),
                        name: c"a".as_ptr(),
                        description: ptr::null(),
                        service: c"databricks".as_ptr(),
                        auth_type: ptr::null(),
                    };
                    cc_mock_integrations(self.mocks.get(number), &one, 1);
                }
                Step::AdvanceTime(number, seconds) => {
                    cc_mock_advance_time(self.mocks.get(number), seconds);
                }
                Step::EndMock(number) => self.mocks.drop_at(number),
                Step::Clear => cc_cache_clear(),
                Step::Forget(session) => {
                    cc_cache_forget_session(SESSIONS[usize::from(session) % SESSIONS.len()])
                }
                Step::Capacity(capacity) => {
                    cc_config_set_cache_capacity(capacity.into());
                }
                Step::Stats(size) => {
                    let mut stats = [u64::MAX; 64];
                    cc_cache_get_stats(stats.as_mut_ptr().cast(), usize::from(size));
                    assert_eq!(stats[63], u64::MAX);
                }
                Step::Fork(_) if depth > 0 => {}
                Step::Fork(steps) => {
                    let steps = &rest[..rest.len().min(usize::from(steps % 8))];
                    let child = libc::fork();
                    if child == 0 {
                        libc::alarm(20);
                        for (at, step) in steps.iter().enumerate() {
                            self.step(*step, &steps[at + 1..], depth + 1);
                        }
                        libc::_exit(0);
                    }
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &mut status, 0), child);
                    assert_eq!(status, 0, "the child of a fork has failed");
                }
            }
        }
    }

    fn mock(&mut self, begin: impl FnOnce(*mut *mut cc_mock, *mut *mut cc_error) -> cc_status) {
        let (mut mock, mut error) = (ptr::null_mut(), ptr::null_mut());
        let status = begin(&mut mock, &mut error);
        check(status, mock, error);
        self.mocks.add(mock);
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut base = ptr::null_mut();
    // SAFETY: valid pointers. The mock around all others: no call goes over the network.
    unsafe {
        let data = ptr::without_provenance_mut(0);
        assert_eq!(
            cc_mock_function(Some(answer), data, &mut base, ptr::null_mut()),
            CC_OK
        );
    }
    let mut world = World {
        calls: Handles::new(cc_call_free),
        requests: Handles::new(cc_request_free),
        tokens: Handles::new(cc_token_free),
        mocks: Handles::new(cc_mock_end),
    };
    for (at, step) in steps.iter().take(64).enumerate() {
        world.step(*step, &steps[at + 1..], 0);
    }
    drop(world);
    // SAFETY: ended once, after all others.
    unsafe { cc_mock_end(base) };
});

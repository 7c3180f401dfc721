//! `cc_mock`: answers in place of a server's, for the tests of programs that use the library.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::slice;
use std::time::Duration;

use super::{bytes, cc_error, cc_mock_reply, cc_mock_request, cc_status, guard, out, shield, string};
use crate::error::{Error, ErrorKind};
use crate::mock::Mock;
use crate::mock::backend::{MockResponse, Responder};
use crate::mock::request::MockRequest;

/// A mock that is alive. From its start to its end the process seems to run on Connect: server http://localhost:3030,
/// API key "key", content session token "session-token", and "user-token" for a viewer's call whose session token is
/// NULL; what a request sets still wins, and the process's environment is not touched. Nothing goes over the network,
/// but for what a mock function lets out. Answers are taken as they come: nothing is tried again.
///
/// A mock has a cache of its own, in which nothing is renewed in the background: no real token is seen inside, no mocked
/// one outside. Mocks nest: the innermost answers; they may end in any order. A mock is the whole process's: calls that
/// any thread begins meanwhile are in it, a call that began before goes on as it began. A child that is forked meanwhile
/// has it too, with its cache, and ends it for itself.
#[derive(Debug)]
pub struct cc_mock {
    mock: Mock,
}

/// An answer of a mock.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct cc_mock_response {
    /// The HTTP status, from 100 to 599.
    pub status: i32,
    /// NULL or "": application/json.
    pub content_type: *const c_char,
    /// Any text, line breaks included; NULL: empty.
    pub body: *const c_char,
}

/// Answers a request in place of the server: sets the reply and returns true, or returns false to let the request out,
/// as it is, to the server that it is for. Called once for each request, on the thread that makes the call which needs
/// it, with no lock of the library held.
///
/// It may call the library: other questions are answered, by this mock too; the very question that it is about to answer
/// is CC_ERR_INTERNAL there. Two threads whose functions ask each other's question wait in vain, for as long as those
/// calls may take. It may start mocks, and end any: the reply of one that ends itself still counts. It may fork: the
/// call goes on in both processes. It must not leave by longjmp() or an exception. What it does wrong, the call that it
/// answers reports as CC_ERR_INTERNAL: true without a reply, or a reply that can not be (see cc_mock_reply_set()).
pub type cc_mock_fn = Option<
    unsafe extern "C" fn(
        request: *const cc_mock_request,
        reply: *mut cc_mock_reply,
        user_data: *mut c_void,
    ) -> bool,
>;

/// Starts a mock and writes it out.
///
/// # Safety
///
/// Each pointer is NULL or valid for a write.
unsafe fn start(
    mock: *mut *mut cc_mock,
    error: *mut *mut cc_error,
    start: impl FnOnce() -> Result<Mock, Error>,
) -> cc_status {
    // SAFETY: by the caller.
    unsafe {
        guard(error, || {
            let place = out(mock)?;
            *place = Box::into_raw(Box::new(cc_mock { mock: start()? }));
            Ok(())
        })
    }
}

/// Starts a mock that answers every request with a token of the type that is asked for. It lives for an hour, by the
/// mock's clock:
/// {"access_token": …, "issued_token_type": …, "token_type": "Bearer", "expires_in": 3600}
///
/// @param access_token  the token; NULL and "" are rejected
/// @param mock          where the mock goes, to be ended with cc_mock_end(); NULL is rejected
/// @param error         where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_token(
    access_token: *const c_char,
    mock: *mut *mut cc_mock,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        start(mock, error, || {
            Mock::token(string(access_token, "mocked access token")?)
        })
    }
}

/// Starts a mock of a Connect server on which no integration is associated with the content. It answers every request
/// with HTTP 400 and
/// {"error_code": 212, "error_message": "No OAuth integrations have been associated with this content item."}
///
/// @param mock   where the mock goes, to be ended with cc_mock_end(); NULL is rejected
/// @param error  where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_failure(mock: *mut *mut cc_mock, error: *mut *mut cc_error) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { start(mock, error, Mock::failure) }
}

/// Starts a mock that gives these answers one after the other, and then 503.
///
/// @param responses  copied; NULL is rejected unless count is 0
/// @param count      how many there are
/// @param mock       where the mock goes, to be ended with cc_mock_end(); NULL is rejected
/// @param error      where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK; CC_ERR_INVALID_ARGUMENT, also for a status outside 100 to 599 and for a content type that is not UTF-8
///         or holds a control character. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_responses(
    responses: *const cc_mock_response,
    count: usize,
    mock: *mut *mut cc_mock,
    error: *mut *mut cc_error,
) -> cc_status {
    let responses = || {
        let most = isize::MAX as usize / size_of::<cc_mock_response>();
        if count > 0 && (responses.is_null() || count > most) {
            return Err(Error::invalid_argument(
                "The mocked responses are NULL, or more than there can be.",
            ));
        }
        if count == 0 {
            return Ok(Mock::responses([]));
        }
        // SAFETY: the ABI's conventions: there are as many as the host says.
        let responses = unsafe { slice::from_raw_parts(responses, count) };
        // SAFETY: the ABI's conventions.
        let copied = responses
            .iter()
            .map(|response| unsafe { response_of(response.status, response.content_type, response.body) });
        let copied = copied.collect::<Result<Vec<_>, _>>()?;
        Ok(Mock::responses(copied))
    };
    // SAFETY: the ABI's conventions.
    unsafe { start(mock, error, responses) }
}

/// A response as the host describes it.
///
/// # Safety
///
/// Each pointer is NULL or a string that ends in a NUL.
pub(super) unsafe fn response_of(
    status: i32,
    content_type: *const c_char,
    body: *const c_char,
) -> Result<MockResponse, Error> {
    // SAFETY: by the caller.
    let (content_type, body) = unsafe {
        (
            string(content_type, "mocked response's content type")?,
            bytes(body).unwrap_or_default(),
        )
    };
    // What does not fit is no status either.
    MockResponse::new(status.try_into().unwrap_or(0), content_type, body)
}

/// The host's function and what it wants to be called with.
struct Function {
    function: unsafe extern "C" fn(*const cc_mock_request, *mut cc_mock_reply, *mut c_void) -> bool,
    user_data: *mut c_void,
}

// SAFETY: the host was told that the function is called on every thread that makes a call.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    fn response(&self, request: &MockRequest) -> Result<Option<MockResponse>, Error> {
        let mut reply = cc_mock_reply::default();
        let request = ptr::from_ref(request).cast();
        // SAFETY: the host keeps the function and its data until the mock has ended.
        let with_response = unsafe { (self.function)(request, &mut reply, self.user_data) };
        let wrong = |what: &'static str| Error::new(ErrorKind::Internal, what);
        match reply.response {
            _ if !with_response => Ok(None),
            Some(Ok(response)) => Ok(Some(response)),
            Some(Err(why)) => {
                Err(wrong("The mock's function gave a reply that can not be.").because(why.message()))
            }
            None => Err(wrong("The mock's function returned true and gave no reply.")),
        }
    }
}

/// Starts a mock whose function answers each request.
///
/// @param function   called on the threads that make calls, on several at a time if they do; NULL is rejected
/// @param user_data  given to the function; may be NULL. The caller keeps it until cc_mock_end() has returned
/// @param mock       where the mock goes, to be ended with cc_mock_end(); NULL is rejected
/// @param error      where an error goes, to be freed with cc_error_free(); may be NULL
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_function(
    function: cc_mock_fn,
    user_data: *mut c_void,
    mock: *mut *mut cc_mock,
    error: *mut *mut cc_error,
) -> cc_status {
    let body = || {
        let function = function.ok_or_else(|| Error::invalid_argument("The mock's function is NULL."))?;
        let function = Function { function, user_data };
        Ok(Mock::start(Responder::Function(Box::new(move |request| {
            function.response(request)
        }))))
    };
    // SAFETY: the ABI's conventions.
    unsafe { start(mock, error, body) }
}

/// How many requests a mock was asked to answer, those that its function let out among them.
///
/// @param mock  the mock; NULL gives 0
/// @return the number. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_count(mock: *const cc_mock) -> usize {
    // SAFETY: the ABI's conventions.
    let mock = unsafe { mock.as_ref() };
    shield(0, || mock.map_or(0, |mock| mock.mock.request_count()))
}

/// Moves the clocks of a mock's cache and of its answers ahead: what the mock gave grows old without waiting. The times
/// at which tokens expire are by these clocks. Of a token that the mock's function let the server give,
/// cc_token_expires_at() is by the real clock.
///
/// @param mock     the mock; NULL is rejected
/// @param seconds  how far; a negative number is rejected
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_advance_time(mock: *mut cc_mock, seconds: i64) -> cc_status {
    let body = || {
        // SAFETY: the ABI's conventions.
        let mock = unsafe { mock.as_ref() }.ok_or_else(|| Error::invalid_argument("The mock is NULL."))?;
        let seconds = seconds
            .try_into()
            .map_err(|_| Error::invalid_argument("Time does not go back."))?;
        mock.mock.advance_time(Duration::from_secs(seconds));
        Ok(())
    };
    // SAFETY: no error is asked for.
    unsafe { guard(ptr::null_mut(), body) }
}

/// Ends a mock, whichever of those that are alive it is, and frees it. Its cache is wiped; tokens that a host holds live
/// on. A call that is in the mock goes on as it began; one whose turn to ask the function has not come gets 503.
///
/// @param mock  the mock; NULL is a no-op. Blocks while the mock's function runs on another thread; after that it is not
///              called again. Called inside that function it does not wait for its own end; two threads that end each
///              other's mock inside their functions do not both wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_end(mock: *mut cc_mock) {
    if !mock.is_null() {
        // SAFETY: made by `Box::into_raw` in `start`, and ended once.
        shield((), || drop(unsafe { Box::from_raw(mock) }));
    }
}

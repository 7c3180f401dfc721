//! `cc_mock`: responses in place of the server's, for the tests of programs that use the library.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::slice;
use std::time::Duration;

use super::{bytes, cc_error, cc_mock_reply, cc_mock_request, cc_status, guard, out, shield, string};
use crate::error::{Error, ErrorKind};
use crate::mock::Mock;
use crate::mock::backend::{MockResponse, Responder};
use crate::mock::integrations::MockIntegration;
use crate::mock::request::MockRequest;

/// An active mock. While it is active, the process seems to run on Connect: server
/// http://localhost:3030, API key "key", content session token "session-token", and "user-token" for
/// a viewer call whose session token is NULL. Options of a request take precedence; the process's
/// environment is neither read nor changed. Nothing goes over the network, except a request that a
/// mock function lets through. Responses are final: there are no retries.
///
/// A mock has a cache of its own, without background refresh: no real token is seen inside, no
/// mocked one outside. Mocks nest: the innermost responds; they may end in any order. A mock applies
/// to the whole process: to calls that begin on any thread while it is active, not to calls in
/// progress. A child forked while it is active has it too, with its cache, and ends it for itself.
#[derive(Debug)]
pub struct cc_mock {
    mock: Mock,
}

/// A response of a mock. This struct never changes; responses with further headers come from a mock
/// function.
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

/// An integration that a mock lists. This struct never changes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct cc_mock_integration {
    /// NULL and "" are rejected.
    pub guid: *const c_char,
    /// NULL or "": none.
    pub name: *const c_char,
    /// NULL or "": none.
    pub description: *const c_char,
    /// The service, "databricks" for example; NULL or "": the server does not say.
    pub service: *const c_char,
    /// "Viewer", "Service Account" or another; NULL or "": the server does not say.
    pub auth_type: *const c_char,
}

/// Responds to a request in place of the server. It is called once for each HTTP request, on the
/// thread whose call needs it, while no lock of the library is held.
///
/// It may call the library. Other calls are answered, by this mock too; a call that asks for the
/// token it is being asked for fails with CC_ERR_INTERNAL. Two threads whose functions ask for each
/// other's token wait until those calls time out. It may start mocks and end any; the reply of one
/// that ends itself still counts. It may fork: the call continues in both processes. It must not
/// leave by longjmp(), a C++ exception or pthread_exit().
///
/// @param request    the request, valid until the function returns
/// @param reply      takes the response, see cc_mock_reply_set(); valid until the function returns
/// @param user_data  as it was given to cc_mock_function()
/// @return true: the reply is the response; without a valid reply the call fails with
///         CC_ERR_INTERNAL. false: the request is sent to its server unchanged
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

/// Changes an active mock.
///
/// # Safety
///
/// `mock` is NULL or a live handle.
unsafe fn change(mock: *mut cc_mock, change: impl FnOnce(&Mock) -> Result<(), Error>) -> cc_status {
    let body = || {
        // SAFETY: by the caller.
        let mock = unsafe { mock.as_ref() }.ok_or_else(|| Error::invalid_argument("The mock is NULL."))?;
        change(&mock.mock)
    };
    // SAFETY: no error is asked for.
    unsafe { guard(ptr::null_mut(), body) }
}

/// Starts a mock that responds to every request with a token of the requested type, which expires
/// after an hour of the mock's clock:
/// {"access_token": …, "issued_token_type": …, "token_type": "Bearer", "expires_in": 3600}
///
/// @param access_token  the token; NULL and "" are rejected
/// @param mock          receives the mock, to be ended with cc_mock_end(); NULL is rejected
/// @param error         receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
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

/// Starts a mock of a Connect server on which no integration is associated with the content. It
/// responds to every request with HTTP 400 and
/// {"error_code": 212, "error_message": "No OAuth integrations have been associated …"}
///
/// @param mock   receives the mock, to be ended with cc_mock_end(); NULL is rejected
/// @param error  receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_failure(mock: *mut *mut cc_mock, error: *mut *mut cc_error) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe { start(mock, error, Mock::failure) }
}

/// Starts a mock that gives these responses in order, and then HTTP 503.
///
/// @param responses  copied; NULL is rejected unless count is 0
/// @param count      the number of responses
/// @param mock       receives the mock, to be ended with cc_mock_end(); NULL is rejected
/// @param error      receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK or CC_ERR_INTERNAL; CC_ERR_INVALID_ARGUMENT, also for a status outside 100 to 599
///         and for a content type that is not UTF-8 or holds a control character
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
                "The mocked responses are NULL, or their count is impossible.",
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
    // A number that does not fit is not a status either.
    MockResponse::new(status.try_into().unwrap_or(0), content_type, body)
}

/// The host's function and its argument.
struct Function {
    function: unsafe extern "C" fn(*const cc_mock_request, *mut cc_mock_reply, *mut c_void) -> bool,
    user_data: *mut c_void,
}

// SAFETY: the header says that the function is called on every thread that makes a call.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    fn response(&self, request: &MockRequest) -> Result<Option<MockResponse>, Error> {
        let mut reply = cc_mock_reply::default();
        let request = ptr::from_ref(request).cast();
        // SAFETY: the host keeps the function and its data until the mock has ended.
        let replied = unsafe { (self.function)(request, &mut reply, self.user_data) };
        if !replied {
            return Ok(None);
        }
        match reply.into_response() {
            Ok(Some(response)) => Ok(Some(response)),
            Ok(None) => Err(Error::new(
                ErrorKind::Internal,
                "The mock callback returned true without setting a reply.",
            )),
            Err(why) => {
                let what = "The mock callback set an invalid reply.";
                Err(Error::new(ErrorKind::Internal, what).because(why.message()))
            }
        }
    }
}

/// Starts a mock that calls your function to build each response.
///
/// @param function   called on the threads that make calls, on several at a time if they do; NULL is
///                   rejected
/// @param user_data  passed to the function; may be NULL. It must stay valid until cc_mock_end() has
///                   returned
/// @param mock       receives the mock, to be ended with cc_mock_end(); NULL is rejected
/// @param error      receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT or CC_ERR_INTERNAL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_function(
    function: cc_mock_fn,
    user_data: *mut c_void,
    mock: *mut *mut cc_mock,
    error: *mut *mut cc_error,
) -> cc_status {
    let body = || {
        let function = function.ok_or_else(|| Error::invalid_argument("The mock callback is NULL."))?;
        let function = Function { function, user_data };
        Ok(Mock::start(Responder::Function(Box::new(move |request| {
            function.response(request)
        }))))
    };
    // SAFETY: the ABI's conventions.
    unsafe { start(mock, error, body) }
}

/// Sets or unsets a variable of the mock's environment, for calls that begin later. A mock begins
/// with RSTUDIO_PRODUCT, CONNECT_SERVER, CONNECT_API_KEY, CONNECT_CONTENT_SESSION_TOKEN and
/// CONNECT_CONTENT_GUID set, and POSIT_PRODUCT unset. A binding whose tests change the process's
/// environment passes the changes on with this.
///
/// @param mock   the mock; NULL is rejected
/// @param name   one of these six; another is rejected
/// @param value  NULL or "": unset
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_set_environment(
    mock: *mut cc_mock,
    name: *const c_char,
    value: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(mock, |mock| {
            let value = string(value, "mocked variable's value")?;
            mock.set_environment(string(name, "variable's name")?, value)
        })
    }
}

/// Sets the session token of a viewer call that gives none, for calls that begin later: "user-token"
/// at first. Outside a mock such a call is CC_ERR_NO_SESSION; remove the token to have it so inside.
///
/// @param mock           the mock; NULL is rejected
/// @param session_token  NULL or "": a viewer call whose session token is NULL is CC_ERR_NO_SESSION
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_set_user_session_token(
    mock: *mut cc_mock,
    session_token: *const c_char,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(mock, |mock| {
            mock.set_user_session_token(string(session_token, "mocked user session token")?)
        })
    }
}

/// Sets the integrations that are associated with the content, for calls that begin later: those
/// that cc_integrations_list() lists and among which a call chooses the one of its request. The mock
/// counts no request for this list, and its function sees none.
///
/// Before this is called, a mock with a function is asked for the list: a GET, whose response is a
/// JSON array as Connect's. If the function lets it through, the exchange goes to the server too.
/// Any other mock lists no integrations, and all but that of cc_mock_failure() accept every name.
///
/// @param mock          the mock; NULL is rejected
/// @param integrations  copied; NULL is rejected unless count is 0
/// @param count         the number of integrations; 0: the content has none
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_integrations(
    mock: *mut cc_mock,
    integrations: *const cc_mock_integration,
    count: usize,
) -> cc_status {
    let set = |mock: &Mock| {
        let most = isize::MAX as usize / size_of::<cc_mock_integration>();
        if count > 0 && (integrations.is_null() || count > most) {
            return Err(Error::invalid_argument(
                "The mocked integrations are NULL, or their count is impossible.",
            ));
        }
        let given = match count {
            0 => &[],
            // SAFETY: the ABI's conventions: there are as many as the host says.
            _ => unsafe { slice::from_raw_parts(integrations, count) },
        };
        // SAFETY: the ABI's conventions.
        let text = |pointer: *const c_char| unsafe { string(pointer, "mocked integration") };
        let given = given.iter().map(|each| {
            Ok(MockIntegration {
                guid: text(each.guid)?,
                name: text(each.name)?,
                description: text(each.description)?,
                template: text(each.service)?,
                auth_type: text(each.auth_type)?,
            })
        });
        mock.set_integrations(given.collect::<Result<Vec<_>, Error>>()?)
    };
    // SAFETY: the ABI's conventions.
    unsafe { change(mock, set) }
}

/// Returns how many requests the mock received, those that its function let through included.
///
/// @param mock  the mock; NULL gives 0
/// @return the number
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_request_count(mock: *const cc_mock) -> usize {
    // SAFETY: the ABI's conventions.
    let mock = unsafe { mock.as_ref() };
    shield(0, || mock.map_or(0, |mock| mock.mock.request_count()))
}

/// Moves the mock's clock forward: its tokens age without waiting. Token expiry follows the mock's
/// clock, except for tokens fetched from the real server, whose cc_token_expires_at() uses the real
/// clock.
///
/// @param mock     the mock; NULL is rejected
/// @param seconds  how far; a negative number is rejected
/// @return CC_OK or CC_ERR_INVALID_ARGUMENT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_advance_time(mock: *mut cc_mock, seconds: i64) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        change(mock, |mock| {
            let backwards = |_| Error::invalid_argument("The mock clock cannot be moved backwards.");
            mock.advance_time(Duration::from_secs(seconds.try_into().map_err(backwards)?));
            Ok(())
        })
    }
}

/// Ends a mock, whichever of the active ones it is, and frees it. Its cache is wiped; tokens that
/// the host holds remain valid. A call that is inside the mock continues; if it has not asked the
/// mock's function yet, it gets HTTP 503.
///
/// @param mock  the mock; NULL is a no-op
///
/// Blocks while the mock's function runs on another thread; after that it is not called again.
/// Called inside that function, it does not wait for itself. Of two threads that end each other's
/// mock inside their functions, one does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_mock_end(mock: *mut cc_mock) {
    if !mock.is_null() {
        // SAFETY: made by `Box::into_raw` in `start`, and ended once.
        shield((), || drop(unsafe { Box::from_raw(mock) }));
    }
}

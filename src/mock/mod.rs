//! Mocks for the tests of programs that use the library: responses in place of the server's.
//!
//! Here is the list of active mocks, which decides where a call goes, and the public type [`Mock`]. `environment` holds the
//! variables that a mock stands for; `backend` performs an exchange with a mock, by its clock; `request` is the HTTP request
//! that a mock function sees. A mock has a broker of its own, so its cache and counters are those of `cache/broker.rs`.
//! This folder imports `backend` (for the form that would be sent) and everything below. Next: `cache/backend.rs`, the
//! trait that a mock implements in place of the server.

#![forbid(unsafe_code)]

pub(crate) mod backend;
pub(crate) mod environment;
pub(crate) mod integrations;
pub(crate) mod request;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use backend::{MockBackend, MockResponse, Responder};
use environment::MockEnvironment;
use integrations::MockIntegration;
use request::MockRequest;

use crate::cache::broker::Broker;
use crate::error::Error;
use crate::platform::fork::Place;
use crate::platform::fork_safe_mutex::{ForkSafeMutex, Locked};
use crate::text::secret::Secret;
use crate::text::validate::validate;

/// The response of older Connect versions when no integration is associated with the content.
const NO_INTEGRATION: &str = r#"{"error_code":212,"error_message":"No OAuth integrations have been associated with this content item."}"#;

/// A mock's broker: cache, counters and responses. A call keeps the one that it began in.
pub(crate) type MockBroker = Arc<Broker<Arc<MockBackend>>>;

/// The number of active mocks: all that a call outside of mocks reads.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);
/// A forked child keeps its parent's mocks, with their caches whole.
static MOCKS: ForkSafeMutex<Mocks> =
    ForkSafeMutex::new(Place::Mocks, Mocks::new(), Mocks::new).also_hold(|mocks| {
        let ended = mocks.ended.iter().filter_map(Weak::upgrade);
        let brokers = mocks.active.iter().cloned().chain(ended);
        brokers.map(|broker| broker as _).collect()
    });

struct Mocks {
    /// The innermost is the last.
    active: Vec<MockBroker>,
    /// Ended mocks in which calls may still be in progress.
    ended: Vec<Weak<Broker<Arc<MockBackend>>>>,
}

impl Mocks {
    const fn new() -> Self {
        Self {
            active: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn count(&mut self) {
        self.ended.retain(|broker| broker.strong_count() > 0);
        ACTIVE.store(self.active.len(), Ordering::Release);
    }
}

/// Returns the mock that a call belongs to which begins now.
#[inline]
pub(crate) fn innermost() -> Option<MockBroker> {
    if ACTIVE.load(Ordering::Acquire) == 0 {
        return None;
    }
    MOCKS.lock().active.last().cloned()
}

/// Returns the active mocks.
pub(crate) fn active() -> Vec<MockBroker> {
    if ACTIVE.load(Ordering::Acquire) == 0 {
        return Vec::new();
    }
    MOCKS.lock().active.clone()
}

/// The environment of a call that is in this mock, as the mock's host has set it up by now.
pub(crate) fn environment_of(broker: &MockBroker) -> Arc<MockEnvironment> {
    environment_of_backend(broker.backend())
}

/// Locks the mocks, as a fork does.
fn locked_at_forks() -> Locked<Mocks> {
    MOCKS.lock()
}

fn environment_of_backend(backend: &MockBackend) -> Arc<MockEnvironment> {
    let _locked_at_forks = MOCKS.lock();
    backend.environment()
}

/// An active mock, for tests. Until it is dropped, the process seems to run on Connect, and the mock responds to exchanges.
///
/// The server is `http://localhost:3030`, the API key `key`, the content session token `session-token`, and a viewer call
/// without a session token has `user-token`; options of a request take precedence. A mock has a cache of its own, which is
/// dropped with it. Mocks nest: the innermost responds; they may end in any order. A mock applies to the whole process: to
/// calls that begin on any thread while it is active.
///
/// ```
/// # fn main() -> Result<(), connectcreds::Error> {
/// let mock = connectcreds::Mock::token("my-token")?;
/// let token = connectcreds::service_account_token(&connectcreds::Request::new())?;
/// assert_eq!(token.access_token(), "my-token");
/// assert_eq!(mock.request_count(), 1);
/// # Ok(()) }
/// ```
#[must_use = "it ends when it is dropped"]
pub struct Mock {
    broker: MockBroker,
}

impl Mock {
    /// Starts a mock that responds with this token, of the requested type, which expires after an hour.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when it is empty or holds a control character.
    pub fn token(access_token: &str) -> Result<Self, Error> {
        let token = validate(access_token.as_bytes(), "mocked access token")?
            .ok_or_else(|| Error::invalid_argument("A mocked access token is required."))?;
        Ok(Self::start(Responder::Token(Secret::new(token))))
    }

    /// Starts a mock of a Connect server on which no integration is associated with the content: HTTP 400, Connect error 212.
    pub fn failure() -> Result<Self, Error> {
        let response = MockResponse::json(400, NO_INTEGRATION)?;
        Ok(Self::start(Responder::Always(response)))
    }

    /// Starts a mock that gives these responses in order, and then HTTP 503.
    pub fn responses(responses: impl IntoIterator<Item = MockResponse>) -> Self {
        Self::start(Responder::InTurn(responses.into_iter().collect()))
    }

    /// Starts a mock that calls a function to build each response, on the thread whose call needs it; `None` sends the
    /// request to its server. The function may make calls of its own. One that requests the token it is being asked for
    /// fails with [`Internal`](crate::ErrorKind::Internal), and so does the call if the function panics.
    pub fn function(function: impl Fn(&MockRequest) -> Option<MockResponse> + Send + Sync + 'static) -> Self {
        Self::start(Responder::Function(Box::new(move |request| {
            Ok(function(request))
        })))
    }

    pub(crate) fn start(answers: Responder) -> Self {
        let broker = Arc::new(Broker::new(Arc::new(MockBackend::new(answers))));
        let mut mocks = MOCKS.lock();
        mocks.active.push(broker.clone());
        mocks.count();
        Self { broker }
    }

    /// Sets a variable of the mock's environment, for calls that begin later; an empty `value` unsets it.
    ///
    /// A mock begins with `RSTUDIO_PRODUCT`, `CONNECT_SERVER`, `CONNECT_API_KEY` and `CONNECT_CONTENT_SESSION_TOKEN` set,
    /// and `POSIT_PRODUCT` unset.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for any other variable, and for a value that holds a control
    /// character.
    pub fn set_environment(&self, name: &str, value: &str) -> Result<(), Error> {
        self.change_environment(|environment| environment.set(name, value))
    }

    /// Sets the integrations that are associated with the content, for calls that begin later. They are listed, and a
    /// call's integration is chosen from them, without a request that the mock counts or its function sees.
    ///
    /// Before this is called, a mock with a function is asked for them (`GET`); other mocks list none and accept every
    /// name.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for an integration without a GUID, and for text that holds a
    /// control character.
    pub fn set_integrations<'a>(
        &self,
        integrations: impl IntoIterator<Item = MockIntegration<'a>>,
    ) -> Result<(), Error> {
        let given = integrations.into_iter().map(MockIntegration::to_integration);
        let given = given.collect::<Result<Vec<_>, _>>()?;
        self.change_environment(|environment| {
            environment.set_integrations(given);
            Ok(())
        })
    }

    /// Sets the session token of a viewer call that gives none, for calls that begin later: `user-token` at first. When it
    /// is empty, such a call fails with [`NoSession`](crate::ErrorKind::NoSession), as it does outside a mock.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for a token that holds a control character.
    pub fn set_user_session_token(&self, token: &str) -> Result<(), Error> {
        self.change_environment(|environment| environment.set_viewer_token(token))
    }

    fn change_environment(
        &self,
        change: impl FnOnce(&mut MockEnvironment) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _locked_at_forks = MOCKS.lock();
        self.broker.backend().change_environment(change)
    }

    /// Returns how many requests the mock received, those that it let through included.
    pub fn request_count(&self) -> usize {
        self.broker.backend().requests()
    }

    /// Moves the mock's clock forward.
    pub fn advance_time(&self, time: Duration) {
        let milliseconds = time.as_millis().try_into().unwrap_or(i64::MAX);
        self.broker.backend().advance_ms(milliseconds);
    }
}

impl Drop for Mock {
    /// Ends the mock. Waits while its function runs on another thread.
    fn drop(&mut self) {
        let mut mocks = MOCKS.lock();
        mocks.active.retain(|broker| !Arc::ptr_eq(broker, &self.broker));
        mocks.ended.push(Arc::downgrade(&self.broker));
        mocks.count();
        drop(mocks);
        self.broker.backend().end();
        self.broker.clear();
    }
}

impl std::fmt::Debug for Mock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Mock")
            .field("request_count", &self.request_count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;
    use crate::api::{exchange_token, invalidate, service_account_token, viewer_token};
    use crate::{ErrorKind, Request, token_type};

    /// Mocks apply to the whole program, so one test at a time uses them.
    fn alone() -> MutexGuard<'static, ()> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn a_function_sees_the_request_and_its_panic_is_an_internal_error() {
        let _alone = alone();
        let mock = Mock::function(|request| {
            assert_eq!(request.param("subject_token"), Some("alice"), "as it should be");
            assert_eq!(request.header("AUTHORIZATION"), Some("Key key"));
            assert_eq!(request.method(), "POST");
            let shown = format!("{request:?}");
            assert!(
                shown.contains("subject_token") && !shown.contains("alice"),
                "{shown}"
            );
            assert!(!shown.contains("Key key"), "{shown}");
            MockResponse::json(200, r#"{"access_token":"hers"}"#).ok()
        });
        let token = viewer_token(Some("alice"), &Request::new()).unwrap();
        assert_eq!(token.access_token(), "hers");
        let why = viewer_token(Some("bob"), &Request::new()).unwrap_err();
        assert_eq!(why.kind(), ErrorKind::Internal);
        assert!(why.message().ends_with("\nThe mock callback panicked."), "{why}");
        assert_eq!(mock.request_count(), 2);
    }

    #[test]
    fn words_that_are_a_mocks_secrets_stay_in_prose() {
        let _alone = alone();
        let sentence = "The API key has expired.";
        let body = format!(r#"{{"code":22,"error":"{sentence}"}}"#);
        let mock = Mock::responses([MockResponse::json(401, &body).unwrap()]);
        let why = service_account_token(&Request::new()).unwrap_err();
        assert!(why.message().contains(sentence), "{why}");
        drop(mock);
    }

    #[test]
    fn a_mock_that_is_dropped_keeps_no_token_whoever_still_looks_at_it() {
        let _alone = alone();
        let mock = Mock::token("token").unwrap();
        let token = service_account_token(&Request::new()).unwrap();
        let broker = mock.broker.clone();
        assert_eq!(broker.stats().entries, 1);
        drop(mock);
        assert_eq!(broker.stats().entries, 0);
        assert!(!invalidate(&token));
        assert!(active().is_empty() && innermost().is_none());
    }

    #[test]
    fn the_mock_of_the_outermost_scope_may_end_first() {
        let _alone = alone();
        let ask = || {
            let token = exchange_token("t", token_type::ID_TOKEN, &Request::new()).unwrap();
            token.access_token().to_owned()
        };
        let outer = Mock::token("outer").unwrap();
        let inner = Mock::token("inner").unwrap();
        drop(outer);
        assert_eq!(ask(), "inner");
        let responses = ["first", "second"].map(|name| {
            MockResponse::new(200, "", format!(r#"{{"access_token":"{name}","expires_in":60}}"#)).unwrap()
        });
        let innermost = Mock::responses(responses);
        assert_eq!(ask(), "first");
        innermost.advance_time(Duration::from_secs(60));
        assert_eq!(ask(), "second");
        drop(innermost);
        assert_eq!(ask(), "inner");
        drop(inner);
    }

    #[test]
    fn a_mock_rejects_invalid_arguments() {
        let wrong = [
            Mock::token("").err(),
            Mock::token("a\nb").err(),
            MockResponse::json(99, "{}").err(),
            MockResponse::json(600, "{}").err(),
            MockResponse::new(200, "a\nb", "{}").err(),
        ];
        for why in wrong {
            assert_eq!(why.unwrap().kind(), ErrorKind::InvalidArgument);
        }
        let secret = MockResponse::json(200, "secret").unwrap();
        assert!(!format!("{secret:?}").contains("secret"));
    }
}

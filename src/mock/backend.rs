//! What a mock answers, and by which clock: a world in which nothing goes over the network, unless it is let out.

#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use zeroize::Zeroizing;

use super::request::MockRequest;
use crate::backend::exchange::ServerExchange;
use crate::cache::backend::{Backend, PendingExchange};
use crate::cache::key::CacheKey;
use crate::cache::single_flight::InFlight;
use crate::cache::store::{InFlightExchange, Issued};
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::response::ServerResponse;
use crate::oauth::token_exchange::{ACCEPTED_TYPE, FormBody, token_type};
use crate::platform::callbacks::CallbackSlot;
use crate::platform::clock::Moment;
use crate::platform::fork::generation;
use crate::platform::sync::Instant;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;
use crate::text::validate::validate;

/// How long a token of [`Responder::Token`] lives, in seconds.
const TOKEN_LIFETIME_S: u32 = 3600;

/// An HTTP answer that a [`Mock`](crate::Mock) gives.
#[derive(Clone)]
pub struct MockResponse {
    status: u16,
    content_type: String,
    body: Arc<Zeroizing<Vec<u8>>>,
}

impl MockResponse {
    /// An answer with any body; an empty `content_type` stands for `application/json`.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a status outside 100 to 599, and for a content type that
    /// holds a control character.
    pub fn new(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Result<Self, Error> {
        if !(100..=599).contains(&status) {
            return Err(Error::invalid_argument(
                "A mocked response's status is not from 100 to 599.",
            ));
        }
        let content_type = validate(content_type.as_bytes(), "mocked response's content type")?;
        Ok(Self {
            status,
            content_type: content_type.unwrap_or(ACCEPTED_TYPE).to_owned(),
            body: Arc::new(Zeroizing::new(body.as_ref().to_vec())),
        })
    }

    /// An answer in JSON.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a status outside 100 to 599.
    pub fn json(status: u16, body: &str) -> Result<Self, Error> {
        Self::new(status, ACCEPTED_TYPE, body)
    }

    fn unavailable(why: &str) -> Self {
        Self {
            status: 503,
            content_type: "text/plain".to_owned(),
            body: Arc::new(Zeroizing::new(why.into())),
        }
    }

    /// A token of the type that was asked for.
    fn from_token(access_token: &Secret, request: &MockRequest) -> Self {
        let requested = request.param("requested_token_type");
        let json = |text: &str| Zeroizing::new(serde_json::Value::from(text).to_string());
        let body = format!(
            r#"{{"access_token":{},"issued_token_type":{},"token_type":"Bearer","expires_in":{TOKEN_LIFETIME_S}}}"#,
            *json(access_token.expose()),
            *json(requested.unwrap_or(token_type::ACCESS_TOKEN)),
        );
        Self {
            status: 200,
            content_type: ACCEPTED_TYPE.to_owned(),
            body: Arc::new(Zeroizing::new(body.into_bytes())),
        }
    }

    fn into_answer(self) -> ServerResponse {
        ServerResponse {
            status: self.status,
            content_type: Some(self.content_type),
            body: Zeroizing::new(self.body.to_vec()),
            ..ServerResponse::default()
        }
    }
}

/// No body: it may hold a token.
impl std::fmt::Debug for MockResponse {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MockResponse")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// The answer to a request; `None` lets the request out.
pub(crate) type Function = dyn Fn(&MockRequest) -> Result<Option<MockResponse>, Error> + Send + Sync;

pub(crate) enum Responder {
    /// A token with this text.
    Token(Secret),
    Always(MockResponse),
    /// One after the other, and then none.
    InTurn(Vec<MockResponse>),
    Function(Box<Function>),
}

/// What a mock goes by. Those who are at it share it.
pub(crate) struct MockBackend {
    number: u64,
    answers: Responder,
    /// Requests so far.
    requests: AtomicUsize,
    /// How far the clocks are ahead.
    moved_ms: AtomicI64,
    function: CallbackSlot,
}

impl MockBackend {
    pub fn new(answers: Responder) -> Self {
        // 0 is the world as it is.
        static SCRIPTS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: SCRIPTS.fetch_add(1, Ordering::Relaxed),
            answers,
            requests: AtomicUsize::new(0),
            moved_ms: AtomicI64::new(0),
            function: CallbackSlot::new(),
        }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Moves the clocks ahead.
    pub fn advance_ms(&self, milliseconds: i64) {
        let later = |moved_ms: i64| Some(moved_ms.saturating_add(milliseconds));
        let _ = self
            .moved_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    /// The function is not called any more, and runs on no other thread.
    pub fn end(&self) {
        self.function.end();
    }

    /// The answer to a request; `None` lets it out.
    fn answer(&self, request: &MockRequest) -> Result<Option<MockResponse>, Error> {
        let turn = self.requests.fetch_add(1, Ordering::Relaxed);
        let response = match &self.answers {
            Responder::Token(token) => MockResponse::from_token(token, request),
            Responder::Always(response) => response.clone(),
            Responder::InTurn(responses) => responses
                .get(turn)
                .cloned()
                .unwrap_or_else(|| MockResponse::unavailable("The mock has no more responses.")),
            Responder::Function(function) => return self.call(function, request),
        };
        Ok(Some(response))
    }

    fn call(&self, function: &Function, request: &MockRequest) -> Result<Option<MockResponse>, Error> {
        let Some(_running) = self.function.enter() else {
            return Ok(Some(MockResponse::unavailable("The mock has ended.")));
        };
        let called = catch_unwind(AssertUnwindSafe(|| function(request)));
        called.unwrap_or_else(|_panic| Err(Error::new(ErrorKind::Internal, "The mock's function panicked.")))
    }

    fn moved_ms(&self) -> i64 {
        self.moved_ms.load(Ordering::Relaxed)
    }
}

impl Backend for Arc<MockBackend> {
    fn begin(
        &self,
        key: &CacheKey,
        refresh_token: Option<Secret>,
        in_flight: &Arc<InFlightExchange>,
    ) -> Result<Box<dyn PendingExchange>, Error> {
        Ok(Box::new(MockExchange {
            backend: self.clone(),
            exchange: ServerExchange::new(key, refresh_token, in_flight)?,
            thread: thread::current().id(),
            renews: false,
            refresh_token_refused: false,
            let_out: None,
        }))
    }

    fn now(&self) -> Moment {
        Moment::now().after_ms(self.moved_ms())
    }

    /// None: a test sees the same each time.
    fn jitter(&self) -> f64 {
        0.0
    }

    fn number(&self) -> u64 {
        self.number
    }

    /// The mock's function is called on the thread that asks.
    fn refreshes_in_background(&self) -> bool {
        false
    }
}

/// An exchange with a mock: as one with a server, but that nothing is tried again.
struct MockExchange {
    backend: Arc<MockBackend>,
    exchange: ServerExchange,
    /// Who asked. Elsewhere the mock is not asked.
    thread: ThreadId,
    /// The request that was made last is a renewal.
    renews: bool,
    refresh_token_refused: bool,
    /// The request that was let out.
    let_out: Option<Box<dyn PendingExchange>>,
}

impl PendingExchange for MockExchange {
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>> {
        loop {
            let result = match &mut self.let_out {
                Some(work) => work.advance(at_most)?.map(|issued| self.by_the_clock(issued)),
                None => match self.request() {
                    Ok(Some(issued)) => Ok(issued),
                    Ok(None) => continue,
                    Err(why) => Err(why),
                },
            };
            self.let_out = None;
            match result {
                Err(why) if self.renews && why.kind() == ErrorKind::Refused => {
                    self.refresh_token_refused = true;
                }
                result => {
                    return Some(result.map(|issued| Issued {
                        refresh_token_refused: self.refresh_token_refused,
                        ..issued
                    }));
                }
            }
        }
    }
}

impl MockExchange {
    /// Makes the next request; `None` when it was let out.
    fn request(&mut self) -> Result<Option<Issued>, Error> {
        if thread::current().id() != self.thread {
            let what = "The call had ended when its mock was to be asked.";
            return Err(Error::new(ErrorKind::Cancelled, what));
        }
        let renewal = self.exchange.renewal.take();
        self.renews = renewal.is_some();
        let form = renewal.unwrap_or_else(|| std::mem::take(&mut self.exchange.exchange));
        let asked = self.backend.now();
        let request = MockRequest::new(&self.exchange, &form);
        let Some(response) = self.backend.answer(&request)? else {
            log::info!("The mock lets the request out");
            self.let_out = Some(self.let_out(form)?);
            return Ok(None);
        };
        log::info!("The mock answers: HTTP {}", response.status);
        let redactor = Redactor::new(self.exchange.secrets.iter().map(Secret::expose));
        let token = response.into_answer().read(asked.unix_s(), &redactor)?;
        Ok(Some(Issued {
            token,
            asked,
            refresh_token_refused: false,
        }))
    }

    fn let_out(&self, form: FormBody) -> Result<Box<dyn PendingExchange>, Error> {
        ServerExchange {
            server: self.exchange.server.clone(),
            api_key: self.exchange.api_key.clone(),
            exchange: form,
            renewal: None,
            secrets: self.exchange.secrets.clone(),
            in_flight: self.in_flight(),
        }
        .begin()
    }

    /// What a request that is let out is noted on. When the function has forked, one of the child's own: threads that it
    /// does not have may hold the lock of its parent's.
    fn in_flight(&self) -> Arc<InFlightExchange> {
        match self.exchange.in_flight.is_of(generation()) {
            true => self.exchange.in_flight.clone(),
            false => Arc::new(InFlight::new(generation(), Instant::now() + config::timeout())),
        }
    }

    /// What came from outside, in a cache whose clocks may be ahead: it is as old there as here.
    fn by_the_clock(&self, issued: Issued) -> Issued {
        Issued {
            asked: issued.asked.after_ms(self.backend.moved_ms()),
            ..issued
        }
    }
}

//! The backend of a mock: scripted responses and a clock of its own. Nothing goes over the network unless the mock allows it.

#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use zeroize::Zeroizing;

use super::environment::MockEnvironment;
use super::integrations::{LetOut, MockAnswers};
use super::request::MockRequest;
use super::{environment_of_backend, locked_at_forks};
use crate::backend::exchange::ServerExchange;
use crate::backend::integration_lists::Lists;
use crate::cache::backend::{Backend, BoxedFuture, ExchangeInputs};
use crate::cache::single_flight::InFlight;
use crate::cache::store::{InFlightExchange, Issued, Outcome};
use crate::driver;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::response::ServerResponse;
use crate::oauth::token_exchange::{ACCEPTED_TYPE, FormBody, token_type};
use crate::platform::callbacks::CallbackSlot;
use crate::platform::clock::Moment;
use crate::platform::fork::generation;
use crate::platform::sync::Instant;
use crate::settings;
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
    /// Header names in lower case, each once.
    headers: Vec<(String, String)>,
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
            headers: Vec::new(),
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

    /// Sets a header of the response; an empty `value` removes it. Those that the library reads are `Retry-After`,
    /// `X-Request-Id`, `Content-Type` and `Location`.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a name that is not a header's (RFC 9110, section 5.1), and for a
    /// value that holds a control character.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<&mut Self, Error> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Error::invalid_argument(
                "A mocked header's name is not a header's.",
            ));
        }
        let name = name.to_ascii_lowercase();
        let value = validate(value.as_bytes(), "mocked header's value")?;
        self.headers.retain(|(known, _)| *known != name);
        if let Some(value) = value {
            self.headers.push((name, value.to_owned()));
        }
        Ok(self)
    }

    fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    fn unavailable(why: &str) -> Self {
        Self {
            status: 503,
            content_type: "text/plain".to_owned(),
            headers: Vec::new(),
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
            headers: Vec::new(),
            body: Arc::new(Zeroizing::new(body.into_bytes())),
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn into_answer(self) -> ServerResponse {
        ServerResponse {
            status: self.status,
            retry_after: self.header("retry-after"),
            request_id: self.header("x-request-id"),
            location: self.header("location"),
            content_type: Some(self.header("content-type").unwrap_or(self.content_type)),
            body: Zeroizing::new(self.body.to_vec()),
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

/// The state of a mock, shared by every call inside it.
pub(crate) struct MockBackend {
    number: u64,
    answers: Responder,
    /// Requests so far.
    requests: AtomicUsize,
    /// Locked only while the lock of all mocks is held, which is what a fork waits for.
    environment: Mutex<Arc<MockEnvironment>>,
    /// How far the clocks are ahead.
    moved_ms: AtomicI64,
    function: CallbackSlot,
    /// The lists of integrations that its function gave. Locked as `environment`.
    lists: Mutex<Lists>,
}

impl MockBackend {
    pub fn new(answers: Responder) -> Self {
        // 0 is the world as it is.
        static SCRIPTS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: SCRIPTS.fetch_add(1, Ordering::Relaxed),
            answers,
            requests: AtomicUsize::new(0),
            environment: Mutex::new(Arc::new(MockEnvironment::new())),
            moved_ms: AtomicI64::new(0),
            function: CallbackSlot::new(),
            lists: Mutex::default(),
        }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub fn environment(&self) -> Arc<MockEnvironment> {
        self.environment
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn change_environment<T>(&self, change: impl FnOnce(&mut MockEnvironment) -> T) -> T {
        let mut environment = self.environment.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut environment))
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

    pub fn responder(&self) -> &Responder {
        &self.answers
    }

    pub fn with_lists<T>(&self, work: impl FnOnce(&mut Lists) -> T) -> T {
        let _locked_at_forks = locked_at_forks();
        work(&mut self.lists.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether every name of an integration is accepted: nothing says which there are.
    fn accepts_any_integration(&self) -> bool {
        let by_token = matches!(self.answers, Responder::Token(_) | Responder::InTurn(_));
        by_token && environment_of_backend(self).integrations().is_none()
    }

    /// The time by the mock's clock.
    pub fn time(&self) -> Moment {
        Moment::now().after_ms(self.moved_ms())
    }

    /// The answer to a request; `None` lets it out.
    pub fn answer(&self, request: &MockRequest) -> Result<Option<MockResponse>, Error> {
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
        called.unwrap_or_else(|_panic| Err(Error::new(ErrorKind::Internal, "The mock callback panicked.")))
    }

    fn moved_ms(&self) -> i64 {
        self.moved_ms.load(Ordering::Relaxed)
    }
}

impl Backend for Arc<MockBackend> {
    fn exchange(&self, inputs: ExchangeInputs) -> BoxedFuture<Result<Issued, Error>> {
        Box::pin(perform(self.clone(), inputs))
    }

    /// The mock answers here, on the thread that asks. Only a request that it lets out goes on elsewhere.
    fn spawn(&self, in_flight: &Arc<InFlightExchange>, mut task: BoxedFuture<()>) {
        let mut context = Context::from_waker(Waker::noop());
        if task.as_mut().poll(&mut context).is_pending() {
            driver::spawn(in_flight, task);
        }
    }

    fn drive(&self, in_flight: &InFlightExchange, at_most: Duration) -> Option<Outcome> {
        driver::drive(in_flight, at_most)
    }

    fn unattended(&self, _in_flight: &Arc<InFlightExchange>) -> Result<(), Error> {
        driver::unattended()
    }

    fn attention_changed(&self, in_flight: &Arc<InFlightExchange>) {
        driver::attention_changed(in_flight);
    }

    fn now(&self) -> Moment {
        self.time()
    }

    /// None: a test sees the same each time.
    fn jitter(&self) -> f64 {
        0.0
    }

    fn id(&self) -> u64 {
        self.number
    }

    /// The mock function is called on the thread that asks.
    fn refreshes_in_background(&self) -> bool {
        false
    }

    /// Only a request that was let through is still in progress then, and it does not call the mock function again.
    fn goes_on_unattended(&self) -> bool {
        true
    }
}

/// An exchange with a mock: as one with a server, but nothing is retried.
async fn perform(backend: Arc<MockBackend>, inputs: ExchangeInputs) -> Result<Issued, Error> {
    let mut exchange = ServerExchange::new(&inputs)?;
    exchange.content = environment_of_backend(&backend).content_guid().to_vec();
    let mut refresh_token_refused = false;
    if let Some(renewal) = &exchange.renewal {
        match request(&backend, &exchange, renewal) {
            Some(Err(why)) if why.kind() == ErrorKind::Refused => {
                refresh_token_refused = true;
                exchange.renewal = None;
            }
            Some(result) => return result,
            None => {
                // This request alone: the mock has not let a full exchange through.
                exchange.exchange = exchange.renewal.take().unwrap_or_default();
                exchange.integration = None;
                return let_out(&backend, exchange).await;
            }
        }
    }
    if exchange.integration.is_some() && backend.accepts_any_integration() {
        // Names that are not looked up: but for that, it is as on Connect.
        exchange.list_inputs().key()?;
        exchange.integration = None;
    }
    let answers = MockAnswers {
        backend: &backend,
        exchange: &exchange,
        let_out: Mutex::default(),
    };
    let result = exchange.exchange_with(&answers).await;
    match answers
        .let_out
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        None => result.map(|issued| Issued {
            refresh_token_refused,
            ..issued
        }),
        Some(LetOut::List) => let_out(&backend, exchange).await,
        Some(LetOut::Exchange(form)) => {
            exchange.exchange = form;
            exchange.integration = None;
            let_out(&backend, exchange).await
        }
    }
}

/// Has the mock answer a request; `None` lets it out.
pub(super) fn request(
    backend: &MockBackend,
    exchange: &ServerExchange,
    form: &FormBody,
) -> Option<Result<Issued, Error>> {
    let asked = backend.time();
    let response = match backend.answer(&MockRequest::new(exchange, form)) {
        Ok(response) => response?,
        Err(why) => return Some(Err(why)),
    };
    log::info!("The mock responds: HTTP {}", response.status);
    let redactor = Redactor::for_mock(exchange.secrets.iter().map(Secret::expose));
    let token = response.into_answer().read(asked.unix_s(), &redactor);
    Some(token.map(|token| Issued {
        token,
        asked,
        refresh_token_refused: false,
    }))
}

/// Sends the request to the server that it is for.
async fn let_out(backend: &MockBackend, exchange: ServerExchange) -> Result<Issued, Error> {
    log::info!("The mock lets the request through to the server");
    driver::prepare()?;
    let issued = match exchange.in_flight.is_of(generation()) {
        true => {
            // The driver polls the rest.
            let mut is_here = true;
            poll_fn(|_| match std::mem::take(&mut is_here) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
            exchange.perform().await
        }
        false => in_forked_child(exchange),
    }?;
    // In a cache whose clocks may be ahead, the token is as old as here.
    Ok(Issued {
        asked: issued.asked.after_ms(backend.moved_ms()),
        ..issued
    })
}

/// The mock function has forked: nothing completes the parent's exchange here, so it is performed at once.
fn in_forked_child(mut exchange: ServerExchange) -> Result<Issued, Error> {
    let deadline = Instant::now() + settings::timeout();
    let in_flight = Arc::new(InFlight::new(generation(), deadline));
    in_flight.join(deadline);
    exchange.in_flight = in_flight.clone();
    let (sender, result) = mpsc::channel();
    let (own, no_token) = (in_flight.clone(), || {
        Error::new(ErrorKind::Timeout, "No response.")
    });
    let task = async move {
        let _ = sender.send(exchange.perform().await);
        own.complete(Err((no_token(), None)));
    };
    driver::spawn(&in_flight, Box::pin(task));
    driver::drive(&in_flight, settings::timeout());
    in_flight.leave();
    result.try_recv().unwrap_or_else(|_| Err(no_token()))
}

//! Tests of the broker, with a clock that the test moves and a backend that answers from a script.

mod eviction;
mod expiry;
mod picture;
mod sharing;
mod storage;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Condvar, Mutex};

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::backend::{Backend, BoxedFuture, ExchangeInputs};
use super::broker::{Broker, Handle, Stats};
use super::key::CacheKeyRef;
use super::store::{InFlightExchange, Issued, Outcome, TokenCriteria};
use super::wait::WaitOptions;
use crate::cache::key::Subject;
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::ResponseFacts;
use crate::error::{Error, ErrorKind};
use crate::oauth::params::ExchangeParams;
use crate::oauth::token::Token;
use crate::oauth::token::{Field, Parts};
use crate::platform::clock::Moment;
use crate::text::hash::Part;
use crate::text::secret::Secret;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 1_000_000,
};

/// A response of the scripted backend.
#[derive(Clone)]
enum ScriptedResponse {
    /// A token of this name that lives for so many seconds.
    Token(&'static str, Option<i64>),
    /// A token and a refresh token.
    Renewable(&'static str, &'static str),
    Failure(Error),
    Panic,
}

#[derive(Default)]
struct Fake {
    now: Mutex<Option<Moment>>,
    answers: Mutex<VecDeque<ScriptedResponse>>,
    begun: AtomicUsize,
    renewals: Mutex<Vec<Option<String>>>,
    /// Whether exchanges wait.
    held: Mutex<bool>,
    released: Condvar,
    /// Each performs an exchange.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Fake {
    fn advance(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = Some(now.unwrap_or(START).after_ms(seconds * 1000));
    }

    fn script(&self, answers: impl IntoIterator<Item = ScriptedResponse>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn hold(&self) {
        *self.held.lock().unwrap() = true;
    }

    fn release(&self) {
        *self.held.lock().unwrap() = false;
        self.released.notify_all();
    }

    /// Waits until the exchanges are over, and hold no token any more.
    fn finish(&self) {
        for thread in self.threads.lock().unwrap().drain(..) {
            thread.join().unwrap();
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

impl Backend for &'static Fake {
    fn exchange(&self, inputs: ExchangeInputs) -> BoxedFuture<Result<Issued, Error>> {
        let backend = *self;
        backend.begun.fetch_add(1, Ordering::SeqCst);
        let refresh_token = inputs.refresh_token.map(|token| token.expose().to_owned());
        backend.renewals.lock().unwrap().push(refresh_token);
        let asked = backend.now();
        Box::pin(async move { backend.answer(asked) })
    }

    /// On a thread of its own, which may block.
    fn spawn(&self, _in_flight: &Arc<InFlightExchange>, mut task: BoxedFuture<()>) {
        let thread = std::thread::spawn(move || {
            let mut context = Context::from_waker(Waker::noop());
            assert!(task.as_mut().poll(&mut context).is_ready());
        });
        self.threads.lock().unwrap().push(thread);
    }

    fn drive(&self, in_flight: &InFlightExchange, at_most: Duration) -> Option<Outcome> {
        in_flight.wait(at_most)
    }

    fn unattended(&self, _in_flight: &Arc<InFlightExchange>) -> Result<(), Error> {
        Ok(())
    }

    fn now(&self) -> Moment {
        self.now.lock().unwrap().unwrap_or(START)
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

impl Fake {
    fn answer(&self, asked: Moment) -> Result<Issued, Error> {
        let held = self.held.lock().unwrap();
        drop(self.released.wait_while(held, |held| *held).unwrap());
        let response = self.answers.lock().unwrap().pop_front();
        let (name, lifetime_s, refresh) =
            match response.unwrap_or(ScriptedResponse::Token("token", Some(3600))) {
                ScriptedResponse::Token(name, lifetime_s) => (name, lifetime_s, None),
                ScriptedResponse::Renewable(name, refresh) => (name, Some(3600), Some(refresh)),
                ScriptedResponse::Failure(why) => return Err(why),
                ScriptedResponse::Panic => panic!("as ordered"),
            };
        let fields = refresh.map(|refresh| Field {
            name: Secret::new("refresh_token"),
            value: Some(Secret::new(refresh)),
            is_string: true,
        });
        let token = Token::new(Parts {
            access_token: name,
            token_type: None,
            issued_type: None,
            lifetime_s,
            expires_at: None,
            fields: fields.into_iter().collect(),
        });
        Ok(Issued {
            token,
            refresh_token_refused: false,
            asked,
        })
    }
}

/// A broker in a world of its own. Both live as long as the test program: threads may still be in them.
#[derive(Clone, Copy)]
struct Fixture {
    broker: &'static Broker<&'static Fake>,
    backend: &'static Fake,
}

/// A viewer's cache key with a value for every part.
#[derive(Clone)]
struct Call {
    session: &'static str,
    subject_type: &'static str,
    requested: Option<&'static str>,
    server: &'static str,
    api_key: &'static str,
    params: ExchangeParams,
    criteria: TokenCriteria,
    timeout: Duration,
}

fn ada() -> Call {
    Call {
        session: "ada",
        subject_type: "user",
        requested: None,
        server: "http://server",
        api_key: "key",
        params: ExchangeParams::NOTHING,
        criteria: TokenCriteria::default(),
        timeout: Duration::from_secs(20),
    }
}

fn viewer(session: &'static str) -> Call {
    Call { session, ..ada() }
}

fn forced() -> Call {
    Call {
        criteria: TokenCriteria {
            force_refresh: true,
            ..TokenCriteria::default()
        },
        ..ada()
    }
}

fn valid_for(seconds: i64) -> Call {
    Call {
        criteria: TokenCriteria {
            min_validity_ms: seconds * 1000,
            ..TokenCriteria::default()
        },
        ..ada()
    }
}

impl Call {
    fn key_ref(&self) -> CacheKeyRef<'_> {
        CacheKeyRef {
            subject: Subject::Given(Part::new(self.session.as_bytes())),
            subject_token_type: self.subject_type,
            requested_token_type: self.requested,
            server: Part::new(self.server.as_bytes()),
            api_key: Part::new(self.api_key.as_bytes()),
            api_key_required: true,
            params: &self.params,
        }
    }
}

fn fixture() -> Fixture {
    let backend: &'static Fake = Box::leak(Box::default());
    Fixture {
        broker: Box::leak(Box::new(Broker::new(backend))),
        backend,
    }
}

impl Fixture {
    fn ask(self, ask: &Call) -> Result<Arc<Token>, Error> {
        self.ask_until(ask, None)
    }

    fn ask_until(
        self,
        ask: &Call,
        cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    ) -> Result<Arc<Token>, Error> {
        let key_ref = ask.key_ref();
        if let Some(token) = self.broker.cached(&key_ref, ask.criteria, EnvSnapshot::take) {
            return Ok(token);
        }
        let options = WaitOptions {
            criteria: ask.criteria,
            timeout: Some(ask.timeout),
            cancelled,
        };
        self.broker
            .obtain(key_ref.to_key()?, EnvSnapshot::take(), &options)
    }

    /// The name of the token.
    #[track_caller]
    fn name(self, ask: &Call) -> String {
        self.ask(ask).expect("a token").access_token().to_owned()
    }

    /// Asks on a thread of its own; returns when the request has arrived.
    fn ask_elsewhere(self, ask: &Call) -> std::thread::JoinHandle<Result<Arc<Token>, Error>> {
        let (ask, before) = (ask.clone(), self.broker.stats());
        let thread = std::thread::spawn(move || self.ask(&ask));
        eventually(|| {
            let now = self.broker.stats();
            now.exchanges + now.coalesced > before.exchanges + before.coalesced
        });
        thread
    }
}

/// Gives other threads their turn until `condition` holds.
#[track_caller]
fn eventually(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came true");
        std::thread::yield_now();
    }
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, "as ordered")
}

fn refusal(http_status: u16) -> Error {
    failure(ErrorKind::Refused).with_response(ResponseFacts {
        http_status: Some(http_status),
        ..ResponseFacts::default()
    })
}

//! A broker, and a server that answers each exchange with a token of its own.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::explorer::{fork, mishap, now, pass_until};
use crate::cache::backend::{Backend, BoxedFuture, ExchangeInputs};
use crate::cache::broker::{Broker, Handle};
use crate::cache::key::{CacheKeyRef, Subject};
use crate::cache::store::{InFlightExchange, Issued, Outcome, TokenCriteria};
use crate::cache::wait::WaitOptions;
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::oauth::params::ExchangeParams;
use crate::oauth::token::{Parts, Token};
use crate::platform::clock::Moment;
use crate::platform::fork::{HoldOverFork, Place, generation, hold_over_fork};
use crate::platform::per_process::PerProcess;
use crate::platform::sync::{Condvar, Instant, Mutex, thread};
use crate::text::hash::Part;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 1_000_000,
};

/// How long a token lives.
const LIFETIME_S: i64 = 3600;

/// The server, which counts its requests.
pub(crate) struct FakeServer {
    /// Exchanges since the play began. The token of the third is called 3.
    begun: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    refuses: bool,
    /// The next exchange forks, and goes on in the child.
    forks: AtomicBool,
    /// The wall clock, in seconds since the play began.
    late_s: AtomicI64,
    /// Each process has its own, as the driver has.
    queue: PerProcess<Queue>,
}

/// Exchanges that were spawned, and are polled by whoever waits.
#[derive(Default)]
struct Queue {
    tasks: Mutex<VecDeque<BoxedFuture<()>>>,
    changed: Condvar,
}

impl Default for FakeServer {
    fn default() -> Self {
        Self {
            begun: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            refuses: false,
            forks: AtomicBool::new(false),
            late_s: AtomicI64::new(0),
            queue: PerProcess::new(Queue::default),
        }
    }
}

impl FakeServer {
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }
}

impl Backend for &'static FakeServer {
    fn exchange(&self, inputs: ExchangeInputs) -> BoxedFuture<Result<Issued, Error>> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        Box::pin(FixtureExchange {
            server: self,
            number,
            generation: generation(),
            in_flight: inputs.in_flight,
        })
    }

    fn spawn(&self, _in_flight: &Arc<InFlightExchange>, task: BoxedFuture<()>) {
        self.queue.get().tasks.lock().unwrap().push_back(task);
        self.queue.get().changed.notify_all();
    }

    /// Whoever waits polls the tasks, one at a time, until its own exchange is completed.
    fn drive(&self, in_flight: &InFlightExchange, at_most: Duration) -> Option<Outcome> {
        let deadline = Instant::now() + at_most;
        loop {
            let mut tasks = self.queue.get().tasks.lock().unwrap();
            if let Some(outcome) = in_flight.result() {
                return Some(outcome);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            match tasks.pop_front() {
                Some(task) => {
                    drop(tasks);
                    self.poll(task, deadline);
                    if !in_flight.is_of(generation()) {
                        return None;
                    }
                }
                None => drop(self.queue.get().changed.wait_timeout(tasks, left).unwrap()),
            }
        }
    }

    /// A thread that polls tasks until this exchange is completed; it may fail to start.
    fn unattended(&self, in_flight: &Arc<InFlightExchange>) -> Result<(), Error> {
        let server = *self;
        let in_flight = in_flight.clone();
        let run = move || while server.drive(&in_flight, config::timeout()).is_none() {};
        thread::Builder::new()
            .spawn(run)
            .map_err(|why| Error::new(ErrorKind::Network, why.to_string()))
    }

    fn now(&self) -> Moment {
        START.after_ms(self.late_s.load(Ordering::Relaxed) * 1000)
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

impl FakeServer {
    /// Polls a task once. When that takes until the deadline, someone else goes on with it.
    fn poll(&self, mut task: BoxedFuture<()>, deadline: Instant) {
        shuttle::thread::yield_now();
        let mut unfinished = None;
        if mishap() {
            pass_until(deadline.since_start());
            unfinished = Some(task);
        } else {
            let mut context = Context::from_waker(Waker::noop());
            if task.as_mut().poll(&mut context).is_pending() {
                unfinished = Some(task);
            }
        }
        // Under the lock: whoever has found nothing to do is waiting by now.
        let queue = self.queue.get();
        let mut tasks = queue.tasks.lock().unwrap();
        tasks.extend(unfinished);
        queue.changed.notify_all();
    }
}

struct FixtureExchange {
    server: &'static FakeServer,
    number: usize,
    generation: u64,
    in_flight: Arc<InFlightExchange>,
}

impl Future for FixtureExchange {
    type Output = Result<Issued, Error>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        assert_eq!(
            generation(),
            self.generation,
            "a child goes on with its parent's exchange"
        );
        if Instant::now() >= self.in_flight.until() && self.in_flight.give_up(Instant::now()) {
            return Poll::Ready(Err(Error::new(ErrorKind::Timeout, "given up")));
        }
        if self.server.forks.swap(false, Ordering::Relaxed) {
            fork();
        }
        if self.server.refuses {
            return Poll::Ready(Err(Error::new(ErrorKind::Network, self.number.to_string())));
        }
        let token = Token::new(Parts {
            access_token: &self.number.to_string(),
            token_type: None,
            issued_type: None,
            lifetime_s: Some(LIFETIME_S),
            expires_at: None,
            fields: Vec::new(),
        });
        Poll::Ready(Ok(Issued {
            token,
            refresh_token_refused: false,
            asked: self.server.now(),
        }))
    }
}

impl Drop for FixtureExchange {
    fn drop(&mut self) {
        self.server.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A broker in a world of its own. Both are there for good, as the process's are.
#[derive(Clone, Copy)]
pub(crate) struct Fixture {
    broker: &'static Broker<&'static FakeServer>,
    pub server: &'static FakeServer,
}

/// The number of a token's exchange.
pub(crate) type Number = usize;

impl Fixture {
    pub fn new() -> Self {
        Self::of(FakeServer::default())
    }

    /// Every exchange fails.
    pub fn without_tokens() -> Self {
        Self::of(FakeServer {
            refuses: true,
            ..FakeServer::default()
        })
    }

    /// The first exchange forks.
    pub fn that_forks() -> Self {
        Self::of(FakeServer {
            forks: true.into(),
            ..FakeServer::default()
        })
    }

    fn of(server: FakeServer) -> Self {
        let server: &'static FakeServer = Box::leak(Box::new(server));
        let broker: &'static _ = Box::leak(Box::new(Broker::new(server)));
        let lock: &'static dyn HoldOverFork = broker;
        hold_over_fork(Place::Broker, Box::leak(Box::new(lock)));
        Self { broker, server }
    }

    pub fn ask(self) -> Result<Number, ErrorKind> {
        self.ask_until(None)
    }

    pub fn ask_until(
        self,
        cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    ) -> Result<Number, ErrorKind> {
        self.answer(cancelled).map_err(|why| why.kind())
    }

    /// Asks, and is told of an exchange that failed.
    pub fn fail(self) -> Number {
        let why = self.answer(None).expect_err("no token");
        why.message().parse().expect("a number")
    }

    fn answer(self, cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>) -> Result<Number, Error> {
        let params = ExchangeParams::NOTHING;
        let key_ref = key_ref(&params);
        if let Some(token) = self
            .broker
            .cached(&key_ref, TokenCriteria::default(), || EnvSnapshot::with(&[]))
        {
            return Ok(number_of(&token));
        }
        let options = WaitOptions {
            criteria: TokenCriteria::default(),
            timeout: None,
            cancelled,
        };
        let key = key_ref.to_key().expect("a question that can be asked");
        let deadline = now() + config::timeout();
        let answer = self.broker.obtain(key, EnvSnapshot::with(&[]), &options);
        let in_vain = |why: &Error| why.kind() == ErrorKind::Timeout;
        assert!(
            !answer.as_ref().is_err_and(in_vain) || now() >= deadline,
            "a call is told that its time is over before it is"
        );
        answer.map(|token| number_of(&token))
    }

    /// Returns the cached token.
    pub fn cached(self) -> Option<Number> {
        self.cached_token().map(|token| number_of(&token))
    }

    pub fn clear(self) {
        self.broker.clear();
    }

    pub fn forget_session(self) {
        self.broker.forget_session("ada");
    }

    /// Invalidates what is stored.
    pub fn invalidate(self) {
        if let Some(token) = self.cached_token() {
            self.broker.invalidate(&token);
        }
    }

    /// Time goes by until the tokens that there are come into their early window.
    pub fn grow_old(self) {
        self.server.late_s.store(LIFETIME_S - 200, Ordering::Relaxed);
    }

    fn cached_token(self) -> Option<Arc<Token>> {
        let params = ExchangeParams::NOTHING;
        self.broker
            .cached(&key_ref(&params), TokenCriteria::default(), || {
                EnvSnapshot::with(&[])
            })
    }
}

fn key_ref(params: &ExchangeParams) -> CacheKeyRef<'_> {
    CacheKeyRef {
        subject: Subject::Given(Part::new(b"ada")),
        subject_token_type: "user",
        requested_token_type: None,
        server: Part::new(b"http://server"),
        api_key: Part::new(b"key"),
        api_key_required: true,
        params,
    }
}

fn number_of(token: &Token) -> Number {
    token.access_token().parse().expect("a number")
}

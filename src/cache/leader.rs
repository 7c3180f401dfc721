//! The leader of a single flight: performs the exchange, stores its token and gives the result to all that wait.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::backend::{Backend, BoxedFuture, ExchangeInputs};
use super::broker::Handle;
use super::key::CacheKey;
use super::refresh_policy::{Expiry, Renewal};
use super::store::{Cache, InFlightExchange, Issued, Limits, TokenCriteria};
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::platform::clock::Moment;
use crate::platform::fork::generation;
use crate::platform::sync::thread_local;
use crate::text::secret::Secret;

/// Performs one exchange. Whatever becomes of it, every caller that waits gets a result.
pub(super) struct Leader<H: Handle> {
    broker: H,
    key: Arc<CacheKey>,
    in_flight: Arc<InFlightExchange>,
    criteria: TokenCriteria,
    completed: bool,
}

impl<H: Handle> Leader<H> {
    pub fn new(
        broker: &H,
        key: Arc<CacheKey>,
        in_flight: Arc<InFlightExchange>,
        criteria: TokenCriteria,
    ) -> Self {
        Self {
            broker: broker.clone(),
            key,
            in_flight,
            criteria,
            completed: false,
        }
    }

    /// Hands the exchange to the backend. With a mock it is completed when this returns.
    pub fn spawn(self, env: Arc<EnvSnapshot>, refresh_token: Option<Secret>) {
        let (broker, in_flight) = (self.broker.clone(), self.in_flight.clone());
        let _here = LedHere::new(&in_flight);
        broker.backend.spawn(&in_flight, self.perform(env, refresh_token));
    }

    fn perform(mut self, env: Arc<EnvSnapshot>, refresh_token: Option<Secret>) -> BoxedFuture<()> {
        Box::pin(async move {
            self.broker.exchanges.fetch_add(1, Ordering::Relaxed);
            let exchange = self.broker.backend.exchange(ExchangeInputs {
                key: self.key.clone(),
                env,
                refresh_token,
                in_flight: self.in_flight.clone(),
            });
            let result = exchange.await;
            self.complete(result);
        })
    }

    fn complete(&mut self, result: Result<Issued, Error>) {
        self.completed = true;
        let broker = &self.broker;
        let now = broker.backend.now();
        // Nothing is renewed ahead of need where nothing is renewed in the background.
        let renewal = match broker.backend.refreshes_in_background() {
            true => self.key.renewal(),
            false => Renewal::Same,
        };
        let result = result.map(|issued| {
            let expiry = expiry_of(&issued, now, broker.backend.jitter(), renewal);
            let token = issued.token.with_backend_id(broker.backend.id());
            (Issued { token, ..issued }, expiry)
        });
        if let Err(why) = &result {
            broker.failures.fetch_add(1, Ordering::Relaxed);
            log::warning!("The token exchange failed: {why}");
        }
        let settle = |cache: &mut Cache| {
            // Read under the lock: a limit that was raised in between evicts nothing.
            let limits = Limits::configured();
            cache.settle(&self.key, &self.in_flight, result, now, self.criteria, limits)
        };
        let outcome = broker.cache.write(settle);
        match self.in_flight.is_of(generation()) {
            true => self.in_flight.complete(outcome),
            // A mock's function has forked: the other callers that wait are not in the child.
            false => self.in_flight.complete_in_child(outcome),
        }
    }
}

impl<H: Handle> Drop for Leader<H> {
    /// A panic, or an exchange that was dropped because nothing waited for it. In a forked child it is the parent's.
    fn drop(&mut self) {
        if self.completed || !self.in_flight.is_of(generation()) {
            return;
        }
        let (kind, what) = match self.in_flight.give_up_unless_awaited() {
            true => (
                ErrorKind::Timeout,
                "The token exchange was abandoned: no caller waited for it.",
            ),
            false => (ErrorKind::Internal, "The token exchange was abandoned."),
        };
        self.complete(Err(Error::new(kind, what)));
    }
}

thread_local! {
    /// The exchanges that this thread performs itself, inside a mock: several when a callback makes calls.
    static LED_HERE: RefCell<Vec<Arc<InFlightExchange>>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, this thread performs the exchange.
struct LedHere;

impl LedHere {
    fn new(in_flight: &Arc<InFlightExchange>) -> Self {
        // A thread that is exiting has no thread-locals left.
        let _ = LED_HERE.try_with(|led| led.borrow_mut().push(in_flight.clone()));
        Self
    }
}

impl Drop for LedHere {
    fn drop(&mut self) {
        let ended = LED_HERE.try_with(|led| led.borrow_mut().pop());
        drop(ended);
    }
}

/// Whether this thread performs the exchange itself, and would wait for itself.
pub(super) fn is_led_by_this_thread(in_flight: &Arc<InFlightExchange>) -> bool {
    let led = |led: &RefCell<Vec<_>>| led.borrow().iter().any(|here| Arc::ptr_eq(here, in_flight));
    LED_HERE.try_with(led).unwrap_or(false)
}

/// When a token expires, as far as is known, else as configured.
fn expiry_of(issued: &Issued, now: Moment, jitter: f64, renewal: Renewal) -> Expiry {
    match issued
        .token
        .lifetime_s()
        .unwrap_or_else(config::default_lifetime_s)
    {
        ..=0 => Expiry::not_to_be_kept(now),
        lifetime_s => Expiry::new(issued.asked, lifetime_s, jitter, renewal),
    }
}

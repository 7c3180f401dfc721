//! Who makes an exchange: on the thread of a call, and in the background when that leaves.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::backend::{Backend, PendingExchange};
use super::broker::Handle;
use super::wait::{WaitEnd, WaitOptions, drive, timed_out};
use crate::cache::key::CacheKey;
use crate::cache::refresh_policy::Expiry;
use crate::cache::store::{Admission, Cache, InFlightExchange, Issued, Outcome, TokenCriteria};
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::platform::clock::Moment;
use crate::platform::fork::generation;
use crate::platform::signals::without_signals;
use crate::platform::sync::{Instant, thread, thread_local};
use crate::text::secret::Secret;

/// Makes the exchange on this thread. When the caller leaves early, it goes on elsewhere: others may wait for it, and
/// what it brings is worth keeping.
pub(super) fn lead<H: Handle>(
    broker: &H,
    key: &Arc<CacheKey>,
    in_flight: Arc<InFlightExchange>,
    refresh_token: Option<Secret>,
    deadline: Instant,
    options: &WaitOptions<'_>,
) -> Result<Outcome, WaitEnd> {
    let mut leader = Leader::new(broker, key.clone(), in_flight, options.criteria);
    let in_flight = leader.in_flight.clone();
    in_flight.join(deadline);
    let _here = LeadingHere::new(&in_flight);
    if let Some(outcome) = leader.begin(refresh_token) {
        return Ok(outcome);
    }
    let driven = drive(deadline, options.cancelled, |at_most| leader.advance(at_most));
    match driven {
        // What another thread may have locked in the parent is not touched.
        Err(WaitEnd::Forked) => leader.abandon(),
        Err(_) => {
            in_flight.leave();
            in_background(move || leader.finish());
        }
        Ok(_) if in_flight.is_of(generation()) => in_flight.leave(),
        Ok(_) => {}
    }
    driven
}

pub(super) fn refresh_in_background<H: Handle>(broker: &H, key: Arc<CacheKey>) {
    if !broker.backend.refreshes_in_background() {
        return;
    }
    let begin = || broker.in_flight();
    let step = broker
        .cache
        .write(|cache| cache.enter_early(&key, broker.backend.now(), generation(), begin));
    let Some(Admission::Lead(in_flight, refresh_token)) = step else {
        return;
    };
    log::debug!("The token nears its end: it is renewed in the background");
    let mut leader = Leader::new(broker, key, in_flight, TokenCriteria::default());
    in_background(move || {
        if leader.begin(refresh_token).is_none() {
            leader.finish();
        }
    });
}

thread_local! {
    /// The exchanges that calls on this thread are making: more than one when a callback asks.
    static LED_BY_THIS_THREAD: RefCell<Vec<Arc<InFlightExchange>>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, this thread makes the exchange.
struct LeadingHere;

impl LeadingHere {
    fn new(in_flight: &Arc<InFlightExchange>) -> Self {
        // A thread that is being taken down has no thread-locals left.
        let _ = LED_BY_THIS_THREAD.try_with(|led| led.borrow_mut().push(in_flight.clone()));
        Self
    }
}

impl Drop for LeadingHere {
    fn drop(&mut self) {
        let ended = LED_BY_THIS_THREAD.try_with(|led| led.borrow_mut().pop());
        drop(ended);
    }
}

/// Whether this thread makes the exchange itself, and would wait for itself.
pub(super) fn is_led_by_this_thread(in_flight: &Arc<InFlightExchange>) -> bool {
    let led = |led: &RefCell<Vec<_>>| led.borrow().iter().any(|here| Arc::ptr_eq(here, in_flight));
    LED_BY_THIS_THREAD.try_with(led).unwrap_or(false)
}

/// The one who makes an exchange. Whatever becomes of it, those who wait get a result.
struct Leader<H: Handle> {
    broker: H,
    key: Arc<CacheKey>,
    in_flight: Arc<InFlightExchange>,
    criteria: TokenCriteria,
    work: Option<Box<dyn PendingExchange>>,
    completed: bool,
}

impl<H: Handle> Leader<H> {
    fn new(
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
            work: None,
            completed: false,
        }
    }

    /// Gives a landing when the exchange could not even begin.
    fn begin(&mut self, refresh_token: Option<Secret>) -> Option<Outcome> {
        self.broker.exchanges.fetch_add(1, Ordering::Relaxed);
        match self
            .broker
            .backend
            .begin(&self.key, refresh_token, &self.in_flight)
        {
            Ok(work) => {
                self.work = Some(work);
                None
            }
            Err(why) => Some(self.complete(Err(why))),
        }
    }

    fn advance(&mut self, at_most: Duration) -> Option<Outcome> {
        let result = self.work.as_mut()?.advance(at_most)?;
        Some(self.complete(result))
    }

    /// Goes on as long as it is worth it.
    fn finish(mut self) {
        loop {
            let left = self.in_flight.until().saturating_duration_since(Instant::now());
            if left.is_zero() && self.in_flight.give_up(Instant::now()) {
                let why = timed_out(&self.key, config::timeout(), &self.in_flight);
                let _nobody_waits = self.complete(Err(why));
                return;
            }
            if self.advance(left).is_some() {
                return;
            }
        }
    }

    /// In a forked child: what is under way is the parent's.
    fn abandon(mut self) {
        self.completed = true;
    }

    fn complete(&mut self, result: Result<Issued, Error>) -> Outcome {
        // At its end before the next one begins.
        self.work = None;
        let broker = &self.broker;
        let now = broker.backend.now();
        let brought = result.map(|issued| {
            let expiry = expiry_of(&issued, now, broker.backend.jitter());
            let token = issued.token.with_backend_id(broker.backend.number());
            (Issued { token, ..issued }, expiry)
        });
        if let Err(why) = &brought {
            broker.failures.fetch_add(1, Ordering::Relaxed);
            log::warning!("The exchange failed: {why}");
        }
        let settle = |cache: &mut Cache| {
            // Read under the lock: a bound that was raised meanwhile evicts nothing.
            let capacity = config::cache_capacity();
            cache.settle(&self.key, &self.in_flight, brought, now, self.criteria, capacity)
        };
        let outcome = broker.cache.write(settle);
        // A mock's function may have forked: those who wait are not in the child, and one may have held the lock.
        if self.in_flight.is_of(generation()) {
            self.in_flight.complete(outcome.clone());
        }
        self.completed = true;
        outcome
    }
}

impl<H: Handle> Drop for Leader<H> {
    fn drop(&mut self) {
        if !self.completed {
            // A panic, or no thread to go on in.
            let _to_those_who_wait =
                self.complete(Err(Error::new(ErrorKind::Internal, "The exchange was given up.")));
        }
    }
}

/// How long a token lives: as far as is known, else as configured.
fn expiry_of(issued: &Issued, now: Moment, jitter: f64) -> Expiry {
    match issued
        .token
        .lifetime_s()
        .unwrap_or_else(config::default_lifetime_s)
    {
        ..=0 => Expiry::not_to_be_kept(now),
        lifetime_s => Expiry::new(issued.asked, lifetime_s, jitter),
    }
}

/// Runs `work` on a thread of its own, with signals blocked. When there is none to be had, `work` is dropped.
fn in_background(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name("connectcreds".to_owned());
    if let Err(why) = without_signals(|| thread.spawn(work)) {
        log::warning!("No thread for a background exchange: {why}.");
    }
}

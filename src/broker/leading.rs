//! Who makes an exchange: on the thread of a call, and in the background when that leaves.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Handle, Left, Patience, Work, World, drive, timed_out};
use crate::cache::{Cache, Exchanging, Issued, Landing, Step, Wish};
use crate::clock::Moment;
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::freshness::Life;
use crate::log;
use crate::process::{self, generation};
use crate::question::Key;
use crate::secret::Secret;
use crate::sync::{Instant, thread, thread_local};

/// Makes the exchange on this thread. When the caller leaves early, it goes on elsewhere: others may wait for it, and
/// what it brings is worth keeping.
pub(super) fn lead<H: Handle>(
    broker: &H,
    key: &Arc<Key>,
    flight: Arc<Exchanging>,
    refresh_token: Option<Secret>,
    deadline: Instant,
    patience: &Patience<'_>,
) -> Result<Landing, Left> {
    let mut leading = Leading::new(broker, key.clone(), flight, patience.wish);
    let flight = leading.flight.clone();
    flight.join(deadline);
    let _here = LedHere::new(&flight);
    if let Some(landing) = leading.begin(refresh_token) {
        return Ok(landing);
    }
    let driven = drive(deadline, patience.cancelled, |at_most| leading.advance(at_most));
    match driven {
        // What another thread may have locked in the parent is not touched.
        Err(Left::Forked) => leading.abandon(),
        Err(_) => {
            flight.leave();
            in_background(move || leading.finish());
        }
        Ok(_) if flight.is_of(generation()) => flight.leave(),
        Ok(_) => {}
    }
    driven
}

pub(super) fn refresh_in_background<H: Handle>(broker: &H, key: Arc<Key>) {
    if !broker.world.refreshes_in_background() {
        return;
    }
    let begin = || broker.flight();
    let step = broker
        .cache
        .write(|cache| cache.enter_early(&key, broker.world.now(), generation(), begin));
    let Some(Step::Lead(flight, refresh_token)) = step else {
        return;
    };
    log::debug!("The token nears its end: it is renewed in the background");
    let mut leading = Leading::new(broker, key, flight, Wish::default());
    in_background(move || {
        if leading.begin(refresh_token).is_none() {
            leading.finish();
        }
    });
}

thread_local! {
    /// The exchanges that calls on this thread are making: more than one when a callback asks.
    static LED_HERE: RefCell<Vec<Arc<Exchanging>>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, this thread makes the exchange.
struct LedHere;

impl LedHere {
    fn new(flight: &Arc<Exchanging>) -> Self {
        // A thread that is being taken down has no thread-locals left.
        let _ = LED_HERE.try_with(|led| led.borrow_mut().push(flight.clone()));
        Self
    }
}

impl Drop for LedHere {
    fn drop(&mut self) {
        let ended = LED_HERE.try_with(|led| led.borrow_mut().pop());
        drop(ended);
    }
}

/// Whether this thread makes the exchange itself, and would wait for itself.
pub(super) fn is_led_here(flight: &Arc<Exchanging>) -> bool {
    let led = |led: &RefCell<Vec<_>>| led.borrow().iter().any(|here| Arc::ptr_eq(here, flight));
    LED_HERE.try_with(led).unwrap_or(false)
}

/// The one who makes an exchange. Whatever becomes of it, those who wait get a result.
struct Leading<H: Handle> {
    broker: H,
    key: Arc<Key>,
    flight: Arc<Exchanging>,
    wish: Wish,
    work: Option<Box<dyn Work>>,
    landed: bool,
}

impl<H: Handle> Leading<H> {
    fn new(broker: &H, key: Arc<Key>, flight: Arc<Exchanging>, wish: Wish) -> Self {
        Self {
            broker: broker.clone(),
            key,
            flight,
            wish,
            work: None,
            landed: false,
        }
    }

    /// Gives a landing when the exchange could not even begin.
    fn begin(&mut self, refresh_token: Option<Secret>) -> Option<Landing> {
        self.broker.exchanges.fetch_add(1, Ordering::Relaxed);
        match self.broker.world.begin(&self.key, refresh_token, &self.flight) {
            Ok(work) => {
                self.work = Some(work);
                None
            }
            Err(why) => Some(self.land(Err(why))),
        }
    }

    fn advance(&mut self, at_most: Duration) -> Option<Landing> {
        let result = self.work.as_mut()?.advance(at_most)?;
        Some(self.land(result))
    }

    /// Goes on as long as it is worth it.
    fn finish(mut self) {
        loop {
            let left = self.flight.until().saturating_duration_since(Instant::now());
            if left.is_zero() && self.flight.give_up(Instant::now()) {
                let why = timed_out(&self.key, config::timeout(), &self.flight);
                let _nobody_waits = self.land(Err(why));
                return;
            }
            if self.advance(left).is_some() {
                return;
            }
        }
    }

    /// In a forked child: what is under way is the parent's.
    fn abandon(mut self) {
        self.landed = true;
    }

    fn land(&mut self, result: Result<Issued, Error>) -> Landing {
        // At its end before the next one begins.
        self.work = None;
        let broker = &self.broker;
        let now = broker.world.now();
        let brought = result.map(|issued| {
            let life = life_of(&issued, now, broker.world.jitter());
            let token = issued.token.of_world(broker.world.number());
            (Issued { token, ..issued }, life)
        });
        if let Err(why) = &brought {
            broker.failures.fetch_add(1, Ordering::Relaxed);
            log::warning!("The exchange failed: {why}");
        }
        let settle = |cache: &mut Cache| {
            // Read under the lock: a bound that was raised meanwhile evicts nothing.
            let capacity = config::cache_capacity();
            cache.settle(&self.key, &self.flight, brought, now, self.wish, capacity)
        };
        let landing = broker.cache.write(settle);
        // A mock's function may have forked: those who wait are not in the child, and one may have held the lock.
        if self.flight.is_of(generation()) {
            self.flight.land(landing.clone());
        }
        self.landed = true;
        landing
    }
}

impl<H: Handle> Drop for Leading<H> {
    fn drop(&mut self) {
        if !self.landed {
            // A panic, or no thread to go on in.
            let _to_those_who_wait =
                self.land(Err(Error::new(ErrorKind::Internal, "The exchange was given up.")));
        }
    }
}

/// How long a token lives: as far as is known, else as configured.
fn life_of(issued: &Issued, now: Moment, jitter: f64) -> Life {
    match issued
        .token
        .lifetime_s()
        .unwrap_or_else(config::default_lifetime_s)
    {
        ..=0 => Life::not_to_be_kept(now),
        lifetime_s => Life::new(issued.asked, lifetime_s, jitter),
    }
}

/// Runs `work` on a thread of its own, with signals blocked. When there is none to be had, `work` is dropped.
fn in_background(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name("connectcreds".to_owned());
    if let Err(why) = process::without_signals(|| thread.spawn(work)) {
        log::warning!("No thread for a background exchange: {why}.");
    }
}

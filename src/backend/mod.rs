//! The real backend of the cache: a Connect server, the system's clocks, randomness.
//!
//! [`exchange`] is one exchange, [`retry`] its attempts, [`silence`] remembers servers that do not answer.
//! [`list_integrations`] looks up the integration that a call names, [`integration_lists`] keeps the lists. Imports
//! `driver`, `cache`, `http` and what is below them.

#![forbid(unsafe_code)]

pub(crate) mod exchange;
pub(crate) mod integration_lists;
pub(crate) mod list_integrations;
mod retry;
pub(crate) mod retry_policy;
mod silence;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cache::backend::{Backend, BoxedFuture, ExchangeInputs};
use crate::cache::broker::Broker;
use crate::cache::key::CacheKey;
use crate::cache::store::{InFlightExchange, Issued, Outcome};
use crate::driver;
use crate::error::Error;
use crate::platform::clock::Moment;
use crate::platform::fork::{HoldOverFork, Place, hold_over_fork};
use crate::text::hash::combine;

/// The broker of this process, and with it the cache that all hosts in it share.
static BROKER: Broker<ConnectBackend> = Broker::new(ConnectBackend);

pub(crate) fn broker() -> &'static Broker<ConnectBackend> {
    hold_over_fork(Place::Broker, &LOCK);
    &BROKER
}

/// Held at each fork, so that a child finds the cache whole.
static LOCK: &dyn HoldOverFork = &BROKER;

pub(crate) struct ConnectBackend;

impl Backend for ConnectBackend {
    fn exchange(&self, inputs: ExchangeInputs) -> BoxedFuture<Result<Issued, Error>> {
        Box::pin(exchange::perform(inputs))
    }

    fn spawn(&self, in_flight: &Arc<InFlightExchange>, task: BoxedFuture<()>) {
        driver::spawn(in_flight, task);
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

    fn patience(&self, key: &CacheKey) -> Option<Duration> {
        silence::patience(key.endpoint())
    }

    fn was_silent(&self, key: &CacheKey) {
        silence::began(key.endpoint());
    }

    fn now(&self) -> Moment {
        Moment::now()
    }

    fn jitter(&self) -> f64 {
        jitter()
    }
}

/// Random, from 0 to 1.
fn jitter() -> f64 {
    // Processes that started together differ by their ids.
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
    let now = Moment::now();
    let mixed = combine([
        drawn,
        u64::from(std::process::id()),
        now.wall_ms as u64,
        now.monotonic_ms as u64,
    ]);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

//! The world as it is: exchanges with a Connect server, the system's clocks, chance.

#![forbid(unsafe_code)]

pub(crate) mod exchange;
pub(crate) mod retry;
pub(crate) mod retry_policy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cache::backend::{Backend, PendingExchange};
use crate::cache::broker::Broker;
use crate::cache::key::CacheKey;
use crate::cache::store::{InFlightExchange, Issued};
use crate::error::Error;
use crate::http::client_pool::{BlockingTask, building};
use crate::platform::clock::Moment;
use crate::platform::fork::{HoldOverFork, Place, hold_over_fork};
use crate::text::hash::combine;
use crate::text::secret::Secret;
use exchange::ServerExchange;

/// The broker of this process, and with it the cache that all hosts in it share.
static BROKER: Broker<ConnectBackend> = Broker::new(ConnectBackend);

pub(crate) fn broker() -> &'static Broker<ConnectBackend> {
    hold_over_fork(Place::Broker, &LOCK);
    &BROKER
}

/// Held at each fork, so that a child finds the cache whole, and nothing half built.
static LOCK: &dyn HoldOverFork = &BrokerLock;

struct BrokerLock;

impl HoldOverFork for BrokerLock {
    fn hold(&'static self) -> Box<dyn std::any::Any> {
        Box::new((building(), BROKER.hold()))
    }
}

pub(crate) struct ConnectBackend;

impl Backend for ConnectBackend {
    fn begin(
        &self,
        key: &CacheKey,
        refresh_token: Option<Secret>,
        in_flight: &Arc<InFlightExchange>,
    ) -> Result<Box<dyn PendingExchange>, Error> {
        ServerExchange::new(key, refresh_token, in_flight)?.begin()
    }

    fn now(&self) -> Moment {
        Moment::now()
    }

    fn jitter(&self) -> f64 {
        jitter()
    }
}

/// From 0 to 1.
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

impl PendingExchange for BlockingTask<Result<Issued, Error>> {
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>> {
        BlockingTask::advance(self, at_most)
    }
}

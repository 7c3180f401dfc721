//! Waiting: deadlines, cancellation, and how a wait ends without a result.

#![forbid(unsafe_code)]

use std::time::Duration;

use super::key::CacheKey;
use super::single_flight::Progress;
use super::store::{InFlightExchange, TokenCriteria};
use crate::error::Error;
use crate::log;
use crate::platform::fork::generation;
use crate::platform::sync::Instant;

/// How often the cancel callback is called and log lines are delivered; the ABI promises every 100 ms.
const TICK: Duration = Duration::from_millis(50);

/// A cancel callback: returns true to end the call.
pub(crate) type Cancelled<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Which token a caller wants, and how long it waits for it.
pub(crate) struct WaitOptions<'a> {
    pub criteria: TokenCriteria,
    /// `None`: the configured timeout.
    pub timeout: Option<Duration>,
    /// Called on the calling thread while it waits.
    pub cancelled: Option<Cancelled<'a>>,
}

/// Why a wait ends without a result.
pub(crate) enum WaitEnd {
    Cancelled,
    TimedOut,
    /// This process is a child that a callback forked: nothing completes the exchange here.
    Forked,
}

/// Calls `advance` until it returns a result, the deadline passes or the caller cancels.
pub(crate) fn wait<T>(
    deadline: Instant,
    cancelled: Option<Cancelled<'_>>,
    mut advance: impl FnMut(Duration) -> Option<T>,
) -> Result<T, WaitEnd> {
    let began_in = generation();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let at_most = if cancelled.is_some() || log::is_listened_to() {
            left.min(TICK)
        } else {
            left
        };
        if let Some(result) = advance(at_most) {
            return Ok(result);
        }
        log::deliver();
        let cancel = cancelled.is_some_and(|cancelled| cancelled());
        if generation() != began_in {
            return Err(WaitEnd::Forked);
        }
        if cancel {
            return Err(WaitEnd::Cancelled);
        }
        if left.is_zero() {
            return Err(WaitEnd::TimedOut);
        }
    }
}

/// The error of a call whose deadline passed: the failure that the exchange was about to retry after, or a timeout with
/// the previous failure below it.
pub(crate) fn timed_out(key: &CacheKey, timeout: Duration, in_flight: &InFlightExchange) -> Error {
    timed_out_at(&key.endpoint().address(), timeout, in_flight)
}

/// [`timed_out`] with the address of the server, for requests that have no key.
pub(crate) fn timed_out_at(address: &str, timeout: Duration, in_flight: &InFlightExchange) -> Error {
    let what = || Error::no_answer(address, timeout);
    match in_flight.progress() {
        Some(Progress::Waiting(why)) => why,
        Some(Progress::Before(why)) => what().because(format!("The previous attempt failed: {why}")),
        None => what(),
    }
}

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

/// How often a caller's cancel callback is asked, at the least every 100 ms, and the host is told the log.
const TICK: Duration = Duration::from_millis(50);

/// How a caller asks, and how long it waits.
pub(crate) struct WaitOptions<'a> {
    pub criteria: TokenCriteria,
    /// `None`: the configured time-out.
    pub timeout: Option<Duration>,
    /// Asked on the calling thread while it waits; true ends the call.
    pub cancelled: Option<&'a (dyn Fn() -> bool + Send + Sync)>,
}

/// Why a caller stops waiting before there is a result.
pub(super) enum WaitEnd {
    Cancelled,
    TimedOut,
    /// This is a child that the cancel callback forked: nobody brings the exchange to its end here.
    Forked,
    /// The exchange had been given up when it was joined, since nobody waited for it.
    GivenUp,
}

/// Goes on with `advance` until it gives something, the deadline passes or the caller has enough.
pub(super) fn drive<T>(
    deadline: Instant,
    cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
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

/// Nothing came within `timeout`: the failure that the exchange was about to try again after, or a time-out with the
/// failure before it.
pub(super) fn timed_out(key: &CacheKey, timeout: Duration, in_flight: &InFlightExchange) -> Error {
    let what = || Error::no_answer(&key.endpoint().address(), timeout);
    match in_flight.trouble() {
        Some(Progress::Waiting(why)) => why,
        Some(Progress::Before(why)) => what().because(format!("The attempt before failed: {why}")),
        None => what(),
    }
}

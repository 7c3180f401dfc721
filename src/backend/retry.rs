//! Attempts at an exchange: as many as are allowed, each in its time, and pauses between them.

#![forbid(unsafe_code)]

use std::future::Future;

use tokio::time::{sleep, timeout};

use super::retry_policy;
use crate::cache::single_flight::Progress;
use crate::cache::store::InFlightExchange;
use crate::config;
use crate::error::Error;
use crate::http::error::Failure;
use crate::log;
use crate::platform::sync::Instant;

/// Makes attempts until one brings something, or fails for good. `host` is whom `attempt` asks, for a message; how they
/// fare is noted on `in_flight`.
pub(crate) async fn attempt<T, Attempt>(
    host: &str,
    in_flight: &InFlightExchange,
    jitter: impl Fn() -> f64,
    mut attempt: impl FnMut() -> Attempt,
) -> Result<T, Error>
where
    Attempt: Future<Output = Result<T, Failure>>,
{
    let mut replaced = false;
    let mut made = 1;
    loop {
        let at_most = config::ATTEMPT_TIMEOUT_MS.duration();
        let failure = match timeout(at_most, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => failure,
            Err(_elapsed) => Error::no_answer(host, at_most).into(),
        };
        if failure.on_dead_connection && !replaced {
            log::debug!("The kept connection to {host} was closed meanwhile: a new one is made");
            replaced = true;
            continue;
        }
        let left = in_flight
            .awaited_until()
            .saturating_duration_since(Instant::now());
        let max_attempts = config::MAX_ATTEMPTS.get();
        let Some(pause) = retry_policy::wait(&failure.why, made, max_attempts, left, jitter()) else {
            return Err(failure.why);
        };
        log::info!(
            "Attempt {made} of {max_attempts} failed, the next in {} ms: {}",
            pause.as_millis(),
            failure.why
        );
        in_flight.record_progress(Progress::Waiting(failure.why.clone()));
        sleep(pause).await;
        in_flight.record_progress(Progress::Before(failure.why));
        made += 1;
    }
}

/// `None` when the exchange was given up.
pub(super) async fn until_given_up<T>(
    in_flight: &InFlightExchange,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let left = in_flight.until().saturating_duration_since(Instant::now());
        match timeout(left, &mut work).await {
            Ok(done) => return Some(done),
            Err(_elapsed) if in_flight.give_up(Instant::now()) => return None,
            Err(_elapsed) => {}
        }
    }
}

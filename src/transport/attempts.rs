//! Attempts at an exchange: as many as are allowed, each in its time, and pauses between them.

#![forbid(unsafe_code)]

use std::future::Future;

use tokio::time::{sleep, timeout};

use super::retry;
use crate::cache::Exchanging;
use crate::config;
use crate::error::Error;
use crate::flight::Trouble;
use crate::log;

/// An attempt that failed.
pub(crate) struct Failure {
    pub why: Error,
    /// The connection was kept from an earlier exchange, and found dead.
    pub on_dead_connection: bool,
}

impl From<Error> for Failure {
    fn from(why: Error) -> Self {
        Self {
            why,
            on_dead_connection: false,
        }
    }
}

/// Makes attempts until one brings something, or fails for good. `host` is whom `attempt` asks, for a message; how they
/// fare is noted on `flight`.
pub(crate) async fn attempt<T, Attempt>(
    host: &str,
    flight: &Exchanging,
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
            Ok(Ok(brought)) => return Ok(brought),
            Ok(Err(failure)) => failure,
            Err(_elapsed) => Error::no_answer(host, at_most).into(),
        };
        if failure.on_dead_connection && !replaced {
            log::debug!("The kept connection to {host} was closed meanwhile: a new one is made");
            replaced = true;
            continue;
        }
        let left = flight
            .wanted_until()
            .saturating_duration_since(std::time::Instant::now());
        let max_attempts = config::MAX_ATTEMPTS.get();
        let Some(pause) = retry::wait(&failure.why, made, max_attempts, left, jitter()) else {
            return Err(failure.why);
        };
        log::info!(
            "Attempt {made} of {max_attempts} failed, the next in {} ms: {}",
            pause.as_millis(),
            failure.why
        );
        flight.note(Trouble::Waiting(failure.why.clone()));
        sleep(pause).await;
        flight.note(Trouble::Before(failure.why));
        made += 1;
    }
}

//! Whether an exchange that failed is attempted again, and when. Pure.

#![forbid(unsafe_code)]

use std::time::Duration;

use crate::error::Error;

/// The first and the longest pause of the back-off: full jitter over a doubling base.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);

/// How long to wait after the failure of an attempt, counted from 1, before the next one; `None`: there is none.
///
/// `left` is how long someone still waits, `jitter` from 0 to 1.
pub(crate) fn wait(
    why: &Error,
    attempt: u32,
    max_attempts: u32,
    left: Duration,
    jitter: f64,
) -> Option<Duration> {
    if attempt >= max_attempts || !why.is_retryable() {
        return None;
    }
    match why.retry_after() {
        // A pause that exceeds the deadline is left to the caller.
        Some(asked) => (asked < left).then_some(asked),
        None => {
            let doubled = FIRST.saturating_mul(1 << (attempt - 1).min(8));
            Some(doubled.min(LONGEST).mul_f64(jitter.clamp(0.0, 1.0)))
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, ResponseFacts};

    const MINUTE: Duration = Duration::from_secs(60);

    fn network() -> Error {
        Error::new(ErrorKind::Network, "")
    }

    fn with_response(http_status: u16, retry_after_s: Option<u64>) -> Error {
        Error::new(ErrorKind::BadResponse, "").with_response(ResponseFacts {
            http_status: Some(http_status),
            retry_after: retry_after_s.map(Duration::from_secs),
            ..ResponseFacts::default()
        })
    }

    fn waits(why: &Error, attempt: u32, left: Duration, jitter: f64) -> Option<Duration> {
        wait(why, attempt, 10, left, jitter)
    }

    #[test]
    fn the_back_off_doubles_up_to_two_seconds_under_full_jitter() {
        let longest =
            [1, 2, 3, 4, 5, 9].map(|attempt| waits(&network(), attempt, MINUTE, 1.0).unwrap().as_millis());
        assert_eq!(longest, [250, 500, 1000, 2000, 2000, 2000]);
        assert_eq!(waits(&network(), 3, MINUTE, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn attempts_come_to_an_end() {
        assert!(wait(&network(), 2, 3, MINUTE, 0.5).is_some());
        assert!(wait(&network(), 3, 3, MINUTE, 0.5).is_none());
        assert!(wait(&network(), 1, 1, MINUTE, 0.5).is_none());
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(waits(&with_response(503, None), 1, MINUTE, 0.5).is_some());
        assert!(waits(&with_response(400, None), 1, MINUTE, 0.5).is_none());
        assert!(waits(&Error::new(ErrorKind::Tls, ""), 1, MINUTE, 0.5).is_none());
    }

    #[test]
    fn a_server_is_given_the_time_it_asks_for_if_that_fits() {
        assert_eq!(
            waits(&with_response(503, Some(7)), 1, MINUTE, 0.5),
            Some(Duration::from_secs(7))
        );
        assert_eq!(waits(&with_response(429, Some(60)), 1, MINUTE, 0.5), None);
    }
}

//! Properties of the back-off, for any failure, attempt and time.

use std::time::Duration;

use proptest::prelude::*;

use super::{FIRST, LONGEST, wait};
use crate::error::{Error, ErrorKind, ResponseFacts};

fn kinds() -> impl Strategy<Value = ErrorKind> {
    use ErrorKind::*;
    prop::sample::select(vec![
        InvalidArgument,
        NotOnConnect,
        NoSession,
        NotSupported,
        NoServer,
        NoApiKey,
        Network,
        Tls,
        Timeout,
        Cancelled,
        Refused,
        BadResponse,
        Internal,
    ])
}

fn failure(kind: ErrorKind, http_status: Option<u16>, retry_after_s: Option<u64>) -> Error {
    Error::new(kind, "").with_response(ResponseFacts {
        http_status,
        retry_after: retry_after_s.map(Duration::from_secs),
        ..ResponseFacts::default()
    })
}

fn retry_afters() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(prop_oneof![0..100_u64, any::<u64>()])
}

fn failures() -> impl Strategy<Value = Error> {
    (kinds(), prop::option::of(100..600_u16), retry_afters())
        .prop_map(|(kind, http_status, retry_after_s)| failure(kind, http_status, retry_after_s))
}

/// Failures of servers and networks that may pass.
fn passing_failures() -> impl Strategy<Value = Error> {
    let kinds = prop::sample::select(vec![ErrorKind::Refused, ErrorKind::BadResponse]);
    let statuses = prop::sample::select(vec![408, 429, 500, 502, 503, 504]);
    prop_oneof![
        Just(failure(ErrorKind::Network, None, None)),
        Just(failure(ErrorKind::Timeout, None, None)),
        (kinds, statuses, retry_afters()).prop_map(|(kind, http_status, retry_after_s)| failure(
            kind,
            Some(http_status),
            retry_after_s
        )),
    ]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![0..100_000_u64, any::<u64>()].prop_map(Duration::from_millis)
}

proptest! {
    #[test]
    fn a_failure_that_will_not_pass_and_a_last_attempt_are_not_followed_by_another(
        why in failures(),
        attempt in 1..=u32::MAX,
        max_attempts in 0..=u32::MAX,
        left in durations(),
        jitter in 0.0..=1.0,
    ) {
        let pause = wait(&why, attempt, max_attempts, left, jitter);
        if !why.is_retryable() || attempt >= max_attempts {
            prop_assert_eq!(pause, None);
        }
    }

    #[test]
    fn a_pause_is_that_of_the_server_within_the_deadline_or_at_most_2_seconds(
        why in passing_failures(),
        attempt in 1..u32::MAX,
        left in durations(),
        jitter in 0.0..=1.0,
    ) {
        let pause = wait(&why, attempt, u32::MAX, left, jitter);
        match why.retry_after() {
            Some(asked) if asked < left => prop_assert_eq!(pause, Some(asked)),
            Some(_) => prop_assert_eq!(pause, None),
            None => {
                let longest = LONGEST.min(FIRST.saturating_mul(2_u32.saturating_pow(attempt - 1)));
                prop_assert!(pause.is_some_and(|pause| pause <= longest), "{:?}", pause);
            }
        }
    }

    #[test]
    fn the_pause_grows_with_the_jitter_and_with_the_attempt(
        attempt in 1..100_u32,
        jitters in (0.0..=1.0_f64, 0.0..=1.0_f64),
    ) {
        let why = Error::new(ErrorKind::Network, "");
        let pause = |attempt, jitter| wait(&why, attempt, u32::MAX, LONGEST, jitter).expect("it is retryable");
        let (less, more) = (jitters.0.min(jitters.1), jitters.0.max(jitters.1));
        prop_assert!(pause(attempt, less) <= pause(attempt, more));
        prop_assert!(pause(attempt, more) <= pause(attempt + 1, more));
    }
}

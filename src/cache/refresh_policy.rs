//! Refresh policy: whether to use a cached token, to refresh it in the background, or to wait for a newer one. Pure.

#![forbid(unsafe_code)]

use crate::platform::clock::Moment;

const SECOND_MS: i64 = 1000;

/// The last tenth of a token's lifetime, at most this long: a caller waits for a newer token, and gets this one only
/// when no newer one comes.
const HARD_MARGIN_MS: i64 = 60 * SECOND_MS;
/// The hard margin of a token that is valid for [`SHORT_LIFETIME_MS`] or longer is at least this long: services refuse
/// tokens with 30 seconds left.
const REFUSED_MARGIN_MS: i64 = 30 * SECOND_MS;
/// A token that is valid for less than this would be refreshed for half of its lifetime: it is used until its last tenth.
const SHORT_LIFETIME_MS: i64 = 60 * SECOND_MS;
/// The last fifth of the lifetime, at most this long: a newer token is fetched in the background.
const EARLY_WINDOW_MS: i64 = 300 * SECOND_MS;
/// The longest random delay of the early window's start: processes that started together do not refresh together.
const JITTER_MS: i64 = 60 * SECOND_MS;

/// The pause after an exchange that failed or brought nothing newer, before the hard margin and inside it. Connect
/// issues the same viewer token until it expires, so that without a pause every call would exchange.
const BACKOFF_MS: i64 = 30 * SECOND_MS;
const BACKOFF_IN_MARGIN_MS: i64 = 5 * SECOND_MS;

/// How long a token with no lifetime left is cached: for the callers that wait for this exchange.
const NOT_KEPT_MS: i64 = SECOND_MS;

/// How a cached token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and refresh it in the background.
    RefreshSoon,
    /// Wait for a newer one; use this one when that fails.
    MustRefresh,
    /// Do not use it.
    Expired,
}

/// When a token expires, and from when on it is refreshed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expiry {
    expires: Moment,
    lifetime_ms: i64,
    hard_margin_ms: i64,
    early_window_ms: i64,
    /// Between 0 and 1.
    jitter: f64,
    /// When the last exchange for a newer token failed or brought none, on the monotonic clock.
    failed_at_ms: Option<i64>,
}

impl Expiry {
    /// Creates the expiry of a token that is valid for `lifetime_s` from `asked` on. `jitter` is random, from 0 to 1.
    pub fn new(asked: Moment, lifetime_s: i64, jitter: f64) -> Self {
        let lifetime_ms = lifetime_s.saturating_mul(SECOND_MS);
        let tenth = lifetime_ms / 10;
        let least = match lifetime_ms {
            ..SHORT_LIFETIME_MS => 0,
            SHORT_LIFETIME_MS.. => REFUSED_MARGIN_MS,
        };
        let hard = HARD_MARGIN_MS.min(tenth).max(least);
        // Before the hard margin there is always a tenth in which nobody has to wait.
        let early = EARLY_WINDOW_MS
            .min(lifetime_ms / 5)
            .max(hard + HARD_MARGIN_MS.min(tenth));
        let delay = JITTER_MS.min((early - hard) / 4) as f64 * jitter;
        Self {
            expires: asked.after_ms(lifetime_ms),
            lifetime_ms,
            hard_margin_ms: hard,
            early_window_ms: early - delay as i64,
            jitter,
            failed_at_ms: None,
        }
    }

    /// Creates the expiry of a token with no lifetime left, long enough for the callers that wait for it now.
    pub fn not_to_be_kept(received: Moment) -> Self {
        Self {
            expires: received.after_ms(NOT_KEPT_MS),
            lifetime_ms: NOT_KEPT_MS,
            hard_margin_ms: 0,
            early_window_ms: 0,
            jitter: 0.0,
            failed_at_ms: None,
        }
    }

    /// Returns the expiry of the same token when another exchange brought it again. It expires when the server now says.
    /// The margins stay those of the longest lifetime seen: a remaining lifetime is not a shorter lifetime.
    pub fn seen_again(self, again: Self) -> Self {
        let longest_ms = self.lifetime_ms.max(again.lifetime_ms);
        let whole = Self::new(
            again.expires.after_ms(-longest_ms),
            longest_ms / SECOND_MS,
            self.jitter,
        );
        Self {
            expires: again.expires,
            ..whole
        }
    }

    /// Returns what to do with the token for a caller that wants it to be valid for `min_validity_ms` more.
    pub fn classify(&self, now: Moment, min_validity_ms: i64) -> Freshness {
        let remaining_ms = now.until_ms(self.expires);
        if remaining_ms <= 0 {
            Freshness::Expired
        } else if remaining_ms <= self.hard_margin_ms || remaining_ms < min_validity_ms {
            Freshness::MustRefresh
        } else if remaining_ms <= self.early_window_ms {
            Freshness::RefreshSoon
        } else {
            Freshness::Fresh
        }
    }

    /// Records that an exchange failed, or brought this token again, or none that expires later.
    pub fn record_failed_refresh(&mut self, now: Moment) {
        self.failed_at_ms = Some(now.monotonic_ms);
    }

    /// Returns whether it is too early for another exchange after one that [failed](Self::record_failed_refresh).
    pub fn in_backoff(&self, now: Moment) -> bool {
        let in_margin = now.until_ms(self.expires) <= self.hard_margin_ms;
        let pause_ms = if in_margin {
            BACKOFF_IN_MARGIN_MS
        } else {
            BACKOFF_MS
        };
        self.failed_at_ms
            .is_some_and(|failed_at_ms| now.monotonic_ms - failed_at_ms < pause_ms)
    }

    /// Ends the token's validity now. A token that was seen expired stays expired when the clock is set back.
    pub fn end(&mut self, now: Moment) {
        self.expires = now;
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::Freshness::*;
    use super::*;

    const START: Moment = Moment {
        wall_ms: 1_700_000_000_000,
        monotonic_ms: 50_000,
    };

    fn at_s(seconds: f64) -> Moment {
        START.after_ms((seconds * 1000.0) as i64)
    }

    /// Classifies a token with `seconds` of its lifetime left.
    fn left(expiry: Expiry, lifetime_s: i64, seconds: f64) -> Freshness {
        expiry.classify(at_s(lifetime_s as f64 - seconds), 0)
    }

    #[test]
    fn a_token_of_an_hour_is_fresh_then_refreshed_early_then_waited_for_then_expired() {
        let expiry = Expiry::new(START, 3600, 0.0);
        let verdicts =
            [3600.0, 300.1, 300.0, 60.1, 60.0, 0.1, 0.0, -1.0].map(|seconds| left(expiry, 3600, seconds));
        assert_eq!(
            verdicts,
            [
                Fresh,
                Fresh,
                RefreshSoon,
                RefreshSoon,
                MustRefresh,
                MustRefresh,
                Expired,
                Expired
            ]
        );
    }

    #[test]
    fn the_last_30_seconds_of_a_token_of_a_minute_or_more_are_in_its_hard_margin() {
        for lifetime_s in [60, 61, 100, 299, 300, 301, 600, 3600] {
            let expiry = Expiry::new(START, lifetime_s, 1.0);
            for seconds in [30.0, 20.0, 0.1] {
                assert_eq!(
                    left(expiry, lifetime_s, seconds),
                    MustRefresh,
                    "{seconds} of {lifetime_s}"
                );
            }
            assert_eq!(left(expiry, lifetime_s, lifetime_s as f64), Fresh, "{lifetime_s}");
        }
        let expiry = Expiry::new(START, 100, 0.0);
        let verdicts = [40.1, 40.0, 30.1, 30.0].map(|seconds| left(expiry, 100, seconds));
        assert_eq!(verdicts, [Fresh, RefreshSoon, RefreshSoon, MustRefresh]);
    }

    #[test]
    fn the_margins_of_a_token_of_less_than_a_minute_are_parts_of_its_lifetime() {
        let expiry = Expiry::new(START, 50, 0.0);
        let verdicts = [10.1, 10.0, 5.1, 5.0].map(|seconds| left(expiry, 50, seconds));
        assert_eq!(verdicts, [Fresh, RefreshSoon, RefreshSoon, MustRefresh]);
        let expiry = Expiry::new(START, 59, 0.0);
        assert_eq!(left(expiry, 59, 6.0), RefreshSoon);
    }

    #[test]
    fn a_token_that_comes_again_in_its_last_30_seconds_is_not_exchanged_on_every_call() {
        let mut expiry = Expiry::new(START, 100, 0.0);
        let mut exchanges = 0;
        for tenth in 0..300 {
            let now = at_s(70.0 + f64::from(tenth) / 10.0);
            if expiry.classify(now, 0) == MustRefresh && !expiry.in_backoff(now) {
                exchanges += 1;
                let remaining_s = now.until_ms(at_s(100.0)) / 1000;
                expiry = expiry.seen_again(Expiry::new(now, remaining_s, 0.0));
                expiry.record_failed_refresh(now);
            }
        }
        assert!((5..=7).contains(&exchanges), "{exchanges} exchanges");
    }

    #[test]
    fn jitter_delays_the_early_window_by_at_most_a_quarter_of_it() {
        // Early 300, hard 60: a quarter of 240 is 60, which is also the limit.
        let expiry = Expiry::new(START, 3600, 1.0);
        assert_eq!(
            [240.1, 240.0].map(|seconds| left(expiry, 3600, seconds)),
            [Fresh, RefreshSoon]
        );
        // Early 40, hard 30: a quarter of 10.
        let expiry = Expiry::new(START, 100, 1.0);
        assert_eq!(
            [37.6, 37.5].map(|seconds| left(expiry, 100, seconds)),
            [Fresh, RefreshSoon]
        );
    }

    #[test]
    fn a_minimum_validity_raises_the_hard_margin() {
        let expiry = Expiry::new(START, 3600, 0.0);
        assert_eq!(expiry.classify(at_s(3000.0), 600_000), Fresh);
        assert_eq!(expiry.classify(at_s(3000.1), 600_000), MustRefresh);
    }

    #[test]
    fn a_token_expires_by_either_clock_and_stays_expired_when_one_is_set_back() {
        let expiry = Expiry::new(START, 100, 0.0);
        let later = at_s(100.0);
        assert_eq!(
            expiry.classify(
                Moment {
                    wall_ms: later.wall_ms,
                    ..START
                },
                0
            ),
            Expired
        );
        assert_eq!(
            expiry.classify(
                Moment {
                    monotonic_ms: later.monotonic_ms,
                    ..START
                },
                0
            ),
            Expired
        );
        let mut ended = expiry;
        ended.end(START);
        assert_eq!(
            ended.classify(
                Moment {
                    wall_ms: START.wall_ms - 1_000_000,
                    ..START
                },
                0
            ),
            Expired
        );
    }

    #[test]
    fn the_same_token_again_keeps_the_margins_of_its_longest_lifetime() {
        let expiry = Expiry::new(START, 3600, 0.5);
        let again = expiry.seen_again(Expiry::new(at_s(3550.0), 55, 0.9));
        assert_eq!(
            left(again, 3605, 55.0),
            MustRefresh,
            "55 s are a tenth of an hour's token"
        );
        assert_eq!(left(again, 3605, 0.0), Expired);
        assert_eq!(
            (again.hard_margin_ms, again.early_window_ms),
            (expiry.hard_margin_ms, expiry.early_window_ms)
        );
    }

    #[test]
    fn after_a_failed_refresh_there_is_a_pause_that_is_shorter_in_the_hard_margin() {
        let mut expiry = Expiry::new(START, 3600, 0.0);
        assert!(!expiry.in_backoff(at_s(3400.0)));
        expiry.record_failed_refresh(at_s(3400.0));
        assert!(expiry.in_backoff(at_s(3429.9)));
        assert!(!expiry.in_backoff(at_s(3430.0)));
        expiry.record_failed_refresh(at_s(3550.0));
        assert!(expiry.in_backoff(at_s(3554.9)));
        assert!(!expiry.in_backoff(at_s(3555.0)));
    }

    #[test]
    fn a_token_with_no_lifetime_left_is_cached_for_a_second() {
        let expiry = Expiry::not_to_be_kept(START);
        assert_eq!(expiry.classify(at_s(0.9), 0), Fresh);
        assert_eq!(expiry.classify(at_s(1.0), 0), Expired);
    }

    #[test]
    fn an_endless_lifetime_does_not_overflow() {
        let expiry = Expiry::new(START, i64::MAX, 1.0);
        assert_eq!(expiry.classify(START, i64::MAX / 2), Fresh);
        assert_eq!(expiry.seen_again(expiry).classify(START, 0), Fresh);
    }
}

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
/// The longest random delay of the early window's start, where an earlier start would bring nothing new.
const JITTER_MS: i64 = 60 * SECOND_MS;
/// The longest early window, of tokens that are valid for days.
const LONGEST_WINDOW_MS: i64 = 24 * 3600 * SECOND_MS;

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

/// The token that an exchange brings while the last one is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// A new token: Connect issues one for each exchange of a content session token.
    New,
    /// The same token, perhaps: Connect refreshes a viewer's itself, when it expires.
    Same,
}

/// When a token expires, and from when on it is refreshed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expiry {
    expires: Moment,
    /// When the last exchange for a newer token failed or brought none, on the monotonic clock.
    failed_at_ms: i64,
    /// In whole seconds; it saturates.
    lifetime_s: u32,
    hard_margin_ms: u32,
    early_window_ms: u32,
    /// Between 0 and 1.
    jitter: f32,
}

/// Long before any failure.
const NEVER_MS: i64 = i64::MIN / 2;

impl Expiry {
    /// Creates the expiry of a token that is valid for `lifetime_s` from `asked` on. `jitter` is random, from 0 to 1.
    ///
    /// Processes that started together must not refresh together. Where an exchange brings a new token, the early window
    /// begins at any time from half of the lifetime on.
    pub fn new(asked: Moment, lifetime_s: i64, jitter: f64, renewal: Renewal) -> Self {
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
        let half = LONGEST_WINDOW_MS.min(lifetime_ms / 2);
        let shift = match renewal {
            Renewal::New if half > early => half - early,
            _ => -JITTER_MS.min((early - hard) / 4),
        };
        Self {
            expires: asked.after_ms(lifetime_ms),
            failed_at_ms: NEVER_MS,
            lifetime_s: u32::try_from(lifetime_s).unwrap_or(u32::MAX),
            hard_margin_ms: hard as u32,
            early_window_ms: (early + (shift as f64 * jitter) as i64) as u32,
            jitter: jitter as f32,
        }
    }

    /// Creates the expiry of a token with no lifetime left, long enough for the callers that wait for it now.
    pub fn not_to_be_kept(received: Moment) -> Self {
        Self {
            expires: received.after_ms(NOT_KEPT_MS),
            failed_at_ms: NEVER_MS,
            lifetime_s: 0,
            hard_margin_ms: 0,
            early_window_ms: 0,
            jitter: 0.0,
        }
    }

    /// Returns the expiry of the same token when another exchange brought it again. It expires when the server now says.
    /// The margins are those of the longest lifetime seen: a remaining lifetime is not a shorter lifetime.
    pub fn seen_again(self, again: Self) -> Self {
        let longest_s = i64::from(self.lifetime_s.max(again.lifetime_s));
        let asked = again.expires.after_ms(-longest_s * SECOND_MS);
        Self {
            expires: again.expires,
            ..Self::new(asked, longest_s, self.jitter.into(), Renewal::Same)
        }
    }

    /// Returns what to do with the token for a caller that wants it to be valid for `min_validity_ms` more.
    pub fn classify(&self, now: Moment, min_validity_ms: i64) -> Freshness {
        let remaining_ms = now.until_ms(self.expires);
        if remaining_ms <= 0 {
            Freshness::Expired
        } else if remaining_ms <= self.hard_margin_ms.into() || remaining_ms < min_validity_ms {
            Freshness::MustRefresh
        } else if remaining_ms <= self.early_window_ms.into() {
            Freshness::RefreshSoon
        } else {
            Freshness::Fresh
        }
    }

    /// Records that an exchange failed, or brought this token again, or none that expires later.
    pub fn record_failed_refresh(&mut self, now: Moment) {
        // The golden ratio: random numbers stay evenly spread, and each failure has another one.
        self.jitter = (self.jitter + 0.618_034).fract();
        self.failed_at_ms = now.monotonic_ms;
    }

    /// Returns whether it is too early for another exchange after one that [failed](Self::record_failed_refresh), for a
    /// caller for which the token is this fresh.
    pub fn in_backoff(&self, now: Moment, freshness: Freshness) -> bool {
        let hard_margin_ms = self.hard_margin_ms.into();
        let pause_ms = if now.until_ms(self.expires) <= hard_margin_ms {
            BACKOFF_IN_MARGIN_MS
        } else if freshness == Freshness::RefreshSoon {
            // Processes whose refreshes failed in an outage do not come back together: before the last five minutes, the
            // next refresh comes at a random time.
            let left_ms = self.expires.monotonic_ms.saturating_sub(self.failed_at_ms) - EARLY_WINDOW_MS;
            BACKOFF_MS + (left_ms.max(0) as f32 * self.jitter) as i64
        } else {
            BACKOFF_MS
        };
        now.monotonic_ms - self.failed_at_ms < pause_ms
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

    /// The expiry of a token that an exchange may bring again: a viewer's.
    fn viewers(lifetime_s: i64, jitter: f64) -> Expiry {
        Expiry::new(START, lifetime_s, jitter, Renewal::Same)
    }

    /// Classifies a token with `seconds` of its lifetime left.
    fn left(expiry: Expiry, lifetime_s: i64, seconds: f64) -> Freshness {
        expiry.classify(at_s(lifetime_s as f64 - seconds), 0)
    }

    #[test]
    fn a_token_of_an_hour_is_fresh_then_refreshed_early_then_waited_for_then_expired() {
        let expiry = viewers(3600, 0.0);
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
            let expiry = viewers(lifetime_s, 1.0);
            for seconds in [30.0, 20.0, 0.1] {
                assert_eq!(
                    left(expiry, lifetime_s, seconds),
                    MustRefresh,
                    "{seconds} of {lifetime_s}"
                );
            }
            assert_eq!(left(expiry, lifetime_s, lifetime_s as f64), Fresh, "{lifetime_s}");
        }
        let expiry = viewers(100, 0.0);
        let verdicts = [40.1, 40.0, 30.1, 30.0].map(|seconds| left(expiry, 100, seconds));
        assert_eq!(verdicts, [Fresh, RefreshSoon, RefreshSoon, MustRefresh]);
    }

    #[test]
    fn the_margins_of_a_token_of_less_than_a_minute_are_parts_of_its_lifetime() {
        let expiry = viewers(50, 0.0);
        let verdicts = [10.1, 10.0, 5.1, 5.0].map(|seconds| left(expiry, 50, seconds));
        assert_eq!(verdicts, [Fresh, RefreshSoon, RefreshSoon, MustRefresh]);
        let expiry = viewers(59, 0.0);
        assert_eq!(left(expiry, 59, 6.0), RefreshSoon);
    }

    #[test]
    fn a_token_that_comes_again_in_its_last_30_seconds_is_not_exchanged_on_every_call() {
        let mut expiry = viewers(100, 0.0);
        let mut exchanges = 0;
        for tenth in 0..300 {
            let now = at_s(70.0 + f64::from(tenth) / 10.0);
            if expiry.classify(now, 0) == MustRefresh && !expiry.in_backoff(now, MustRefresh) {
                exchanges += 1;
                let remaining_s = now.until_ms(at_s(100.0)) / 1000;
                expiry = expiry.seen_again(Expiry::new(now, remaining_s, 0.0, Renewal::Same));
                expiry.record_failed_refresh(now);
            }
        }
        assert!((5..=7).contains(&exchanges), "{exchanges} exchanges");
    }

    #[test]
    fn jitter_delays_the_early_window_by_at_most_a_quarter_of_it() {
        // Early 300, hard 60: a quarter of 240 is 60, which is also the limit.
        let expiry = viewers(3600, 1.0);
        assert_eq!(
            [240.1, 240.0].map(|seconds| left(expiry, 3600, seconds)),
            [Fresh, RefreshSoon]
        );
        // Early 40, hard 30: a quarter of 10.
        let expiry = viewers(100, 1.0);
        assert_eq!(
            [37.6, 37.5].map(|seconds| left(expiry, 100, seconds)),
            [Fresh, RefreshSoon]
        );
    }

    #[test]
    fn a_minimum_validity_raises_the_hard_margin() {
        let expiry = viewers(3600, 0.0);
        assert_eq!(expiry.classify(at_s(3000.0), 600_000), Fresh);
        assert_eq!(expiry.classify(at_s(3000.1), 600_000), MustRefresh);
    }

    #[test]
    fn a_token_expires_by_either_clock_and_stays_expired_when_one_is_set_back() {
        let expiry = viewers(100, 0.0);
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
        let expiry = viewers(3600, 0.5);
        let again = expiry.seen_again(Expiry::new(at_s(3550.0), 55, 0.9, Renewal::Same));
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
    fn after_a_failed_refresh_a_caller_does_not_wait_again_for_30_seconds_or_5_in_the_hard_margin() {
        let mut expiry = viewers(3600, 0.0);
        assert!(!expiry.in_backoff(at_s(3400.0), MustRefresh));
        expiry.record_failed_refresh(at_s(3400.0));
        let waits = |expiry: Expiry, seconds| expiry.in_backoff(at_s(seconds), MustRefresh);
        assert_eq!([3429.9, 3430.0].map(|at| waits(expiry, at)), [true, false]);
        expiry.record_failed_refresh(at_s(3550.0));
        assert_eq!([3554.9, 3555.0].map(|at| waits(expiry, at)), [true, false]);
    }

    #[test]
    fn background_refreshes_that_failed_together_are_repeated_at_different_times() {
        // 1500 seconds are left until the last five minutes: at most these are added to 30.
        let repeated = |jitter: f64| {
            let mut expiry = Expiry::new(START, 3600, jitter, Renewal::New);
            expiry.record_failed_refresh(at_s(1800.0));
            (0..)
                .find(|seconds| !expiry.in_backoff(at_s(f64::from(1800 + seconds)), RefreshSoon))
                .expect("it is repeated")
        };
        let mut times = [0.0, 0.2, 0.4, 0.6, 0.8].map(repeated);
        times.sort_unstable();
        assert!(times[0] >= 30 && times[4] <= 30 + 1500, "{times:?}");
        for pair in times.windows(2) {
            assert!((295..=305).contains(&(pair[1] - pair[0])), "{times:?}");
        }
    }

    #[test]
    fn where_an_exchange_brings_a_new_token_the_early_window_begins_from_half_of_the_lifetime_on() {
        let window =
            |lifetime_s, jitter| Expiry::new(START, lifetime_s, jitter, Renewal::New).early_window_ms / 1000;
        assert_eq!(
            [0.0, 0.5, 1.0].map(|jitter| window(3600, jitter)),
            [300, 1050, 1800]
        );
        assert_eq!([0.0, 1.0].map(|jitter| window(600, jitter)), [120, 300]);
        assert_eq!(window(i64::MAX, 1.0), 24 * 3600);
        // In the half of a minute, services may refuse it.
        assert_eq!([0.0, 1.0].map(|jitter| window(60, jitter)), [36, 34]);
    }

    #[test]
    fn a_token_with_no_lifetime_left_is_cached_for_a_second() {
        let expiry = Expiry::not_to_be_kept(START);
        assert_eq!(expiry.classify(at_s(0.9), 0), Fresh);
        assert_eq!(expiry.classify(at_s(1.0), 0), Expired);
    }

    #[test]
    fn an_endless_lifetime_does_not_overflow() {
        let expiry = viewers(i64::MAX, 1.0);
        assert_eq!(expiry.classify(START, i64::MAX / 2), Fresh);
        assert_eq!(expiry.seen_again(expiry).classify(START, 0), Fresh);
    }
}

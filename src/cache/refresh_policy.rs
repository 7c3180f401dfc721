//! How fresh a token is: whether to use it, to look for a newer one meanwhile, or to wait for one. Pure.

#![forbid(unsafe_code)]

use crate::platform::clock::Moment;

const SECOND_MS: i64 = 1000;

/// A token this close to its end is not handed out while there is a better one to be had: services refuse tokens
/// with 30 seconds left.
const HARD_MARGIN_MS: i64 = 60 * SECOND_MS;
/// The early window at the most: a newer token is fetched in the background while this one serves.
const EARLY_WINDOW_MS: i64 = 300 * SECOND_MS;
/// What the early window's start is put off by, at the most: processes that started together do not ask together.
const JITTER_MS: i64 = 60 * SECOND_MS;

/// After a try that brought nothing new: not again for so long, or inside the hard margin for the shorter time.
const HOLD_OFF_MS: i64 = 30 * SECOND_MS;
const HOLD_OFF_IN_MARGIN_MS: i64 = 5 * SECOND_MS;

/// A token that is not to be kept serves those who ask the same at the same time.
const NOT_KEPT_MS: i64 = SECOND_MS;

/// What to do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and look for a newer one meanwhile.
    RefreshSoon,
    /// Get a newer one; while there is none, this one still lives.
    MustRefresh,
    /// Its time is over.
    Expired,
}

/// A token's life: when it ends, and from when on it is looked after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expiry {
    expires: Moment,
    lifetime_ms: i64,
    hard_margin_ms: i64,
    early_window_ms: i64,
    /// Between 0 and 1.
    jitter: f64,
    /// When the last try to get a newer one was in vain, on the monotonic clock.
    failed_at_ms: Option<i64>,
}

impl Expiry {
    /// A life of `lifetime_s` from the moment it was asked for. `jitter` is random, from 0 to 1.
    pub fn new(asked: Moment, lifetime_s: i64, jitter: f64) -> Self {
        let lifetime_ms = lifetime_s.saturating_mul(SECOND_MS);
        let hard = HARD_MARGIN_MS.min(lifetime_ms / 10);
        let early = hard.max(EARLY_WINDOW_MS.min(lifetime_ms / 5));
        let put_off = JITTER_MS.min((early - hard) / 4) as f64 * jitter;
        Self {
            expires: asked.after_ms(lifetime_ms),
            lifetime_ms,
            hard_margin_ms: hard,
            early_window_ms: early - put_off as i64,
            jitter,
            failed_at_ms: None,
        }
    }

    /// The life of a token that the server says is not to be kept: long enough for those who ask the same now.
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

    /// The life of the very same token, handed out again: it ends when the server now says, but its margins stay those
    /// of the longest lifetime seen. What is left of it is no shorter life.
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

    /// Notes that a try to get a newer token failed, or brought this one again, or none that lives longer.
    pub fn record_failed_refresh(&mut self, now: Moment) {
        self.failed_at_ms = Some(now.monotonic_ms);
    }

    /// Whether it is too early after a vain try for another one. Ends with the token.
    pub fn in_backoff(&self, now: Moment) -> bool {
        let in_margin = now.until_ms(self.expires) <= self.hard_margin_ms;
        let hold_off_ms = if in_margin {
            HOLD_OFF_IN_MARGIN_MS
        } else {
            HOLD_OFF_MS
        };
        self.failed_at_ms
            .is_some_and(|failed_at_ms| now.monotonic_ms - failed_at_ms < hold_off_ms)
    }

    /// Ends it: a token that was seen expired stays so, also when the clock is set back.
    pub fn end(&mut self, now: Moment) {
        self.expires = now;
    }
}

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

    /// The verdict when so many seconds of the life are left.
    fn left(expiry: Expiry, lifetime_s: i64, seconds: f64) -> Freshness {
        expiry.classify(at_s(lifetime_s as f64 - seconds), 0)
    }

    #[test]
    fn an_hours_token_is_fresh_then_early_then_late_then_over() {
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
    fn the_margins_of_a_short_token_are_parts_of_its_life() {
        let expiry = Expiry::new(START, 100, 0.0);
        let verdicts = [20.1, 20.0, 10.1, 10.0].map(|seconds| left(expiry, 100, seconds));
        assert_eq!(verdicts, [Fresh, RefreshSoon, RefreshSoon, MustRefresh]);
    }

    #[test]
    fn jitter_puts_off_the_early_window_by_a_quarter_of_it_at_the_most() {
        // Early 300, hard 60: a quarter of 240 is 60, which is also the limit.
        let expiry = Expiry::new(START, 3600, 1.0);
        assert_eq!(
            [240.1, 240.0].map(|seconds| left(expiry, 3600, seconds)),
            [Fresh, RefreshSoon]
        );
        // Early 20, hard 10: a quarter of 10.
        let expiry = Expiry::new(START, 100, 1.0);
        assert_eq!(
            [17.6, 17.5].map(|seconds| left(expiry, 100, seconds)),
            [Fresh, RefreshSoon]
        );
    }

    #[test]
    fn a_wish_for_validity_raises_the_hard_margin() {
        let expiry = Expiry::new(START, 3600, 0.0);
        assert_eq!(expiry.classify(at_s(3000.0), 600_000), Fresh);
        assert_eq!(expiry.classify(at_s(3000.1), 600_000), MustRefresh);
    }

    #[test]
    fn either_clock_ends_a_token_and_setting_one_back_does_not_revive_it() {
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
    fn the_same_token_again_keeps_the_margins_of_its_longest_life() {
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
    fn after_a_vain_try_there_is_a_pause_that_is_shorter_near_the_end() {
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
    fn what_is_not_to_be_kept_is_there_for_a_second() {
        let expiry = Expiry::not_to_be_kept(START);
        assert_eq!(expiry.classify(at_s(0.9), 0), Fresh);
        assert_eq!(expiry.classify(at_s(1.0), 0), Expired);
    }

    #[test]
    fn a_life_without_end_does_not_overflow() {
        let expiry = Expiry::new(START, i64::MAX, 1.0);
        assert_eq!(expiry.classify(START, i64::MAX / 2), Fresh);
        assert_eq!(expiry.seen_again(expiry).classify(START, 0), Fresh);
    }
}

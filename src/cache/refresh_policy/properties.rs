//! Properties of the refresh policy, for any lifetime, jitter, clock and answer of a server.

use proptest::prelude::*;

use super::Freshness::{self, Expired, Fresh, MustRefresh, RefreshSoon};
use super::{BACKOFF_IN_MARGIN_MS, BACKOFF_MS, Expiry, Renewal, SHORT_LIFETIME_MS};
use crate::platform::clock::Moment;

const DAY_S: i64 = 24 * 3600;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 50_000,
};

/// Lifetimes in seconds: short ones, where the margins are parts of them, as often as long ones.
fn lifetimes() -> impl Strategy<Value = i64> {
    prop_oneof![1..120_i64, 1..DAY_S, 1..i64::MAX / 4000]
}

fn jitters() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0]
}

fn renewals() -> impl Strategy<Value = Renewal> {
    prop_oneof![Just(Renewal::New), Just(Renewal::Same)]
}

/// How much of a token's life a state leaves, from much to nothing.
fn rank(freshness: Freshness) -> u8 {
    match freshness {
        Fresh => 0,
        RefreshSoon => 1,
        MustRefresh => 2,
        Expired => 3,
    }
}

proptest! {
    #[test]
    fn a_token_only_ages(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
        wanted_ms in 0..DAY_S * 1000,
        parts in (0.0..1.5_f64, 0.0..1.5_f64),
    ) {
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let at = |part: f64| START.after_ms((lifetime_s as f64 * 1000.0 * part) as i64);
        let (earlier, later) = (at(parts.0.min(parts.1)), at(parts.0.max(parts.1)));
        prop_assert!(
            rank(expiry.classify(earlier, wanted_ms)) <= rank(expiry.classify(later, wanted_ms))
        );
    }

    #[test]
    fn a_token_is_expired_from_its_end_on_and_never_before(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
        wanted_ms in 0..DAY_S * 1000,
        after_ms in 0..DAY_S * 1000,
    ) {
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let end = START.after_ms(lifetime_s * 1000);
        prop_assert_eq!(expiry.classify(end.after_ms(after_ms), wanted_ms), Expired);
        let before_ms = after_ms % (lifetime_s * 1000) + 1;
        prop_assert_ne!(expiry.classify(end.after_ms(-before_ms), wanted_ms), Expired);
    }

    #[test]
    fn a_service_that_refuses_the_last_30_seconds_is_not_offered_them(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
        left_ms in 1..=30_000_i64,
    ) {
        let lifetime_s = lifetime_s.max(SHORT_LIFETIME_MS / 1000);
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let now = START.after_ms(lifetime_s * 1000 - left_ms);
        prop_assert_eq!(expiry.classify(now, 0), MustRefresh);
    }

    #[test]
    fn every_token_is_renewed_in_the_background_before_anybody_waits(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
    ) {
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let end = START.after_ms(lifetime_s * 1000);
        let last = end.after_ms(-i64::from(expiry.hard_margin_ms) - 1);
        prop_assert_eq!(expiry.classify(START, 0), Fresh);
        prop_assert_eq!(expiry.classify(last, 0), RefreshSoon);
    }

    #[test]
    fn a_token_with_less_left_than_the_caller_wants_is_not_used_without_an_exchange(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
        wanted_ms in 1..DAY_S * 1000,
        short_by_ms in 1..DAY_S * 1000,
    ) {
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let left_ms = (wanted_ms - short_by_ms).min(lifetime_s * 1000);
        let now = START.after_ms(lifetime_s * 1000 - left_ms);
        prop_assert!(matches!(expiry.classify(now, wanted_ms), MustRefresh | Expired));
    }

    #[test]
    fn a_clock_that_is_set_never_makes_a_token_younger(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
        passed_ms in 0..DAY_S * 2000,
        set_ms in -DAY_S * 2000..DAY_S * 2000,
    ) {
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let now = START.after_ms(passed_ms);
        let set = Moment { wall_ms: now.wall_ms + set_ms, ..now };
        prop_assert!(rank(expiry.classify(set, 0)) >= rank(expiry.classify(now, 0)));
    }

    #[test]
    fn a_token_that_was_ended_stays_ended_whatever_the_clock_is_set_to(
        lifetime_s in lifetimes(),
        ended_ms in 0..DAY_S * 1000,
        passed_ms in 0..DAY_S * 1000,
        set_ms in -DAY_S * 1000..DAY_S * 1000,
    ) {
        let mut expiry = Expiry::new(START, lifetime_s, 0.0, Renewal::Same);
        let end = START.after_ms(ended_ms);
        expiry.end(end);
        let now = end.after_ms(passed_ms);
        let set = Moment { wall_ms: now.wall_ms + set_ms, ..now };
        prop_assert_eq!(expiry.classify(set, 0), Expired);
    }

    #[test]
    fn the_same_token_again_keeps_its_margins_and_expires_when_the_server_now_says(
        lifetime_s in 60..DAY_S,
        jitter in jitters(),
        seen_again_s in prop::collection::vec(0..DAY_S, 1..8),
    ) {
        let first = Expiry::new(START, lifetime_s, jitter, Renewal::Same);
        let mut expiry = first;
        let mut times = seen_again_s;
        times.sort_unstable();
        for passed_s in times.into_iter().filter(|passed_s| *passed_s < lifetime_s) {
            let now = START.after_ms(passed_s * 1000);
            let again = Expiry::new(now, lifetime_s - passed_s, 0.5, Renewal::Same);
            expiry = expiry.seen_again(again);
            prop_assert_eq!(expiry.expires, again.expires);
            prop_assert_eq!(
                (expiry.hard_margin_ms, expiry.early_window_ms),
                (first.hard_margin_ms, first.early_window_ms)
            );
        }
    }

    #[test]
    fn an_early_window_begins_in_the_second_half_of_the_lifetime(
        lifetime_s in 60..DAY_S,
        jitter in jitters(),
        renewal in renewals(),
    ) {
        // The margins of a token of a minute take more than half of it.
        let lifetime_s = lifetime_s.max(80);
        let expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        prop_assert!(i64::from(expiry.early_window_ms) <= lifetime_s * 1000 / 2);
    }

    #[test]
    fn after_a_failure_a_caller_may_wait_again_in_30_seconds_and_a_background_refresh_in_the_time_left(
        lifetime_s in lifetimes(),
        jitter in jitters(),
        renewal in renewals(),
        failed_part in 0.0..1.0_f64,
        later_ms in 0..DAY_S,
    ) {
        let mut expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let failed = START.after_ms((lifetime_s as f64 * 1000.0 * failed_part) as i64);
        expiry.record_failed_refresh(failed);
        let later = failed.after_ms(later_ms);
        let waits = expiry.in_backoff(later, MustRefresh);
        let refreshes_later = expiry.in_backoff(later, RefreshSoon);
        if later_ms < BACKOFF_IN_MARGIN_MS {
            prop_assert!(waits && refreshes_later);
        }
        if later_ms >= BACKOFF_MS {
            prop_assert!(!waits);
        }
        let left_ms = failed.until_ms(expiry.expires).max(0);
        if later_ms >= BACKOFF_MS + left_ms {
            prop_assert!(!refreshes_later);
        }
    }

    /// Connect issues a viewer's token again until it expires: asking each second must not exchange each second.
    #[test]
    fn a_server_that_brings_the_same_token_is_asked_at_most_once_in_5_seconds(
        lifetime_s in 60..2 * 3600_i64,
        jitter in jitters(),
        renewal in renewals(),
        step_ms in 100..3000_i64,
    ) {
        let mut expiry = Expiry::new(START, lifetime_s, jitter, renewal);
        let mut last_exchange: Option<Moment> = None;
        let mut now = START;
        while expiry.classify(now, 0) != Expired {
            let freshness = expiry.classify(now, 0);
            if freshness != Fresh && !expiry.in_backoff(now, freshness) {
                if let Some(before) = last_exchange {
                    prop_assert!(before.until_ms(now) >= BACKOFF_IN_MARGIN_MS);
                }
                last_exchange = Some(now);
                let left_s = START.until_ms(now) / 1000;
                expiry = expiry.seen_again(Expiry::new(now, lifetime_s - left_s, jitter, renewal));
                expiry.record_failed_refresh(now);
            }
            now = now.after_ms(step_ms);
        }
        prop_assert!(last_exchange.is_some());
    }
}

//! A full cache drops what has expired, then refusals, then the tokens that were used least recently.

use super::*;
use crate::cache::eviction::{LastUse, Limits};
use crate::cache::refresh_policy::{Expiry, Renewal};
use crate::cache::store::{Admission, Cache};
use crate::platform::sync::Instant;

/// A cache without a broker, whose limits a test sets.
struct Table {
    cache: Cache,
    now: Moment,
    limits: Limits,
}

impl Table {
    fn of(entries: usize, bytes: usize) -> Self {
        Self {
            cache: Cache::new(),
            now: START,
            limits: Limits { entries, bytes },
        }
    }

    /// Has an exchange for a session end so.
    fn settle(&mut self, session: &'static str, result: Result<i64, Error>) {
        let key = Arc::new(viewer(session).key_ref().to_key().unwrap());
        let criteria = TokenCriteria {
            force_refresh: true,
            ..TokenCriteria::default()
        };
        let begin = || InFlightExchange::new(0, Instant::now() + Duration::from_secs(20));
        let Admission::Lead(in_flight, _) = self.cache.enter(&key, self.now, criteria, 0, begin) else {
            panic!("no exchange is in progress");
        };
        let result = result.map(|lifetime_s| {
            let token = Token::new(Parts {
                access_token: session,
                token_type: None,
                issued_type: None,
                lifetime_s: Some(lifetime_s),
                expires_at: None,
                fields: Vec::new(),
            });
            let issued = Issued {
                token,
                asked: self.now,
                refresh_token_refused: false,
            };
            (issued, Expiry::new(self.now, lifetime_s, 0.0, Renewal::New))
        });
        let outcome = self
            .cache
            .settle(&key, &in_flight, result, self.now, criteria, self.limits);
        drop(outcome);
    }

    fn store(&mut self, session: &'static str) {
        self.settle(session, Ok(3600));
    }

    fn refuse(&mut self, session: &'static str) {
        self.settle(session, Err(refusal(400)));
    }

    /// Uses the token of a session; false: there is none.
    fn uses(&self, session: &'static str) -> bool {
        let call = viewer(session);
        let found = self
            .cache
            .find(&call.key_ref(), self.now, 0, 0, &mut LastUse::none());
        found.is_some()
    }

    fn is_refused(&self, session: &'static str) -> bool {
        let reason = self.cache.miss_reason(&viewer(session).key_ref(), self.now);
        reason == "the server refused recently"
    }
}

#[test]
fn the_token_that_was_used_least_recently_goes_first() {
    let mut table = Table::of(3, usize::MAX);
    ["a", "b", "c"]
        .into_iter()
        .for_each(|session| table.store(session));
    assert!(table.uses("a"));
    table.store("d");
    assert_eq!(
        ["a", "b", "c", "d"].map(|session| table.uses(session)),
        [true, false, true, true]
    );
    // Now in the order of the uses above.
    table.store("e");
    assert!(!table.uses("a"));
    assert_eq!((table.cache.len(), table.cache.eviction.evictions), (3, 2));
}

#[test]
fn of_many_tokens_the_least_recently_used_ones_go_in_their_order() {
    let names: Vec<&'static str> = (0..40).map(|number| &*format!("s{number:02}").leak()).collect();
    let mut table = Table::of(names.len(), usize::MAX);
    names.iter().for_each(|name| table.store(name));
    // The even ones are used again, from the last to the first.
    let evens = names.iter().step_by(2).rev();
    assert!(evens.clone().all(|name| table.uses(name)));
    let order = names.iter().skip(1).step_by(2).chain(evens);
    let new: Vec<&'static str> = (0..names.len())
        .map(|number| &*format!("n{number}").leak())
        .collect();
    for (gone, new) in order.zip(new) {
        table.store(new);
        let reason = table.cache.miss_reason(&viewer(gone).key_ref(), table.now);
        assert_eq!(reason, "no entry", "{gone}, when {new} came");
        assert_eq!(table.cache.len(), names.len());
    }
}

#[test]
fn refusals_go_before_tokens_and_the_oldest_first() {
    let mut table = Table::of(3, usize::MAX);
    table.store("a");
    table.refuse("x");
    table.refuse("y");
    table.store("b");
    assert!(!table.is_refused("x") && table.is_refused("y"));
    table.store("c");
    assert!(!table.is_refused("y"));
    assert!(["a", "b", "c"].iter().all(|session| table.uses(session)));
    assert_eq!(table.cache.eviction.evictions, 0, "only tokens are counted");
}

#[test]
fn a_refusal_goes_and_leaves_the_token_of_the_same_question() {
    let mut table = Table::of(2, usize::MAX);
    table.store("a");
    table.settle("a", Err(refusal(503)));
    table.store("b");
    assert!(table.uses("a"));
    table.store("c");
    assert_eq!(
        ["a", "b", "c"].map(|session| table.uses(session)),
        [true, false, true]
    );
    // It can be refused again, and counts once more.
    table.settle("a", Err(refusal(503)));
    assert_eq!(table.cache.len(), 2);
}

#[test]
fn a_thousand_refusals_are_remembered_and_no_more() {
    let mut table = Table::of(usize::MAX, usize::MAX);
    let names: Vec<&'static str> = (0..1001).map(|number| &*format!("s{number}").leak()).collect();
    names.iter().for_each(|name| table.refuse(name));
    assert_eq!(table.cache.entries.len(), 1000);
    assert!(!table.is_refused(names[0]) && table.is_refused(names[1]));
}

#[test]
fn the_memory_of_tokens_is_bounded_and_counted_exactly() {
    let mut table = Table::of(usize::MAX, usize::MAX);
    table.store("a");
    let one = table.cache.eviction.bytes;
    assert!(one > 0);
    table.store("b");
    assert_eq!(table.cache.eviction.bytes, 2 * one);
    table.store("b");
    assert_eq!(table.cache.eviction.bytes, 2 * one, "in place of the old one");

    table.limits.bytes = 2 * one;
    table.cache.make_room(table.now, table.limits);
    assert_eq!(table.cache.len(), 2, "what fits stays");
    table.limits.bytes = 2 * one - 1;
    table.cache.make_room(table.now, table.limits);
    assert_eq!((table.cache.len(), table.cache.eviction.bytes), (1, one));
    assert!(table.uses("b"));
}

#[test]
fn tokens_that_have_expired_go_before_those_that_have_not() {
    let mut table = Table::of(2, usize::MAX);
    table.settle("brief", Ok(10));
    table.store("a");
    table.now = table.now.after_ms(5000);
    assert!(table.uses("brief"), "it was used last");
    table.now = table.now.after_ms(6000);
    table.store("b");
    assert!(table.uses("a") && table.uses("b"));
    assert_eq!(table.cache.eviction.evictions, 0);
}

#[test]
fn what_is_in_flight_is_not_evicted() {
    let mut table = Table::of(1, usize::MAX);
    table.store("a");
    let key = Arc::new(ada().key_ref().to_key().unwrap());
    let begin = || InFlightExchange::new(0, Instant::now() + Duration::from_secs(20));
    let admission = table
        .cache
        .enter(&key, table.now, TokenCriteria::default(), 0, begin);
    assert!(matches!(admission, Admission::Lead(..)));
    table.store("b");
    assert_eq!(
        table.cache.entries.len(),
        1,
        "the exchange: there is no room beside it"
    );
    let again = || panic!("one is in progress");
    let admission = table
        .cache
        .enter(&key, table.now, TokenCriteria::default(), 0, again);
    assert!(matches!(admission, Admission::Join(..)));
}

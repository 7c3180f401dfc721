//! The lists of integrations that a process, or a mock, has looked up: kept for five minutes, and asked for by one
//! exchange at a time. Its owner holds the lock.

#![forbid(unsafe_code)]

use std::sync::Arc;

use url::Url;

use crate::cache::single_flight::InFlight;
use crate::error::Error;
use crate::oauth::integrations::Integration;
use crate::platform::clock::Moment;
use crate::platform::fork::generation;
use crate::platform::sync::Instant;
use crate::text::secret::Secret;

/// How long a list is used.
const KEPT_MS: i64 = 5 * 60 * 1000;
/// How long a list is trusted that was looked up because an older one led to nothing. A refusal that has other reasons
/// does not cause a lookup each time.
const TRUSTED_MS: i64 = 10 * 1000;
/// How many lists are kept; a process is one content item on one server.
const LISTS: usize = 16;

pub(crate) type List = Arc<Vec<Integration>>;

/// Whose list it is: of a content item on a server, as a key sees it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ListKey {
    pub url: Url,
    pub api_key: Secret,
}

/// Which list a caller accepts.
#[derive(Clone, Copy)]
pub(crate) enum Freshness<'a> {
    /// One that is kept, or else a new one.
    Kept,
    /// A new one.
    New,
    /// Not this one, which led to nothing.
    OtherThan(&'a List),
}

/// A list, and whether it was kept: a kept one may be outdated.
pub(crate) struct Listed {
    pub list: List,
    pub was_kept: bool,
}

/// A lookup in progress. Its result is `None` when it was dropped.
pub(crate) type Lookup = InFlight<Option<Result<List, Error>>>;

/// The next step of a caller that needs a list.
pub(crate) enum Step {
    Use(List),
    Join(Arc<Lookup>),
    Lead(Arc<Lookup>),
}

#[derive(Default)]
pub(crate) struct Lists {
    /// The newest is the last.
    kept: Vec<Kept>,
    lookups: Vec<(ListKey, Arc<Lookup>)>,
}

struct Kept {
    key: ListKey,
    list: List,
    until: Moment,
    /// Until when it is used even by a caller that it led to nothing.
    trusted_until: Moment,
}

impl Lists {
    pub fn enter(&mut self, key: &ListKey, freshness: Freshness<'_>, now: Moment) -> Step {
        if let Some(list) = self.find(key, freshness, now) {
            return Step::Use(list);
        }
        if let Some((_, lookup)) = self.lookups.iter().find(|(known, _)| known == key) {
            return Step::Join(lookup.clone());
        }
        let lookup = Arc::new(InFlight::new(generation(), Instant::now()));
        self.lookups.push((key.clone(), lookup.clone()));
        Step::Lead(lookup)
    }

    /// Returns a kept list that is fresh enough.
    pub fn find(&self, key: &ListKey, freshness: Freshness<'_>, now: Moment) -> Option<List> {
        let is_kept = |kept: &&Kept| kept.key == *key && now.until_ms(kept.until) > 0;
        let kept = self.kept.iter().find(is_kept)?;
        let is_fresh = match freshness {
            Freshness::Kept => true,
            Freshness::New => false,
            Freshness::OtherThan(used) => {
                !Arc::ptr_eq(&kept.list, used) || now.until_ms(kept.trusted_until) > 0
            }
        };
        is_fresh.then(|| kept.list.clone())
    }

    /// Ends a lookup, and keeps its list unless everything was dropped since it began.
    pub fn finish(
        &mut self,
        key: &ListKey,
        lookup: &Arc<Lookup>,
        list: Option<&List>,
        freshness: Freshness<'_>,
        asked: Moment,
    ) {
        let before = self.lookups.len();
        self.lookups.retain(|(_, known)| !Arc::ptr_eq(known, lookup));
        if let Some(list) = list
            && self.lookups.len() < before
        {
            self.keep(key, list, freshness, asked);
        }
    }

    /// Ends a lookup that was dropped.
    pub fn abandon(&mut self, lookup: &Arc<Lookup>) {
        self.lookups.retain(|(_, known)| !Arc::ptr_eq(known, lookup));
    }

    pub fn keep(&mut self, key: &ListKey, list: &List, freshness: Freshness<'_>, asked: Moment) {
        self.kept.retain(|kept| kept.key != *key);
        if self.kept.len() == LISTS {
            self.kept.remove(0);
        }
        let trusted_ms = match freshness {
            Freshness::OtherThan(_) => TRUSTED_MS,
            _ => 0,
        };
        self.kept.push(Kept {
            key: key.clone(),
            list: list.clone(),
            until: asked.after_ms(KEPT_MS),
            trusted_until: asked.after_ms(trusted_ms),
        });
    }

    /// Drops all lists, those included that are being looked up.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the lists that are still used, for a report.
    pub fn all(&self, now: Moment) -> Vec<List> {
        let used = self.kept.iter().filter(|kept| now.until_ms(kept.until) > 0);
        used.map(|kept| kept.list.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment {
        wall_ms: 1_000_000,
        monotonic_ms: 1_000_000,
    };

    fn key(number: usize) -> ListKey {
        ListKey {
            url: Url::parse(&format!("http://h/{number}")).unwrap(),
            api_key: Secret::new("k"),
        }
    }

    fn kept(lists: &Lists, key: &ListKey, freshness: Freshness<'_>, after_ms: i64) -> bool {
        lists.find(key, freshness, NOW.after_ms(after_ms)).is_some()
    }

    #[test]
    fn a_list_is_kept_for_five_minutes_and_for_its_content_server_and_key() {
        let mut lists = Lists::default();
        let list = List::default();
        lists.keep(&key(1), &list, Freshness::Kept, NOW);
        assert!(kept(&lists, &key(1), Freshness::Kept, KEPT_MS - 1));
        assert!(!kept(&lists, &key(1), Freshness::Kept, KEPT_MS));
        assert!(!kept(&lists, &key(1), Freshness::New, 0));
        assert!(!kept(&lists, &key(2), Freshness::Kept, 0));
        let other_key = ListKey {
            api_key: Secret::new("l"),
            ..key(1)
        };
        assert!(!kept(&lists, &other_key, Freshness::Kept, 0));
        lists.clear();
        assert!(!kept(&lists, &key(1), Freshness::Kept, 0));
    }

    #[test]
    fn a_list_that_led_to_nothing_is_replaced_once_in_a_while() {
        let mut lists = Lists::default();
        let (old, new) = (List::default(), List::default());
        lists.keep(&key(1), &old, Freshness::Kept, NOW);
        assert!(!kept(&lists, &key(1), Freshness::OtherThan(&old), 1));
        lists.keep(&key(1), &new, Freshness::OtherThan(&old), NOW);
        assert!(kept(&lists, &key(1), Freshness::OtherThan(&old), 1));
        assert!(kept(&lists, &key(1), Freshness::OtherThan(&new), TRUSTED_MS - 1));
        assert!(!kept(&lists, &key(1), Freshness::OtherThan(&new), TRUSTED_MS));
    }

    #[test]
    fn the_oldest_of_too_many_lists_is_dropped() {
        let mut lists = Lists::default();
        for number in 0..=LISTS {
            lists.keep(&key(number), &List::default(), Freshness::Kept, NOW);
        }
        assert!(!kept(&lists, &key(0), Freshness::Kept, 0));
        assert!(kept(&lists, &key(1), Freshness::Kept, 0));
        assert_eq!(lists.all(NOW).len(), LISTS);
    }

    #[test]
    fn a_list_that_was_being_looked_up_is_not_kept_once_everything_was_dropped() {
        let mut lists = Lists::default();
        let Step::Lead(lookup) = lists.enter(&key(1), Freshness::Kept, NOW) else {
            panic!("nothing is kept");
        };
        assert!(matches!(
            lists.enter(&key(1), Freshness::Kept, NOW),
            Step::Join(_)
        ));
        lists.clear();
        lists.finish(&key(1), &lookup, Some(&List::default()), Freshness::Kept, NOW);
        assert!(!kept(&lists, &key(1), Freshness::Kept, 0));
    }
}

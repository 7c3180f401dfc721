//! The table of cached tokens: for each cache key a token, a remembered refusal, an exchange in flight. The caller holds
//! the lock.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashTable;

use super::entry::{Entry, NegativeEntry};
use super::eviction::Eviction;
use super::key::{CacheKey, CacheKeyRef};
use super::refresh_policy::{Expiry, Freshness};
use super::single_flight::InFlight;
use crate::error::{Error, ErrorKind};
use crate::oauth::token::Token;
use crate::platform::clock::Moment;
use crate::text::hash::hash;
use crate::text::secret::Secret;

pub(crate) use super::eviction::{LastUse, Limits};

/// An exchange in flight, whose outcome goes to the callers that wait.
pub(crate) type InFlightExchange = InFlight<Outcome>;

/// The outcome of an exchange: a token, or the error and the old token, if that has not expired.
pub(crate) type Outcome = Result<Arc<Token>, (Error, Option<Arc<Token>>)>;

/// A token that was issued, and when it was requested.
pub(crate) struct Issued {
    pub token: Token,
    pub asked: Moment,
    /// The refresh token was rejected: this token is of an exchange from scratch, and the old one is void.
    pub refresh_token_refused: bool,
}

/// Which token a caller accepts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TokenCriteria {
    pub min_validity_ms: i64,
    pub force_refresh: bool,
}

/// The result of a lookup that found a token.
pub(crate) enum Lookup {
    /// To use.
    Fresh(Arc<Token>),
    /// To use although it expires soon: a refresh is in progress, or has failed recently.
    Stale(Arc<Token>),
    /// To use, and to refresh in the background.
    Aging(Arc<Token>, Arc<CacheKey>),
}

/// The next step of a caller without a good token.
pub(crate) enum Admission {
    /// Nothing: this is the result.
    Done(Result<Arc<Token>, Error>),
    /// Wait for the exchange in flight.
    Join(Arc<InFlightExchange>),
    /// Start the exchange, with the refresh token if there is one.
    Lead(Arc<InFlightExchange>, Option<Secret>),
}

pub(crate) struct Cache {
    pub(super) entries: HashTable<Entry>,
    pub(super) eviction: Eviction,
}

impl Cache {
    pub const fn new() -> Self {
        Self {
            entries: HashTable::new(),
            eviction: Eviction::new(),
        }
    }

    /// The cached token that answers `key_ref`, if it is good enough.
    pub fn find(
        &self,
        key_ref: &CacheKeyRef<'_>,
        now: Moment,
        min_validity_ms: i64,
        generation: u64,
        slot: &mut LastUse,
    ) -> Option<Lookup> {
        let entry = self.entries.find(key_ref.hash(), |entry| entry.key.is(key_ref))?;
        let cached = entry.cached.as_ref()?;
        let freshness = cached.expiry.classify(now, min_validity_ms);
        let found = match freshness {
            Freshness::Fresh => Lookup::Fresh(cached.token.clone()),
            Freshness::RefreshSoon | Freshness::MustRefresh if cached.expiry.in_backoff(now, freshness) => {
                Lookup::Stale(cached.token.clone())
            }
            Freshness::RefreshSoon if entry.is_in_flight(generation) => Lookup::Stale(cached.token.clone()),
            Freshness::RefreshSoon => Lookup::Aging(cached.token.clone(), entry.key.clone()),
            Freshness::MustRefresh | Freshness::Expired => return None,
        };
        if let Some(number) = self.eviction.used(entry.key.hash(), now, slot) {
            entry.last_use.store(number, Ordering::Relaxed);
        }
        Some(found)
    }

    /// Why [`find`](Self::find) finds nothing, for the log.
    pub fn miss_reason(&self, key_ref: &CacheKeyRef<'_>, now: Moment) -> &'static str {
        let entry = self.entries.find(key_ref.hash(), |entry| entry.key.is(key_ref));
        match entry {
            Some(Entry {
                cached: Some(cached), ..
            }) if cached.expiry.classify(now, 0) == Freshness::Expired => "the token has expired",
            Some(Entry { cached: Some(_), .. }) => "the token expires too soon",
            Some(Entry {
                negative: Some(_), ..
            }) => "the server refused recently",
            Some(Entry {
                in_flight: Some(_), ..
            }) => "an exchange is in progress",
            _ => "no entry",
        }
    }

    /// The token for `key` that has not expired, however soon it will.
    pub fn living(&self, key: &CacheKey, now: Moment) -> Option<Arc<Token>> {
        let cached = self
            .entries
            .find(key.hash(), |entry| *entry.key == *key)?
            .cached
            .as_ref()?;
        (cached.expiry.classify(now, 0) != Freshness::Expired).then(|| cached.token.clone())
    }

    /// Admits a caller for which [`find`](Self::find) has no token. `begin` makes the exchange when this caller is the
    /// leader; one of another generation lost its leader in a fork.
    pub fn enter(
        &mut self,
        key: &Arc<CacheKey>,
        now: Moment,
        criteria: TokenCriteria,
        generation: u64,
        begin: impl FnOnce() -> InFlightExchange,
    ) -> Admission {
        let entry = self.entry(key);
        if !criteria.force_refresh {
            if let Some(cached) = &mut entry.cached {
                // Another caller may have stored one since the lookup.
                let freshness = cached.expiry.classify(now, criteria.min_validity_ms);
                match freshness {
                    Freshness::Fresh | Freshness::RefreshSoon => {
                        return Admission::Done(Ok(cached.token.clone()));
                    }
                    Freshness::MustRefresh if cached.expiry.in_backoff(now, freshness) => {
                        return Admission::Done(Ok(cached.token.clone()));
                    }
                    Freshness::MustRefresh => {}
                    Freshness::Expired => cached.expiry.end(now),
                }
            }
            if let Some(NegativeEntry { why, until, .. }) = entry.negative.as_deref()
                && now.until_ms(*until) > 0
            {
                return Admission::Done(Err(why.clone()));
            }
        }
        match &entry.in_flight {
            Some(in_flight) if in_flight.is_of(generation) => Admission::Join(in_flight.clone()),
            _ => entry.lead(begin()),
        }
    }

    /// A background refresh of an aging token; `None` when one is in progress, or it is not the time.
    pub fn enter_early(
        &mut self,
        key: &Arc<CacheKey>,
        now: Moment,
        generation: u64,
        begin: impl FnOnce() -> InFlightExchange,
    ) -> Option<Admission> {
        let entry = self.entries.find_mut(key.hash(), |entry| entry.key == *key)?;
        let cached = entry.cached.as_ref()?;
        let freshness = cached.expiry.classify(now, 0);
        let aging = freshness == Freshness::RefreshSoon && !cached.expiry.in_backoff(now, freshness);
        (aging && !entry.is_in_flight(generation)).then(|| entry.lead(begin()))
    }

    /// Ends an exchange: its token is stored, unless the entry was dropped since it began.
    pub fn settle(
        &mut self,
        key: &Arc<CacheKey>,
        in_flight: &Arc<InFlightExchange>,
        result: Result<(Issued, Expiry), Error>,
        now: Moment,
        criteria: TokenCriteria,
        limits: Limits,
    ) -> Outcome {
        let ours = |entry: &Entry| {
            entry
                .in_flight
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, in_flight))
        };
        let entry = self
            .entries
            .find_mut(key.hash(), |entry| entry.key == *key)
            .filter(|entry| ours(entry));
        let Some(entry) = entry else {
            return result
                .map(|(issued, _)| Arc::new(issued.token))
                .map_err(|why| (why, None));
        };
        entry.in_flight = None;
        let bytes_before = entry.bytes();
        let outcome = match result {
            Ok((issued, expiry)) => Ok(entry.keep(issued, expiry, now, criteria)),
            Err(why) => {
                if why.kind() == ErrorKind::Refused {
                    let number = self.eviction.number_refusal(key.hash());
                    entry.remember_refusal(&why, now, number);
                }
                Err(entry.fail(why, now, criteria))
            }
        };
        self.eviction.bytes = self.eviction.bytes - bytes_before + entry.bytes();
        *entry.last_use.get_mut() = self.eviction.stored();
        if entry.is_empty() {
            self.remove(key);
        }
        self.make_room(now, limits);
        outcome
    }

    /// An empty cache to replace this one. The tokens of exchanges in flight are not stored.
    pub fn cleared(&self) -> Self {
        Self {
            entries: HashTable::new(),
            eviction: self.eviction.cleared(),
        }
    }

    /// The hashes of what is cached for a session token.
    pub fn of_session(&self, token: &str) -> Vec<u64> {
        let subject = hash(token.as_bytes());
        let cached = self
            .entries
            .iter()
            .filter(|entry| entry.key.subject_hash() == subject && entry.key.is_of_session(token));
        cached.map(|entry| entry.key.hash()).collect()
    }

    /// Drops what is cached for a session token, among the entries with these hashes.
    pub fn forget_session(&mut self, token: &str, hashes: &[u64]) {
        for hash in hashes {
            while let Ok(found) = self
                .entries
                .find_entry(*hash, |entry| entry.key.is_of_session(token))
            {
                let (entry, _) = found.remove();
                self.eviction.bytes -= entry.bytes();
            }
        }
    }

    /// Drops this token; returns whether it was cached. An exchange in flight goes on, and brings the next one.
    pub fn invalidate(&mut self, token: &Token) -> bool {
        let holds = |entry: &Entry| {
            entry
                .cached
                .as_ref()
                .is_some_and(|cached| cached.token.is_same(token))
        };
        let Ok(mut found) = self.entries.find_entry(token.cache_key_hash(), holds) else {
            return false;
        };
        let entry = found.get_mut();
        self.eviction.bytes -= entry.bytes();
        entry.drop_token();
        if entry.is_empty() {
            drop(found.remove());
        }
        true
    }

    /// Takes an exchange that was given up out of its entry.
    pub fn detach(&mut self, key: &CacheKey, in_flight: &Arc<InFlightExchange>) {
        if let Some(entry) = self.entries.find_mut(key.hash(), |entry| *entry.key == *key) {
            entry.in_flight.take_if(|current| Arc::ptr_eq(current, in_flight));
        }
    }

    /// The number of cached tokens.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.cached.is_some()).count()
    }

    fn entry(&mut self, key: &Arc<CacheKey>) -> &mut Entry {
        let same = |entry: &Entry| entry.key == *key;
        let hash = |entry: &Entry| entry.key.hash();
        self.entries
            .entry(key.hash(), same, hash)
            .or_insert_with(|| Entry::new(key))
            .into_mut()
    }

    fn remove(&mut self, key: &Arc<CacheKey>) {
        if let Ok(found) = self.entries.find_entry(key.hash(), |entry| entry.key == *key) {
            let (entry, _) = found.remove();
            self.eviction.bytes -= entry.bytes();
        }
    }
}

//! What is known of each question: the token that answered it, a refusal, an exchange under way. Bounded; the caller
//! holds the lock.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;

use crate::cache::key::{CacheKey, CacheKeyRef};
use crate::cache::refresh_policy::{Expiry, Freshness};
use crate::cache::single_flight::InFlight;
use crate::error::{Error, ErrorKind};
use crate::oauth::token::Token;
use crate::platform::clock::Moment;
use crate::text::hash::hash;
use crate::text::secret::Secret;

/// How long a refusal is remembered: what asks "is there a token?" while it draws a page does not ask the server each
/// time.
const REFUSAL_MS: i64 = 2000;
/// How often expired entries are looked for, apart from when there is no room.
const SWEEP_MS: i64 = 60_000;
/// One in so many entries is noted for eviction when room is sought.
const VICTIMS: usize = 16;

/// An exchange for a question, and what it brings to those who wait for it.
pub(crate) type InFlightExchange = InFlight<Outcome>;

/// What an exchange brought: a token, or why there is none and the old token, when that still lives.
pub(crate) type Outcome = Result<Arc<Token>, (Error, Option<Arc<Token>>)>;

/// A token that was issued, and when it was asked for.
pub(crate) struct Issued {
    pub token: Token,
    pub asked: Moment,
    /// The refresh token was negative: this came of an exchange from scratch, and the old one is void.
    pub refresh_token_refused: bool,
}

pub(crate) struct Cache {
    entries: HashTable<Entry>,
    /// Counts uses, so that their order is known; see [`touch`](Self::touch).
    uses: AtomicU64,
    /// Whether it is half full: before that nothing is evicted soon, and uses are not counted.
    counts_uses: bool,
    /// The least recently used entries as they were when last looked for: hash and last use.
    victims: VecDeque<(u64, u64)>,
    swept_ms: i64,
    pub evictions: u64,
}

struct Entry {
    /// The hash of the key's subject: to find a session's entries, no other key is looked at.
    subject: u64,
    key: Arc<CacheKey>,
    cached: Option<CachedToken>,
    negative: Option<NegativeEntry>,
    in_flight: Option<Arc<InFlightExchange>>,
    last_use: AtomicU64,
}

struct CachedToken {
    token: Arc<Token>,
    expiry: Expiry,
    refresh_token: Option<Secret>,
}

struct NegativeEntry {
    why: Error,
    until: Moment,
}

/// What a hit found.
pub(crate) enum Lookup {
    /// A token to use.
    Fresh(Arc<Token>),
    /// A token to use while nothing better is to be had: it is asked for already, or was in vain a moment ago.
    Stale(Arc<Token>),
    /// A token to use, while someone asks for a newer one.
    Aging(Arc<Token>, Arc<CacheKey>),
}

/// What is to be done about a question that has no good token.
pub(crate) enum Admission {
    /// Nothing: it is answered.
    Done(Result<Arc<Token>, Error>),
    /// Wait for the exchange that is under way.
    Join(Arc<InFlightExchange>),
    /// Make the exchange, with the refresh token if there is one.
    Lead(Arc<InFlightExchange>, Option<Secret>),
}

/// How a question is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TokenCriteria {
    pub min_validity_ms: i64,
    pub force_refresh: bool,
}

impl Cache {
    pub const fn new() -> Self {
        Self {
            entries: HashTable::new(),
            uses: AtomicU64::new(1),
            counts_uses: false,
            victims: VecDeque::new(),
            swept_ms: 0,
            evictions: 0,
        }
    }

    /// The cached token that answers `key_ref`, if it is good enough.
    pub fn find(
        &self,
        key_ref: &CacheKeyRef<'_>,
        now: Moment,
        min_validity_ms: i64,
        generation: u64,
    ) -> Option<Lookup> {
        let entry = self.entries.find(key_ref.hash(), |entry| entry.key.is(key_ref))?;
        let cached = entry.cached.as_ref()?;
        let found = match cached.expiry.classify(now, min_validity_ms) {
            Freshness::Fresh => Lookup::Fresh(cached.token.clone()),
            Freshness::RefreshSoon | Freshness::MustRefresh if cached.expiry.in_backoff(now) => {
                Lookup::Stale(cached.token.clone())
            }
            Freshness::RefreshSoon if entry.is_under_way(generation) => Lookup::Stale(cached.token.clone()),
            Freshness::RefreshSoon => Lookup::Aging(cached.token.clone(), entry.key.clone()),
            Freshness::MustRefresh | Freshness::Expired => return None,
        };
        self.touch(entry);
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
            }) => "the server refused a moment ago",
            Some(Entry {
                in_flight: Some(_), ..
            }) => "it is being asked for",
            _ => "nothing is known",
        }
    }

    /// The token for `key` that is not expired, however late it is.
    pub fn living(&self, key: &CacheKey, now: Moment) -> Option<Arc<Token>> {
        let cached = self
            .entries
            .find(key.hash(), |entry| *entry.key == *key)?
            .cached
            .as_ref()?;
        (cached.expiry.classify(now, 0) != Freshness::Expired).then(|| cached.token.clone())
    }

    /// What to do about a question that [`find`](Self::find) has no token for. `begin` makes the flight when this caller
    /// is to lead; one of another generation lost its leader in a fork.
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
                // Someone may have brought one since it was looked for.
                match cached.expiry.classify(now, criteria.min_validity_ms) {
                    Freshness::Fresh | Freshness::RefreshSoon => {
                        return Admission::Done(Ok(cached.token.clone()));
                    }
                    Freshness::MustRefresh if cached.expiry.in_backoff(now) => {
                        return Admission::Done(Ok(cached.token.clone()));
                    }
                    Freshness::MustRefresh => {}
                    Freshness::Expired => cached.expiry.end(now),
                }
            }
            if let Some(NegativeEntry { why, until }) = &entry.negative
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

    /// An exchange in the background for the token that is aging; `None` when there is one, or it is not the time.
    pub fn enter_early(
        &mut self,
        key: &Arc<CacheKey>,
        now: Moment,
        generation: u64,
        begin: impl FnOnce() -> InFlightExchange,
    ) -> Option<Admission> {
        let entry = self.entries.find_mut(key.hash(), |entry| entry.key == *key)?;
        let cached = entry.cached.as_ref()?;
        let aging =
            cached.expiry.classify(now, 0) == Freshness::RefreshSoon && !cached.expiry.in_backoff(now);
        (aging && !entry.is_under_way(generation)).then(|| entry.lead(begin()))
    }

    /// Ends an exchange: what it brought is kept, unless the question was forgotten meanwhile.
    pub fn settle(
        &mut self,
        key: &Arc<CacheKey>,
        in_flight: &Arc<InFlightExchange>,
        brought: Result<(Issued, Expiry), Error>,
        now: Moment,
        criteria: TokenCriteria,
        capacity: usize,
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
            return brought
                .map(|(issued, _)| Arc::new(issued.token))
                .map_err(|why| (why, None));
        };
        entry.in_flight = None;
        let outcome = match brought {
            Ok((issued, expiry)) => Ok(entry.keep(issued, expiry, now, criteria)),
            Err(why) => Err(entry.fail(why, now, criteria)),
        };
        if entry.is_empty() {
            self.remove(key);
        } else {
            let uses = self.uses.get_mut();
            *uses += 1;
            *entry.last_use.get_mut() = *uses;
        }
        self.make_room(now, capacity);
        outcome
    }

    /// What is left when everything is dropped, exchanges under way included: what they bring is not kept.
    pub fn cleared(&self) -> Self {
        Self {
            evictions: self.evictions,
            ..Self::new()
        }
    }

    /// The hashes of what is cached for a session token.
    pub fn of_session(&self, token: &str) -> Vec<u64> {
        let subject = hash(token.as_bytes());
        let cached = self
            .entries
            .iter()
            .filter(|entry| entry.subject == subject && entry.key.is_of_session(token));
        cached.map(|entry| entry.key.hash()).collect()
    }

    /// Drops what is cached for a session token, among the entries with these hashes.
    pub fn forget_session(&mut self, token: &str, hashes: &[u64]) {
        for hash in hashes {
            while let Ok(found) = self
                .entries
                .find_entry(*hash, |entry| entry.key.is_of_session(token))
            {
                drop(found.remove());
            }
        }
    }

    /// Drops the entry that holds this very token; says whether there was one.
    pub fn invalidate(&mut self, token: &Token) -> bool {
        let holds = |entry: &Entry| {
            entry
                .cached
                .as_ref()
                .is_some_and(|cached| cached.token.is_same(token))
        };
        match self.entries.find_entry(token.key_ref(), holds) {
            Ok(found) => {
                drop(found.remove());
                true
            }
            Err(_) => false,
        }
    }

    /// How many tokens are cached.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.cached.is_some()).count()
    }

    /// Evicts what is over `capacity`, and now and then what has expired.
    pub fn make_room(&mut self, now: Moment, capacity: usize) {
        if self.entries.len() > capacity || now.monotonic_ms - self.swept_ms >= SWEEP_MS {
            self.sweep(now);
        }
        while self.entries.len() > capacity {
            if !self.evict_one() {
                break;
            }
        }
        self.counts_uses = self.entries.len() >= capacity / 2;
    }

    fn sweep(&mut self, now: Moment) {
        self.swept_ms = now.monotonic_ms;
        self.entries.retain(|entry| {
            if entry.in_flight.is_some() {
                return true;
            }
            entry
                .cached
                .take_if(|cached| cached.expiry.classify(now, 0) == Freshness::Expired);
            entry.negative.take_if(|refused| now.until_ms(refused.until) <= 0);
            !entry.is_empty()
        });
    }

    /// Evicts the entry that was used least recently; false when all that is left is under way.
    fn evict_one(&mut self) -> bool {
        loop {
            let Some((hash, last_use)) = self.victims.pop_front() else {
                if !self.look_for_victims() {
                    return false;
                }
                continue;
            };
            let untouched = |entry: &Entry| {
                entry.in_flight.is_none() && entry.last_use.load(Ordering::Relaxed) == last_use
            };
            if let Ok(found) = self.entries.find_entry(hash, untouched) {
                drop(found.remove());
                self.evictions += 1;
                return true;
            }
        }
    }

    /// Notes the entries that were used least recently, in that order. Whoever is used afterwards is used later than
    /// any of them, so that the first of them that was not used since is the least recently used of all.
    fn look_for_victims(&mut self) -> bool {
        let idle = self.entries.iter().filter(|entry| entry.in_flight.is_none());
        let mut uses: Vec<_> = idle
            .map(|entry| (entry.last_use.load(Ordering::Relaxed), entry.key.hash()))
            .collect();
        uses.sort_unstable();
        uses.truncate(uses.len().div_ceil(VICTIMS));
        self.victims = uses
            .into_iter()
            .map(|(last_use, hash)| (hash, last_use))
            .collect();
        !self.victims.is_empty()
    }

    /// Notes a use, on the hit path: who is the last one used already writes nothing, nor does anyone while there is
    /// room. Threads with tokens of their own would fight over the count.
    fn touch(&self, entry: &Entry) {
        if self.counts_uses && entry.last_use.load(Ordering::Relaxed) != self.uses.load(Ordering::Relaxed) {
            let use_ = self.uses.fetch_add(1, Ordering::Relaxed) + 1;
            entry.last_use.store(use_, Ordering::Relaxed);
        }
    }

    fn entry(&mut self, key: &Arc<CacheKey>) -> &mut Entry {
        let same = |entry: &Entry| entry.key == *key;
        let hash = |entry: &Entry| entry.key.hash();
        let empty = || Entry {
            subject: key.subject_hash(),
            key: key.clone(),
            cached: None,
            negative: None,
            in_flight: None,
            last_use: AtomicU64::new(0),
        };
        self.entries
            .entry(key.hash(), same, hash)
            .or_insert_with(empty)
            .into_mut()
    }

    fn remove(&mut self, key: &Arc<CacheKey>) {
        if let Ok(found) = self.entries.find_entry(key.hash(), |entry| entry.key == *key) {
            drop(found.remove());
        }
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.cached.is_none() && self.negative.is_none() && self.in_flight.is_none()
    }

    fn is_under_way(&self, generation: u64) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|in_flight| in_flight.is_of(generation))
    }

    fn lead(&mut self, in_flight: InFlightExchange) -> Admission {
        let in_flight = Arc::new(in_flight);
        self.in_flight = Some(in_flight.clone());
        Admission::Lead(
            in_flight,
            self.cached
                .as_ref()
                .and_then(|cached| cached.refresh_token.clone()),
        )
    }

    /// Keeps a token, with what is known of it from before when it is the very same one.
    fn keep(&mut self, issued: Issued, expiry: Expiry, now: Moment, criteria: TokenCriteria) -> Arc<Token> {
        let token = issued.token.with_cache_key_hash(self.key.hash());
        let before = self.cached.take();
        let same = before.as_ref().filter(|before| before.token.is_same(&token));
        let mut expiry = same.map_or(expiry, |before| before.expiry.seen_again(expiry));
        if same.is_some() || expiry.classify(now, criteria.min_validity_ms) == Freshness::MustRefresh {
            expiry.record_failed_refresh(now);
        }
        // RFC 6749, section 6: an answer without a new refresh token leaves the old one in force.
        let in_force = before.filter(|_| !issued.refresh_token_refused);
        let refresh_token = token
            .refresh_token()
            .or(in_force.and_then(|before| before.refresh_token));
        let token = Arc::new(token);
        self.negative = None;
        self.cached = Some(CachedToken {
            token: token.clone(),
            expiry,
            refresh_token,
        });
        token
    }

    /// Notes that an exchange failed. An old token outlives every failure but a refusal that is the client's fault.
    fn fail(&mut self, why: Error, now: Moment, criteria: TokenCriteria) -> (Error, Option<Arc<Token>>) {
        if why.kind() == ErrorKind::Refused {
            self.negative = Some(NegativeEntry {
                why: why.clone(),
                until: now.after_ms(REFUSAL_MS),
            });
        }
        if let Some(cached) = &mut self.cached {
            let expired = cached.expiry.classify(now, 0) == Freshness::Expired;
            if expired || (why.is_final() && !criteria.force_refresh) {
                self.cached = None;
            } else {
                cached.expiry.record_failed_refresh(now);
            }
        }
        (why, self.cached.as_ref().map(|cached| cached.token.clone()))
    }
}

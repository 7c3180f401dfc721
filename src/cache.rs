//! What is known of each question: the token that answered it, a refusal, an exchange under way. Bounded; the caller
//! holds the lock.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;

use crate::clock::Moment;
use crate::error::{Error, ErrorKind};
use crate::flight::Flight;
use crate::freshness::{Life, Verdict};
use crate::hash::hash;
use crate::question::{Key, Question};
use crate::secret::Secret;
use crate::token::Token;

/// How long a refusal is remembered: what asks "is there a token?" while it draws a page does not ask the server each
/// time.
const REFUSAL_MS: i64 = 2000;
/// How often expired entries are looked for, apart from when there is no room.
const SWEEP_MS: i64 = 60_000;
/// One in so many entries is noted for eviction when room is sought.
const VICTIMS: usize = 16;

/// An exchange for a question, and what it brings to those who wait for it.
pub(crate) type Exchanging = Flight<Landing>;

/// What an exchange brought: a token, or why there is none and the old token, when that still lives.
pub(crate) type Landing = Result<Arc<Token>, (Error, Option<Arc<Token>>)>;

/// A token that was issued, and when it was asked for.
pub(crate) struct Issued {
    pub token: Token,
    pub asked: Moment,
    /// The refresh token was refused: this came of an exchange from scratch, and the old one is void.
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
    key: Arc<Key>,
    held: Option<Held>,
    refused: Option<Refused>,
    flight: Option<Arc<Exchanging>>,
    last_use: AtomicU64,
}

struct Held {
    token: Arc<Token>,
    life: Life,
    refresh_token: Option<Secret>,
}

struct Refused {
    why: Error,
    until: Moment,
}

/// What a hit found.
pub(crate) enum Found {
    /// A token to use.
    Fresh(Arc<Token>),
    /// A token to use while nothing better is to be had: it is asked for already, or was in vain a moment ago.
    Stale(Arc<Token>),
    /// A token to use, while someone asks for a newer one.
    Aging(Arc<Token>, Arc<Key>),
}

/// What is to be done about a question that has no good token.
pub(crate) enum Step {
    /// Nothing: it is answered.
    Done(Result<Arc<Token>, Error>),
    /// Wait for the exchange that is under way.
    Join(Arc<Exchanging>),
    /// Make the exchange, with the refresh token if there is one.
    Lead(Arc<Exchanging>, Option<Secret>),
}

/// How a question is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
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

    /// The cached token that answers `question`, if it is good enough.
    pub fn find(
        &self,
        question: &Question<'_>,
        now: Moment,
        min_validity_ms: i64,
        generation: u64,
    ) -> Option<Found> {
        let entry = self
            .entries
            .find(question.hash(), |entry| entry.key.is(question))?;
        let held = entry.held.as_ref()?;
        let found = match held.life.judge(now, min_validity_ms) {
            Verdict::Fresh => Found::Fresh(held.token.clone()),
            Verdict::RefreshSoon | Verdict::MustRefresh if held.life.holds_off(now) => {
                Found::Stale(held.token.clone())
            }
            Verdict::RefreshSoon if entry.is_under_way(generation) => Found::Stale(held.token.clone()),
            Verdict::RefreshSoon => Found::Aging(held.token.clone(), entry.key.clone()),
            Verdict::MustRefresh | Verdict::Expired => return None,
        };
        self.touch(entry);
        Some(found)
    }

    /// Why [`find`](Self::find) finds nothing, for the log.
    pub fn why_not(&self, question: &Question<'_>, now: Moment) -> &'static str {
        let entry = self.entries.find(question.hash(), |entry| entry.key.is(question));
        match entry {
            Some(Entry { held: Some(held), .. }) if held.life.judge(now, 0) == Verdict::Expired => {
                "the token has expired"
            }
            Some(Entry { held: Some(_), .. }) => "the token expires too soon",
            Some(Entry { refused: Some(_), .. }) => "the server refused a moment ago",
            Some(Entry { flight: Some(_), .. }) => "it is being asked for",
            _ => "nothing is known",
        }
    }

    /// The token for `key` that is not expired, however late it is.
    pub fn living(&self, key: &Key, now: Moment) -> Option<Arc<Token>> {
        let held = self
            .entries
            .find(key.hash(), |entry| *entry.key == *key)?
            .held
            .as_ref()?;
        (held.life.judge(now, 0) != Verdict::Expired).then(|| held.token.clone())
    }

    /// What to do about a question that [`find`](Self::find) has no token for. `begin` makes the flight when this caller
    /// is to lead; one of another generation lost its leader in a fork.
    pub fn enter(
        &mut self,
        key: &Arc<Key>,
        now: Moment,
        wish: Wish,
        generation: u64,
        begin: impl FnOnce() -> Exchanging,
    ) -> Step {
        let entry = self.entry(key);
        if !wish.force_refresh {
            if let Some(held) = &mut entry.held {
                // Someone may have brought one since it was looked for.
                match held.life.judge(now, wish.min_validity_ms) {
                    Verdict::Fresh | Verdict::RefreshSoon => return Step::Done(Ok(held.token.clone())),
                    Verdict::MustRefresh if held.life.holds_off(now) => {
                        return Step::Done(Ok(held.token.clone()));
                    }
                    Verdict::MustRefresh => {}
                    Verdict::Expired => held.life.end(now),
                }
            }
            if let Some(Refused { why, until }) = &entry.refused
                && now.until_ms(*until) > 0
            {
                return Step::Done(Err(why.clone()));
            }
        }
        match &entry.flight {
            Some(flight) if flight.is_of(generation) => Step::Join(flight.clone()),
            _ => entry.lead(begin()),
        }
    }

    /// An exchange in the background for the token that is aging; `None` when there is one, or it is not the time.
    pub fn enter_early(
        &mut self,
        key: &Arc<Key>,
        now: Moment,
        generation: u64,
        begin: impl FnOnce() -> Exchanging,
    ) -> Option<Step> {
        let entry = self.entries.find_mut(key.hash(), |entry| entry.key == *key)?;
        let held = entry.held.as_ref()?;
        let aging = held.life.judge(now, 0) == Verdict::RefreshSoon && !held.life.holds_off(now);
        (aging && !entry.is_under_way(generation)).then(|| entry.lead(begin()))
    }

    /// Ends an exchange: what it brought is kept, unless the question was forgotten meanwhile.
    pub fn settle(
        &mut self,
        key: &Arc<Key>,
        flight: &Arc<Exchanging>,
        brought: Result<(Issued, Life), Error>,
        now: Moment,
        wish: Wish,
        capacity: usize,
    ) -> Landing {
        let ours = |entry: &Entry| {
            entry
                .flight
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, flight))
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
        entry.flight = None;
        let landing = match brought {
            Ok((issued, life)) => Ok(entry.keep(issued, life, now, wish)),
            Err(why) => Err(entry.fail(why, now, wish)),
        };
        if entry.is_empty() {
            self.remove(key);
        } else {
            let uses = self.uses.get_mut();
            *uses += 1;
            *entry.last_use.get_mut() = *uses;
        }
        self.make_room(now, capacity);
        landing
    }

    /// What is left when everything is dropped, exchanges under way included: what they bring is not kept.
    pub fn cleared(&self) -> Self {
        Self {
            evictions: self.evictions,
            ..Self::new()
        }
    }

    /// The hashes of what is held for a session token.
    pub fn of_session(&self, token: &str) -> Vec<u64> {
        let subject = hash(token.as_bytes());
        let held = self
            .entries
            .iter()
            .filter(|entry| entry.subject == subject && entry.key.is_of_session(token));
        held.map(|entry| entry.key.hash()).collect()
    }

    /// Drops what is held for a session token, among the entries with these hashes.
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
        let holds = |entry: &Entry| entry.held.as_ref().is_some_and(|held| held.token.is_same(token));
        match self.entries.find_entry(token.question(), holds) {
            Ok(found) => {
                drop(found.remove());
                true
            }
            Err(_) => false,
        }
    }

    /// How many tokens are held.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.held.is_some()).count()
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
            if entry.flight.is_some() {
                return true;
            }
            entry
                .held
                .take_if(|held| held.life.judge(now, 0) == Verdict::Expired);
            entry.refused.take_if(|refused| now.until_ms(refused.until) <= 0);
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
            let untouched =
                |entry: &Entry| entry.flight.is_none() && entry.last_use.load(Ordering::Relaxed) == last_use;
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
        let idle = self.entries.iter().filter(|entry| entry.flight.is_none());
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

    fn entry(&mut self, key: &Arc<Key>) -> &mut Entry {
        let same = |entry: &Entry| entry.key == *key;
        let hash = |entry: &Entry| entry.key.hash();
        let empty = || Entry {
            subject: key.subject_hash(),
            key: key.clone(),
            held: None,
            refused: None,
            flight: None,
            last_use: AtomicU64::new(0),
        };
        self.entries
            .entry(key.hash(), same, hash)
            .or_insert_with(empty)
            .into_mut()
    }

    fn remove(&mut self, key: &Arc<Key>) {
        if let Ok(found) = self.entries.find_entry(key.hash(), |entry| entry.key == *key) {
            drop(found.remove());
        }
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.held.is_none() && self.refused.is_none() && self.flight.is_none()
    }

    fn is_under_way(&self, generation: u64) -> bool {
        self.flight
            .as_ref()
            .is_some_and(|flight| flight.is_of(generation))
    }

    fn lead(&mut self, flight: Exchanging) -> Step {
        let flight = Arc::new(flight);
        self.flight = Some(flight.clone());
        Step::Lead(
            flight,
            self.held.as_ref().and_then(|held| held.refresh_token.clone()),
        )
    }

    /// Keeps a token, with what is known of it from before when it is the very same one.
    fn keep(&mut self, issued: Issued, life: Life, now: Moment, wish: Wish) -> Arc<Token> {
        let token = issued.token.of_question(self.key.hash());
        let before = self.held.take();
        let same = before.as_ref().filter(|before| before.token.is_same(&token));
        let mut life = same.map_or(life, |before| before.life.seen_again(life));
        if same.is_some() || life.judge(now, wish.min_validity_ms) == Verdict::MustRefresh {
            life.tried_in_vain(now);
        }
        // RFC 6749, section 6: an answer without a new refresh token leaves the old one in force.
        let in_force = before.filter(|_| !issued.refresh_token_refused);
        let refresh_token = token
            .refresh_token()
            .or(in_force.and_then(|before| before.refresh_token));
        let token = Arc::new(token);
        self.refused = None;
        self.held = Some(Held {
            token: token.clone(),
            life,
            refresh_token,
        });
        token
    }

    /// Notes that an exchange failed. An old token outlives every failure but a refusal that is the client's fault.
    fn fail(&mut self, why: Error, now: Moment, wish: Wish) -> (Error, Option<Arc<Token>>) {
        if why.kind() == ErrorKind::Refused {
            self.refused = Some(Refused {
                why: why.clone(),
                until: now.after_ms(REFUSAL_MS),
            });
        }
        if let Some(held) = &mut self.held {
            let expired = held.life.judge(now, 0) == Verdict::Expired;
            if expired || (why.is_final() && !wish.force_refresh) {
                self.held = None;
            } else {
                held.life.tried_in_vain(now);
            }
        }
        (why, self.held.as_ref().map(|held| held.token.clone()))
    }
}

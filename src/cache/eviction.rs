//! Eviction: a full cache drops expired entries first, then refusals, then the tokens that were used least recently.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::Entry;
use super::refresh_policy::Freshness;
use super::store::Cache;
use crate::config;
use crate::platform::clock::Moment;

/// How often expired entries are dropped, apart from when there is no room.
const SWEEP_MS: i64 = 60_000;
/// How often they are dropped at most, while there is no room.
const SWEEP_WHEN_FULL_MS: i64 = 1000;
/// One in so many entries is listed for eviction when room is needed.
const VICTIMS: usize = 16;
/// How many refusals are remembered at most. They never take the place of a token.
const REFUSALS: usize = 1000;

/// How large the cache may become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub entries: usize,
    pub bytes: usize,
}

impl Limits {
    pub fn configured() -> Self {
        Self {
            entries: config::cache_capacity(),
            bytes: config::cache_bytes(),
        }
    }
}

pub(crate) struct Eviction {
    /// The least recently used entries when they were last listed: hash and last use.
    victims: VecDeque<(u64, u64)>,
    /// The refusals that are remembered, oldest first: hash and number.
    refusals: VecDeque<(u64, u64)>,
    swept_ms: i64,
    /// The memory of all tokens, in bytes.
    pub bytes: usize,
    pub evictions: u64,
    /// How often something was stored.
    stored: u64,
    /// Counts uses: their order decides what is evicted.
    uses: AtomicU64,
}

impl Eviction {
    pub const fn new() -> Self {
        Self {
            victims: VecDeque::new(),
            refusals: VecDeque::new(),
            swept_ms: 0,
            bytes: 0,
            evictions: 0,
            stored: 0,
            uses: AtomicU64::new(0),
        }
    }

    /// That of an empty cache in the place of this one's.
    pub fn cleared(&self) -> Self {
        Self {
            evictions: self.evictions,
            ..Self::new()
        }
    }

    /// The number of a refusal that is now remembered under `hash`.
    pub fn number_refusal(&mut self, hash: u64) -> u64 {
        self.stored += 1;
        self.refusals.push_back((hash, self.stored));
        self.stored
    }

    /// The number of the use that storing an entry is.
    pub fn stored(&mut self) -> u64 {
        self.stored += 1;
        let uses = self.uses.get_mut();
        *uses += 1;
        *uses
    }

    /// The number of a use of the entry with this hash; `None` when it needs no new one. Threads that use one token write
    /// once a tick of the clock, so that they do not contend.
    pub fn used(&self, hash: u64, now: Moment, slot: &mut LastUse) -> Option<u64> {
        let this = LastUse {
            tick_ms: now.monotonic_ms,
            hash,
            stored: self.stored,
        };
        if *slot == this {
            return None;
        }
        *slot = this;
        Some(self.uses.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The last use that was counted in one thread's slot.
#[derive(Default, PartialEq)]
pub(crate) struct LastUse {
    tick_ms: i64,
    hash: u64,
    /// How much had been stored before it.
    stored: u64,
}

impl LastUse {
    pub const fn none() -> Self {
        Self {
            tick_ms: 0,
            hash: 0,
            stored: 0,
        }
    }
}

impl Cache {
    /// Evicts what exceeds `limits`, and now and then what has expired.
    pub fn make_room(&mut self, now: Moment, limits: Limits) {
        while self.eviction.refusals.len() > REFUSALS {
            self.drop_oldest_refusal();
        }
        let since_ms = now.monotonic_ms - self.eviction.swept_ms;
        if since_ms >= SWEEP_MS || (self.is_over(limits) && since_ms >= SWEEP_WHEN_FULL_MS) {
            self.sweep(now);
        }
        while self.is_over(limits) && (self.drop_oldest_refusal() || self.evict_one()) {}
    }

    fn is_over(&self, limits: Limits) -> bool {
        self.entries.len() > limits.entries || self.eviction.bytes > limits.bytes
    }

    fn sweep(&mut self, now: Moment) {
        self.eviction.swept_ms = now.monotonic_ms;
        let bytes = &mut self.eviction.bytes;
        self.entries.retain(|entry| {
            if entry.in_flight.is_some() {
                return true;
            }
            let expired = |entry: &Entry| {
                let cached = entry.cached.as_ref();
                cached.is_some_and(|cached| cached.expiry.classify(now, 0) == Freshness::Expired)
            };
            if expired(entry) {
                *bytes -= entry.bytes();
                entry.drop_token();
            }
            entry.negative.take_if(|refused| now.until_ms(refused.until) <= 0);
            !entry.is_empty()
        });
    }

    /// Returns false when there is none.
    fn drop_oldest_refusal(&mut self) -> bool {
        let Some((hash, number)) = self.eviction.refusals.pop_front() else {
            return false;
        };
        let is_it = |entry: &Entry| entry.negative.as_ref().is_some_and(|it| it.number == number);
        if let Ok(mut found) = self.entries.find_entry(hash, is_it) {
            found.get_mut().negative = None;
            if found.get().is_empty() {
                drop(found.remove());
            }
        }
        true
    }

    /// Evicts the entry that was used least recently; returns false when all that is left is in flight.
    fn evict_one(&mut self) -> bool {
        loop {
            let Some((hash, last_use)) = self.eviction.victims.pop_front() else {
                if !self.list_victims() {
                    return false;
                }
                continue;
            };
            let untouched = |entry: &Entry| {
                entry.in_flight.is_none() && entry.last_use.load(Ordering::Relaxed) == last_use
            };
            if let Ok(found) = self.entries.find_entry(hash, untouched) {
                let (entry, _) = found.remove();
                self.eviction.bytes -= entry.bytes();
                self.eviction.evictions += 1;
                return true;
            }
        }
    }

    /// Lists the entries that were used least recently, in that order. An entry that is used afterwards is used later
    /// than all of them, so the first of them that was not used since is the least recently used one.
    fn list_victims(&mut self) -> bool {
        let idle = self.entries.iter().filter(|entry| entry.in_flight.is_none());
        let mut uses: Vec<_> = idle
            .map(|entry| (entry.last_use.load(Ordering::Relaxed), entry.key.hash()))
            .collect();
        let listed = uses.len().div_ceil(VICTIMS);
        if listed > 0 && listed < uses.len() {
            uses.select_nth_unstable(listed);
        }
        uses.truncate(listed);
        uses.sort_unstable();
        self.eviction.victims = uses
            .into_iter()
            .map(|(last_use, hash)| (hash, last_use))
            .collect();
        !self.eviction.victims.is_empty()
    }
}

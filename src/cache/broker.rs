//! Gets a token: from the cache, from an exchange that someone else is making, or from one of its own.

#![forbid(unsafe_code)]

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cache::key::{CacheKey, CacheKeyRef};
use crate::cache::single_flight::InFlight;
use crate::cache::store::{Admission, Cache, InFlightExchange, Lookup, Outcome, TokenCriteria};
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::token::Token;
use crate::platform::fork::{HoldOverFork, generation};
use crate::platform::read_mostly::{ReadMostly, Slot};
use crate::platform::sync::{Instant, SLOTS};

use super::backend::Backend;
use super::leader::{is_led_by_this_thread, lead, refresh_in_background};
use super::wait::{WaitEnd, WaitOptions, drive, timed_out};

/// Counts since the process began. A forked child goes on with its parent's.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stats {
    pub hits: u64,
    pub stale_hits: u64,
    pub misses: u64,
    pub exchanges: u64,
    pub coalesced: u64,
    pub failures: u64,
    pub evictions: u64,
    pub entries: u64,
}

/// What a hit counts, in the slot of its thread.
#[derive(Default)]
pub(super) struct Hits {
    fresh: u64,
    stale: u64,
}

pub(crate) struct Broker<W: 'static> {
    pub(super) backend: W,
    pub(super) cache: ReadMostly<Cache, Hits>,
    pub(super) misses: AtomicU64,
    pub(super) exchanges: AtomicU64,
    pub(super) coalesced: AtomicU64,
    pub(super) failures: AtomicU64,
}

impl<W: Backend> Broker<W> {
    pub const fn new(backend: W) -> Self {
        Self {
            backend,
            cache: ReadMostly::new(
                Cache::new(),
                [const { Slot::new(Hits { fresh: 0, stale: 0 }) }; SLOTS],
            ),
            misses: AtomicU64::new(0),
            exchanges: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    pub fn backend(&self) -> &W {
        &self.backend
    }

    pub fn clear(&self) {
        // Wiping takes its time: outside of the lock.
        drop(self.cache.write(|cache| {
            let cleared = cache.cleared();
            std::mem::replace(cache, cleared)
        }));
    }

    /// Drops all that is held for a session token.
    pub fn forget_session(&self, token: &str) {
        // Found among the readers, so that the others go on; only what is there is looked at by the writer.
        let hashes = self.cache.read(|cache, _| cache.of_session(token));
        if !hashes.is_empty() {
            self.cache.write(|cache| cache.forget_session(token, &hashes));
        }
    }

    pub fn invalidate(&self, token: &Token) -> bool {
        token.backend() == self.backend.number() && self.cache.write(|cache| cache.invalidate(token))
    }

    /// Evicts what is over the configured capacity.
    pub fn make_room(&self) {
        let now = self.backend.now();
        self.cache
            .write(|cache| cache.make_room(now, config::cache_capacity()));
    }

    pub fn stats(&self) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (evictions, entries) = self.cache.read(|cache, _| (cache.evictions, cache.len() as u64));
        let mut stats = Stats {
            misses: count(&self.misses),
            exchanges: count(&self.exchanges),
            coalesced: count(&self.coalesced),
            failures: count(&self.failures),
            evictions,
            entries,
            ..Stats::default()
        };
        self.cache.for_each_slot(|hits| {
            stats.hits += hits.fresh;
            stats.stale_hits += hits.stale;
        });
        stats
    }

    pub(super) fn in_flight(&self) -> InFlightExchange {
        InFlight::new(generation(), Instant::now() + config::timeout())
    }

    /// Waits for an exchange that someone else makes.
    fn wait(
        &self,
        in_flight: &InFlightExchange,
        deadline: Instant,
        cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    ) -> Result<Outcome, WaitEnd> {
        let joined = in_flight.join(deadline);
        if joined {
            self.coalesced.fetch_add(1, Ordering::Relaxed);
            log::debug!("Waiting for the exchange that another call makes");
        }
        let waited = drive(deadline, cancelled, |at_most| in_flight.wait(at_most));
        if joined && !matches!(waited, Err(WaitEnd::Forked)) {
            in_flight.leave();
        }
        match waited {
            Ok(_) if !joined => Err(WaitEnd::GivenUp),
            waited => waited,
        }
    }

    /// Why [`cached`](Handle::cached) finds nothing, for the log.
    pub fn miss_reason(&self, key_ref: &CacheKeyRef<'_>, criteria: TokenCriteria) -> &'static str {
        let now = self.backend.now();
        match criteria.force_refresh {
            true => "a new token is asked for",
            false => self.cache.read(|cache, _| cache.miss_reason(key_ref, now)),
        }
    }

    /// A token that still lives, for who has no time to wait for a better one.
    fn old_token(&self, key: &CacheKey, criteria: TokenCriteria) -> Option<Arc<Token>> {
        let now = self.backend.now();
        self.cache
            .read(|cache, _| cache.living(key, now))
            .filter(|_| !criteria.force_refresh)
    }
}

impl<W: Backend + Send> HoldOverFork for Broker<W> {
    fn hold(&'static self) -> Box<dyn Any> {
        self.cache.hold()
    }
}

/// A way to a broker: to the process's, which is there for good, or to one that is gone when nobody has to do with it
/// any more. An exchange that goes on in the background has one of its own.
pub(crate) trait Handle: Deref<Target = Broker<Self::Backend>> + Clone + Send + 'static {
    type Backend: Backend;

    /// A cached token that is good enough. Does no I/O; may start a thread that gets the next one.
    fn cached(&self, key_ref: &CacheKeyRef<'_>, criteria: TokenCriteria) -> Option<Arc<Token>> {
        if criteria.force_refresh {
            return None;
        }
        let (now, generation) = (self.backend.now(), generation());
        let found = self.cache.read(|cache, hits| {
            let found = cache.find(key_ref, now, criteria.min_validity_ms, generation)?;
            match found {
                Lookup::Fresh(_) => hits.fresh += 1,
                Lookup::Stale(_) | Lookup::Aging(..) => hits.stale += 1,
            }
            Some(found)
        })?;
        match found {
            Lookup::Fresh(token) | Lookup::Stale(token) => Some(token),
            Lookup::Aging(token, key) => {
                refresh_in_background(self, key);
                Some(token)
            }
        }
    }

    /// A token for `key`, which was not cached. Blocks until there is one, an error, or no more patience.
    fn obtain(&self, key: CacheKey, options: &WaitOptions<'_>) -> Result<Arc<Token>, Error> {
        let key = Arc::new(key);
        let timeout = options.timeout.unwrap_or_else(config::timeout);
        let deadline = Instant::now() + timeout;
        self.misses.fetch_add(1, Ordering::Relaxed);
        loop {
            let begin = || self.in_flight();
            let step = self
                .cache
                .write(|cache| cache.enter(&key, self.backend.now(), options.criteria, generation(), begin));
            let (in_flight, waited) = match step {
                Admission::Done(response) => return response,
                Admission::Join(in_flight) if is_led_by_this_thread(&in_flight) => return Err(asked_again()),
                Admission::Join(in_flight) => {
                    let waited = self.wait(&in_flight, deadline, options.cancelled);
                    (in_flight, waited)
                }
                Admission::Lead(in_flight, refresh_token) => {
                    let waited = lead(self, &key, in_flight.clone(), refresh_token, deadline, options);
                    (in_flight, waited)
                }
            };
            return match waited {
                Ok(Ok(token)) => Ok(token),
                Ok(Err((_, Some(old)))) if !options.criteria.force_refresh => {
                    log::info!("The exchange failed, the old token still serves");
                    Ok(old)
                }
                Ok(Err((why, _))) => Err(why),
                Err(WaitEnd::Cancelled) => Err(Error::new(ErrorKind::Cancelled, "The call was cancelled.")),
                Err(WaitEnd::TimedOut) => self
                    .old_token(&key, options.criteria)
                    .ok_or_else(|| timed_out(&key, timeout, &in_flight)),
                Err(WaitEnd::Forked | WaitEnd::GivenUp) => continue,
            };
        }
    }
}

impl<W: Backend, H: Deref<Target = Broker<W>> + Clone + Send + 'static> Handle for H {
    type Backend = W;
}

fn asked_again() -> Error {
    let what = "A callback asked the very question that its thread is about to answer.";
    Error::new(ErrorKind::Internal, what)
}

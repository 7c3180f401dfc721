//! Gets a token: from the cache, from an exchange that someone else is making, or from one of its own.

#![forbid(unsafe_code)]

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cache::{Cache, Exchanging, Found, Issued, Landing, Step, Wish};
use crate::clock::Moment;
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::flight::{Flight, Trouble};
use crate::log;
use crate::process::{HoldOverFork, ReadMostly, Slot, generation};
use crate::question::{Key, Question};
use crate::secret::Secret;
use crate::sync::{Instant, SLOTS};
use crate::token::Token;

mod leading;

use leading::{is_led_here, lead, refresh_in_background};

/// How often a caller's cancel callback is asked, at the least every 100 ms, and the host is told the log.
const TICK: Duration = Duration::from_millis(50);

/// What the broker needs of the world: the server, the clock, chance. Tests have their own.
pub(crate) trait World: Sync + 'static {
    /// Begins the exchange that answers `key`: a renewal by `refresh_token`, if there is one. What can not be begun is
    /// an error of the exchange. How it fares is noted on `flight`, which says how long someone waits for it.
    fn begin(
        &self,
        key: &Key,
        refresh_token: Option<Secret>,
        flight: &Arc<Exchanging>,
    ) -> Result<Box<dyn Work>, Error>;
    fn now(&self) -> Moment;
    /// From 0 to 1.
    fn jitter(&self) -> f64;
    /// Tells the tokens of this world from those of others.
    fn number(&self) -> u64 {
        0
    }
    /// Whether a token is renewed in the background before its end.
    fn refreshes_in_background(&self) -> bool {
        config::background_refresh()
    }
}

/// An exchange that goes on only while someone drives it.
pub(crate) trait Work: Send {
    /// Goes on for `at_most`; gives the result when there is one. Blocks.
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>>;
}

/// How a caller asks, and how long it waits.
pub(crate) struct Patience<'a> {
    pub wish: Wish,
    /// `None`: the configured time-out.
    pub timeout: Option<Duration>,
    /// Asked on the calling thread while it waits; true ends the call.
    pub cancelled: Option<&'a (dyn Fn() -> bool + Send + Sync)>,
}

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
struct Hits {
    fresh: u64,
    stale: u64,
}

pub(crate) struct Broker<W: 'static> {
    world: W,
    cache: ReadMostly<Cache, Hits>,
    misses: AtomicU64,
    exchanges: AtomicU64,
    coalesced: AtomicU64,
    failures: AtomicU64,
}

/// Why a caller stops waiting before there is a result.
enum Left {
    Cancelled,
    TimedOut,
    /// This is a child that the cancel callback forked: nobody brings the exchange to its end here.
    Forked,
    /// The exchange had been given up when it was joined, since nobody waited for it.
    GivenUp,
}

impl<W: World> Broker<W> {
    pub const fn new(world: W) -> Self {
        Self {
            world,
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

    pub fn world(&self) -> &W {
        &self.world
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
        token.world() == self.world.number() && self.cache.write(|cache| cache.invalidate(token))
    }

    /// Evicts what is over the configured capacity.
    pub fn make_room(&self) {
        let now = self.world.now();
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

    fn flight(&self) -> Exchanging {
        Flight::new(generation(), Instant::now() + config::timeout())
    }

    /// Waits for an exchange that someone else makes.
    fn wait(
        &self,
        flight: &Exchanging,
        deadline: Instant,
        cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    ) -> Result<Landing, Left> {
        let joined = flight.join(deadline);
        if joined {
            self.coalesced.fetch_add(1, Ordering::Relaxed);
            log::debug!("Waiting for the exchange that another call makes");
        }
        let waited = drive(deadline, cancelled, |at_most| flight.wait(at_most));
        if joined && !matches!(waited, Err(Left::Forked)) {
            flight.leave();
        }
        match waited {
            Ok(_) if !joined => Err(Left::GivenUp),
            waited => waited,
        }
    }

    /// Why [`cached`](Handle::cached) finds nothing, for the log.
    pub fn why_not(&self, question: &Question<'_>, wish: Wish) -> &'static str {
        let now = self.world.now();
        match wish.force_refresh {
            true => "a new token is asked for",
            false => self.cache.read(|cache, _| cache.why_not(question, now)),
        }
    }

    /// A token that still lives, for who has no time to wait for a better one.
    fn old_token(&self, key: &Key, wish: Wish) -> Option<Arc<Token>> {
        let now = self.world.now();
        self.cache
            .read(|cache, _| cache.living(key, now))
            .filter(|_| !wish.force_refresh)
    }
}

impl<W: World + Send> HoldOverFork for Broker<W> {
    fn hold(&'static self) -> Box<dyn Any> {
        self.cache.hold()
    }
}

/// A way to a broker: to the process's, which is there for good, or to one that is gone when nobody has to do with it
/// any more. An exchange that goes on in the background has one of its own.
pub(crate) trait Handle: Deref<Target = Broker<Self::World>> + Clone + Send + 'static {
    type World: World;

    /// A cached token that is good enough. Does no I/O; may start a thread that gets the next one.
    fn cached(&self, question: &Question<'_>, wish: Wish) -> Option<Arc<Token>> {
        if wish.force_refresh {
            return None;
        }
        let (now, generation) = (self.world.now(), generation());
        let found = self.cache.read(|cache, hits| {
            let found = cache.find(question, now, wish.min_validity_ms, generation)?;
            match found {
                Found::Fresh(_) => hits.fresh += 1,
                Found::Stale(_) | Found::Aging(..) => hits.stale += 1,
            }
            Some(found)
        })?;
        match found {
            Found::Fresh(token) | Found::Stale(token) => Some(token),
            Found::Aging(token, key) => {
                refresh_in_background(self, key);
                Some(token)
            }
        }
    }

    /// A token for `key`, which was not cached. Blocks until there is one, an error, or no more patience.
    fn obtain(&self, key: Key, patience: &Patience<'_>) -> Result<Arc<Token>, Error> {
        let key = Arc::new(key);
        let timeout = patience.timeout.unwrap_or_else(config::timeout);
        let deadline = Instant::now() + timeout;
        self.misses.fetch_add(1, Ordering::Relaxed);
        loop {
            let begin = || self.flight();
            let step = self
                .cache
                .write(|cache| cache.enter(&key, self.world.now(), patience.wish, generation(), begin));
            let (flight, waited) = match step {
                Step::Done(answer) => return answer,
                Step::Join(flight) if is_led_here(&flight) => return Err(asked_again()),
                Step::Join(flight) => {
                    let waited = self.wait(&flight, deadline, patience.cancelled);
                    (flight, waited)
                }
                Step::Lead(flight, refresh_token) => {
                    let waited = lead(self, &key, flight.clone(), refresh_token, deadline, patience);
                    (flight, waited)
                }
            };
            return match waited {
                Ok(Ok(token)) => Ok(token),
                Ok(Err((_, Some(old)))) if !patience.wish.force_refresh => {
                    log::info!("The exchange failed, the old token still serves");
                    Ok(old)
                }
                Ok(Err((why, _))) => Err(why),
                Err(Left::Cancelled) => Err(Error::new(ErrorKind::Cancelled, "The call was cancelled.")),
                Err(Left::TimedOut) => self
                    .old_token(&key, patience.wish)
                    .ok_or_else(|| timed_out(&key, timeout, &flight)),
                Err(Left::Forked | Left::GivenUp) => continue,
            };
        }
    }
}

impl<W: World, H: Deref<Target = Broker<W>> + Clone + Send + 'static> Handle for H {
    type World = W;
}

fn asked_again() -> Error {
    let what = "A callback asked the very question that its thread is about to answer.";
    Error::new(ErrorKind::Internal, what)
}

/// Goes on with `advance` until it gives something, the deadline passes or the caller has enough.
fn drive<T>(
    deadline: Instant,
    cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    mut advance: impl FnMut(Duration) -> Option<T>,
) -> Result<T, Left> {
    let began_in = generation();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let at_most = if cancelled.is_some() || log::is_listened_to() {
            left.min(TICK)
        } else {
            left
        };
        if let Some(result) = advance(at_most) {
            return Ok(result);
        }
        log::deliver();
        let cancel = cancelled.is_some_and(|cancelled| cancelled());
        if generation() != began_in {
            return Err(Left::Forked);
        }
        if cancel {
            return Err(Left::Cancelled);
        }
        if left.is_zero() {
            return Err(Left::TimedOut);
        }
    }
}

/// Nothing came within `timeout`: the failure that the exchange was about to try again after, or a time-out with the
/// failure before it.
fn timed_out(key: &Key, timeout: Duration, flight: &Exchanging) -> Error {
    let what = || Error::no_answer(&key.endpoint().address(), timeout);
    match flight.trouble() {
        Some(Trouble::Waiting(why)) => why,
        Some(Trouble::Before(why)) => what().because(format!("The attempt before failed: {why}")),
        None => what(),
    }
}

#[cfg(test)]
mod tests;

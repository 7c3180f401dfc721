//! Gets a token: from the cache, from an exchange in flight, or from a new one.

#![forbid(unsafe_code)]

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::backend::Backend;
use super::background_refresh::refresh_in_background;
use super::call::PendingCall;
use super::key::{CacheKey, CacheKeyRef};
use super::leader::{Leader, is_led_by_this_thread};
use super::single_flight::InFlight;
use super::store::{Admission, Cache, InFlightExchange, LastUse, Limits, Lookup, Outcome, TokenCriteria};
use super::wait::{Cancelled, WaitEnd, WaitOptions, timed_out, wait};
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::token::Token;
use crate::platform::cancellation::NoCancellation;
use crate::platform::fork::{HoldOverFork, OnlyThread, generation};
use crate::platform::read_mostly::{ReadMostly, Slot};
use crate::platform::sync::{Instant, SLOTS};

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

/// The counters of cache hits, one set for each slot of threads.
pub(super) struct Hits {
    fresh: u64,
    stale: u64,
    last_use: LastUse,
}

pub(crate) struct Broker<B: 'static> {
    pub(super) backend: B,
    pub(super) cache: ReadMostly<Cache, Hits>,
    misses: AtomicU64,
    pub(super) exchanges: AtomicU64,
    coalesced: AtomicU64,
    pub(super) failures: AtomicU64,
}

impl<B: Backend> Broker<B> {
    pub const fn new(backend: B) -> Self {
        const NO_HITS: Hits = Hits {
            fresh: 0,
            stale: 0,
            last_use: LastUse::none(),
        };
        Self {
            backend,
            cache: ReadMostly::new(Cache::new(), [const { Slot::new(NO_HITS) }; SLOTS]),
            misses: AtomicU64::new(0),
            exchanges: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    pub fn backend(&self) -> &B {
        &self.backend
    }

    pub fn clear(&self) {
        // Wiping takes time: outside of the lock.
        drop(self.cache.write(|cache| {
            let cleared = cache.cleared();
            std::mem::replace(cache, cleared)
        }));
    }

    /// Drops everything that is held for a session token.
    pub fn forget_session(&self, token: &str) {
        // Found by a reader, so that others go on; the writer looks only at what was found.
        let hashes = self.cache.read(|cache, _| cache.of_session(token));
        if !hashes.is_empty() {
            self.cache.write(|cache| cache.forget_session(token, &hashes));
        }
    }

    pub fn invalidate(&self, token: &Token) -> bool {
        token.backend_id() == self.backend.id() && self.cache.write(|cache| cache.invalidate(token))
    }

    /// Evicts what exceeds the configured limits.
    pub fn make_room(&self) {
        let now = self.backend.now();
        self.cache
            .write(|cache| cache.make_room(now, Limits::configured()));
    }

    pub fn stats(&self) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (evictions, entries) = self
            .cache
            .read(|cache, _| (cache.eviction.evictions, cache.len() as u64));
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

    /// Why [`cached`](Handle::cached) finds nothing, for the log.
    pub fn miss_reason(&self, key_ref: &CacheKeyRef<'_>, criteria: TokenCriteria) -> &'static str {
        let now = self.backend.now();
        match criteria.force_refresh {
            true => "a new token was requested",
            false => self.cache.read(|cache, _| cache.miss_reason(key_ref, now)),
        }
    }

    pub(super) fn in_flight(&self) -> InFlightExchange {
        InFlight::new(generation(), Instant::now() + config::timeout())
    }

    /// Waits for an exchange that this caller joined, and leaves it.
    pub(super) fn wait(
        &self,
        in_flight: &Arc<InFlightExchange>,
        deadline: Instant,
        cancelled: Option<Cancelled<'_>>,
    ) -> Result<Outcome, WaitEnd> {
        let waited = wait(deadline, cancelled, |at_most| {
            self.backend.drive(in_flight, at_most)
        });
        self.leave(in_flight);
        waited
    }

    /// A caller leaves, unless this is a forked child: the exchange goes on if others wait for it, and in the background if that is allowed.
    pub(super) fn leave(&self, in_flight: &Arc<InFlightExchange>) {
        if in_flight.is_of(generation()) && in_flight.leave() {
            if self.backend.goes_on_unattended() {
                // Without a thread it goes on with the next call.
                let _ = self.backend.unattended(in_flight);
            } else {
                in_flight.give_up_unless_awaited();
            }
            self.backend.attention_changed(in_flight);
        }
    }

    /// The result of a call; `None` when it has to begin again.
    pub(super) fn conclude(
        &self,
        waited: Result<Outcome, WaitEnd>,
        key: &CacheKey,
        criteria: TokenCriteria,
        patience: Patience,
        in_flight: &InFlightExchange,
    ) -> Option<Result<Arc<Token>, Error>> {
        Some(match waited {
            Ok(Ok(token)) => Ok(token),
            Ok(Err((_, Some(old)))) if !criteria.force_refresh => {
                log::info!("Token refresh failed; returning the cached token, which is still valid");
                Ok(old)
            }
            Ok(Err((why, _))) => {
                let timed_out = why.kind() == ErrorKind::Timeout;
                if timed_out {
                    self.backend.was_silent(key);
                }
                Err(if timed_out { patience.explain(why) } else { why })
            }
            Err(WaitEnd::Cancelled) => Err(Error::cancelled()),
            Err(WaitEnd::TimedOut) => {
                if patience.timeout >= config::ATTEMPT_TIMEOUT_MS.duration() && !in_flight.was_answered() {
                    self.backend.was_silent(key);
                }
                self.old_token(key, criteria)
                    .ok_or_else(|| patience.explain(timed_out(key, patience.timeout, in_flight)))
            }
            Err(WaitEnd::Forked) => return None,
        })
    }

    /// A token that has not expired, for a caller that has no time to wait for a better one.
    pub fn old_token(&self, key: &CacheKey, criteria: TokenCriteria) -> Option<Arc<Token>> {
        let now = self.backend.now();
        self.cache
            .read(|cache, _| cache.living(key, now))
            .filter(|_| !criteria.force_refresh)
    }
}

impl<B: Backend + Send> HoldOverFork for Broker<B> {
    fn hold(&'static self) -> Box<dyn Any> {
        self.cache.hold()
    }

    fn abandon(&self, alone: &OnlyThread) {
        self.cache.abandon(Cache::new(), alone);
    }
}

/// How long a call waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub timeout: Duration,
    /// Because the server was silent a moment ago.
    is_shortened: bool,
}

impl Patience {
    /// Adds to the error of a call that timed out why it waited so short a time.
    fn explain(self, why: Error) -> Error {
        if !self.is_shortened {
            return why;
        }
        why.because(format!(
            "The server did not respond to an earlier call a moment ago, so this call waited for {} ms only.",
            self.timeout.as_millis()
        ))
    }
}

/// The result of an admission: a result at once, or an exchange to wait for.
pub(crate) enum Admitted {
    Done(Result<Arc<Token>, Error>),
    /// It was joined.
    Wait(Arc<InFlightExchange>),
}

/// A handle on a broker: on the process's, which is static, or on a mock's, which lives as long as a call is in it. An
/// exchange in flight holds one of its own.
pub(crate) trait Handle:
    Deref<Target = Broker<Self::Backend>> + Clone + Send + Sync + 'static
{
    type Backend: Backend;

    /// A cached token that meets `criteria`. Does no I/O. `env` is taken when a background refresh begins.
    fn cached(
        &self,
        key_ref: &CacheKeyRef<'_>,
        criteria: TokenCriteria,
        env: impl FnOnce() -> Arc<EnvSnapshot>,
    ) -> Option<Arc<Token>> {
        if criteria.force_refresh {
            return None;
        }
        let (now, generation) = (self.backend.now(), generation());
        let found = self.cache.read(|cache, hits| {
            let found = cache.find(
                key_ref,
                now,
                criteria.min_validity_ms,
                generation,
                &mut hits.last_use,
            )?;
            match found {
                Lookup::Fresh(_) => hits.fresh += 1,
                Lookup::Stale(_) | Lookup::Aging(..) => hits.stale += 1,
            }
            Some(found)
        })?;
        match found {
            Lookup::Fresh(token) | Lookup::Stale(token) => Some(token),
            Lookup::Aging(token, key) => {
                refresh_in_background(self, key, env);
                Some(token)
            }
        }
    }

    /// A token for `key`, which was not cached. Blocks until there is one or an error, until the deadline, or until the
    /// caller cancels.
    fn obtain(
        &self,
        key: CacheKey,
        env: Arc<EnvSnapshot>,
        options: &WaitOptions<'_>,
    ) -> Result<Arc<Token>, Error> {
        // POSIX thread cancellation would unwind through this library's frames and abort the process.
        let _guard = NoCancellation::new();
        if options.cancelled.is_some_and(|cancelled| cancelled()) {
            return Err(Error::cancelled());
        }
        let key = Arc::new(key);
        let patience = self.patience_for(&key, options.timeout, options.criteria);
        let deadline = Instant::now() + patience.timeout;
        self.misses.fetch_add(1, Ordering::Relaxed);
        loop {
            let in_flight = match self.admit(&key, &env, options.criteria, deadline) {
                Admitted::Done(result) => return result,
                Admitted::Wait(in_flight) => in_flight,
            };
            let waited = match in_flight.is_of(generation()) {
                true => {
                    self.backend.may_block()?;
                    self.wait(&in_flight, deadline, options.cancelled)
                }
                // A mock's function has forked, and this is the child.
                false => in_flight.result_in_child().ok_or(WaitEnd::Forked),
            };
            if let Some(result) = self.conclude(waited, &key, options.criteria, patience, &in_flight) {
                return result;
            }
        }
    }

    /// As [`obtain`](Self::obtain), but returns without waiting: with the result, or with a call to be finished later.
    fn start(
        &self,
        key: CacheKey,
        env: Arc<EnvSnapshot>,
        timeout: Option<Duration>,
        criteria: TokenCriteria,
    ) -> Result<Result<Arc<Token>, PendingCall<Self>>, Error> {
        // A mock's exchange is performed here, and may write log lines.
        let _guard = NoCancellation::new();
        let key = Arc::new(key);
        let patience = self.patience_for(&key, timeout, criteria);
        let deadline = Instant::now() + patience.timeout;
        self.misses.fetch_add(1, Ordering::Relaxed);
        match self.admit(&key, &env, criteria, deadline) {
            Admitted::Done(result) => result.map(Ok),
            Admitted::Wait(in_flight) => {
                // The child of a mock's function that forked has its result, and no thread.
                if in_flight.is_of(generation())
                    && !in_flight.is_completed()
                    && let Err(why) = self.backend.unattended(&in_flight)
                {
                    self.leave(&in_flight);
                    return Err(why);
                }
                Ok(Err(PendingCall {
                    broker: self.clone(),
                    key,
                    env,
                    in_flight,
                    criteria,
                    patience,
                    deadline,
                }))
            }
        }
    }

    /// How long a call waits.
    fn patience_for(&self, key: &CacheKey, timeout: Option<Duration>, criteria: TokenCriteria) -> Patience {
        let timeout = timeout.unwrap_or_else(config::timeout);
        match self.backend.patience(key) {
            Some(shorter) if !criteria.force_refresh && shorter < timeout => Patience {
                timeout: shorter,
                is_shortened: true,
            },
            _ => Patience {
                timeout,
                is_shortened: false,
            },
        }
    }

    /// Joins the exchange for `key`, and starts it when there is none.
    #[doc(hidden)]
    fn admit(
        &self,
        key: &Arc<CacheKey>,
        env: &Arc<EnvSnapshot>,
        criteria: TokenCriteria,
        deadline: Instant,
    ) -> Admitted {
        loop {
            let begin = || self.in_flight();
            let admission = self
                .cache
                .write(|cache| cache.enter(key, self.backend.now(), criteria, generation(), begin));
            match admission {
                Admission::Done(result) => return Admitted::Done(result),
                Admission::Join(in_flight) if is_led_by_this_thread(&in_flight) => {
                    return Admitted::Done(Err(reentrant()));
                }
                Admission::Join(in_flight) => {
                    if !in_flight.join(deadline) {
                        // Given up, and about to leave the cache.
                        self.cache.write(|cache| cache.detach(key, &in_flight));
                        continue;
                    }
                    self.coalesced.fetch_add(1, Ordering::Relaxed);
                    log::debug!("Waiting for an exchange that another call started");
                    self.backend.attention_changed(&in_flight);
                    return Admitted::Wait(in_flight);
                }
                Admission::Lead(in_flight, refresh_token) => {
                    in_flight.join(deadline);
                    Leader::new(self, key.clone(), in_flight.clone(), criteria)
                        .spawn(env.clone(), refresh_token);
                    return Admitted::Wait(in_flight);
                }
            }
        }
    }
}

impl<B: Backend, H: Deref<Target = Broker<B>> + Clone + Send + Sync + 'static> Handle for H {
    type Backend = B;
}

fn reentrant() -> Error {
    let what = "Re-entrant call: a callback requested the token that its own call is waiting for.";
    Error::new(ErrorKind::Internal, what)
}

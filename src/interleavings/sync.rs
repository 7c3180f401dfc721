//! Replaces `platform::sync` during model checking.

use std::ops::Add;
use std::sync::{Arc, LockResult};
use std::time::Duration;

pub(crate) use shuttle::sync::atomic::AtomicPtr;
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError};
pub(crate) use shuttle::thread_local;

use super::explorer::{mishap, now, pass_until};
use crate::platform::fork::OnlyThread;
use crate::platform::unlockable::Unlockable;

/// Enough for readers that do not meet, and for more threads than slots.
pub(crate) const SLOTS: usize = 2;

/// No signal handler interrupts a thread here.
pub(crate) struct Section;

impl Section {
    pub fn enter() -> Self {
        Self
    }

    pub fn of_own_slot() -> (Self, usize) {
        (Self, usize::from(shuttle::current::me()) % SLOTS)
    }

    pub fn is_interrupted() -> bool {
        false
    }
}

impl<T> Unlockable<Mutex<T>> {
    pub fn unlock(&self, _alone: &OnlyThread) {
        unreachable!("no signal handler forks here");
    }
}

/// Time that passes only when a wait times out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub fn now() -> Self {
        Self(now())
    }

    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl Instant {
    pub fn since_start(self) -> Duration {
        self.0
    }
}

/// shuttle's, with waits that may come to their end.
pub(crate) struct Condvar(Arc<shuttle::sync::Condvar>);

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl Condvar {
    pub fn new() -> Self {
        Self(Arc::new(shuttle::sync::Condvar::new()))
    }

    /// Waits until it is woken: without end, which is a deadlock when nobody does, or with a clock that does.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        at_most: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        let end = now() + at_most;
        if mishap() {
            let clock = self.0.clone();
            shuttle::thread::spawn(move || {
                pass_until(end);
                clock.notify_all();
            });
        }
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        Ok((guard, ()))
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Threads that may fail to start.
pub(crate) mod thread {
    use std::io;

    use super::super::explorer::{mishap, note_thread};

    pub(crate) struct Builder(shuttle::thread::Builder);

    impl Builder {
        pub fn new() -> Self {
            Self(shuttle::thread::Builder::new())
        }

        pub fn spawn(self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
            if mishap() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.spawn(work).map(note_thread)
        }
    }
}

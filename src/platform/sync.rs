//! The synchronisation primitives of code that is model checked. `cfg(feature = "_shuttle")` swaps in those of
//! `interleavings`, which try every order in which threads can interleave.

#![forbid(unsafe_code)]

#[cfg(all(test, feature = "_shuttle"))]
pub(crate) use crate::interleavings::sync::*;
#[cfg(not(all(test, feature = "_shuttle")))]
pub(crate) use std_sync::*;

#[cfg(not(all(test, feature = "_shuttle")))]
mod std_sync {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub(crate) use std::sync::atomic::AtomicPtr;
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
    pub(crate) use std::thread_local;
    pub(crate) use std::time::Instant;

    /// How many threads read a [`ReadMostly`](crate::platform::read_mostly::ReadMostly) without contending.
    pub(crate) const SLOTS: usize = 16;

    /// The slot of this thread. Threads take them in turn.
    pub(crate) fn own_slot() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        let own = OWN.get();
        if own != usize::MAX {
            return own;
        }
        let taken = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
        OWN.set(taken);
        taken
    }
}

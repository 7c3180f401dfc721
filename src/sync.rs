//! Where threads meet, in one place: the exploration in `tests/exploration` puts its own here, which tries every order
//! in which they can.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use std::sync::atomic::AtomicPtr;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
pub(crate) use std::thread;
pub(crate) use std::thread_local;
pub(crate) use std::time::Instant;

/// How many threads read a [`ReadMostly`](crate::process::ReadMostly) without meeting.
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

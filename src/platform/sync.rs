//! The synchronisation primitives of code that is model checked. `cfg(feature = "_shuttle")` swaps in those of
//! `interleavings`, which try every order in which threads can interleave.

#![allow(unsafe_code)]

#[cfg(all(test, feature = "_shuttle"))]
pub(crate) use crate::interleavings::sync::*;
#[cfg(not(all(test, feature = "_shuttle")))]
pub(crate) use std_sync::*;

#[cfg(not(all(test, feature = "_shuttle")))]
mod std_sync {
    use std::cell::Cell;
    use std::ptr::NonNull;
    use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence};

    pub(crate) use std::sync::atomic::AtomicPtr;
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
    pub(crate) use std::thread_local;
    pub(crate) use std::time::Instant;

    /// How many threads read a [`ReadMostly`](crate::platform::read_mostly::ReadMostly) without contending.
    pub(crate) const SLOTS: usize = 16;

    thread_local! {
        static THIS: ThisThread = const {
            ThisThread {
                slot: Cell::new(usize::MAX),
                locks: Cell::new(0),
            }
        };
    }

    /// One thread-local for both: a cache hit looks it up once.
    struct ThisThread {
        slot: Cell<usize>,
        locks: Cell<u32>,
    }

    /// While it lives, this thread takes or holds a lock that is held over a fork. The library does not fork there, so a
    /// thread that does is in a signal handler.
    pub(crate) struct Section {
        locks: NonNull<Cell<u32>>,
    }

    impl Section {
        #[inline]
        pub fn enter() -> Self {
            THIS.with(Self::of)
        }

        /// Returns the slot of this thread, too. Threads take them in turn.
        #[inline]
        pub fn of_own_slot() -> (Self, usize) {
            THIS.with(|this| {
                let slot = match this.slot.get() {
                    usize::MAX => this.take_slot(),
                    slot => slot,
                };
                (Self::of(this), slot)
            })
        }

        #[inline]
        fn of(this: &ThisThread) -> Self {
            this.locks.set(this.locks.get() + 1);
            // A signal handler runs on this thread: the compiler must not move the lock before the count.
            compiler_fence(Ordering::SeqCst);
            Self {
                locks: NonNull::from(&this.locks),
            }
        }

        /// Whether this thread was interrupted in a section.
        pub fn is_interrupted() -> bool {
            THIS.with(|this| this.locks.get() > 0)
        }
    }

    impl Drop for Section {
        #[inline]
        fn drop(&mut self) {
            compiler_fence(Ordering::SeqCst);
            // SAFETY: a section is not `Send`, and a thread-local without a destructor lives as long as its thread.
            let locks = unsafe { self.locks.as_ref() };
            locks.set(locks.get() - 1);
        }
    }

    impl ThisThread {
        #[cold]
        fn take_slot(&self) -> usize {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let taken = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
            self.slot.set(taken);
            taken
        }
    }
}

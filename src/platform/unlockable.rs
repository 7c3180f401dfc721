//! A mutex that a forked child unlocks when a thread held it that the child does not have.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::Deref;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use super::fork::OnlyThread;

/// `M` is a mutex.
pub(crate) struct Unlockable<M>(UnsafeCell<M>);

// SAFETY: as of the mutex, which is changed only as `unlock` says.
unsafe impl<M: Send + Sync> Sync for Unlockable<M> {}

impl<M> Unlockable<M> {
    pub const fn new(mutex: M) -> Self {
        Self(UnsafeCell::new(mutex))
    }
}

impl<T> Unlockable<Mutex<T>> {
    /// Unlocks it, and keeps the value as it is.
    pub fn unlock(&self, _alone: &OnlyThread) {
        let mutex = self.0.get();
        // SAFETY: no other thread exists. If this one holds the lock, it goes on with the value when the signal handler
        // returns, before anything else can use it, and then unlocks what is unlocked, which does nothing. The value is
        // moved from the old mutex to the new one; the old one is not dropped.
        unsafe {
            let value = ptr::read((*mutex).get_mut().unwrap_or_else(PoisonError::into_inner));
            mutex.write(Mutex::new(value));
        }
    }
}

impl<M> Deref for Unlockable<M> {
    type Target = M;

    fn deref(&self) -> &M {
        // SAFETY: only `unlock` changes it, in a process with one thread.
        unsafe { &*self.0.get() }
    }
}

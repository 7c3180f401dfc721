//! A lock for values that are read on every cache hit and rarely written: readers do not contend.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;

use super::fork::HoldOverFork;
use super::sync::{Mutex, MutexGuard, PoisonError, SLOTS, own_slot};

/// A value that is read much more often than it is written. A reader locks a slot of its own, so that readers neither
/// wait for one another nor fight over a cache line; a writer locks all slots.
pub(crate) struct ReadMostly<T, S> {
    slots: [Slot<S>; SLOTS],
    value: UnsafeCell<T>,
}

/// On cache lines of its own (two: they are fetched in pairs). `S` is what a reader may change, such as a count.
#[repr(align(128))]
pub(crate) struct Slot<S>(Mutex<S>);

impl<S> Slot<S> {
    pub const fn new(value: S) -> Self {
        Self(Mutex::new(value))
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: `value` is reached by several readers at once, each of which holds a slot's lock (`T: Sync`), or by one
// writer, which holds them all (`T: Send`).
unsafe impl<T: Send + Sync, S: Send> Sync for ReadMostly<T, S> {}

impl<T, S> ReadMostly<T, S> {
    pub const fn new(value: T, slots: [Slot<S>; SLOTS]) -> Self {
        Self {
            slots,
            value: UnsafeCell::new(value),
        }
    }

    /// `read` must not come back here.
    pub fn read<R>(&self, read: impl FnOnce(&T, &mut S) -> R) -> R {
        let mut slot = self.slots[own_slot()].lock();
        // SAFETY: a writer would hold this slot.
        read(unsafe { &*self.value.get() }, &mut slot)
    }

    /// `write` must not come back here.
    pub fn write<R>(&self, write: impl FnOnce(&mut T) -> R) -> R {
        let _slots = self.slots.each_ref().map(Slot::lock);
        // SAFETY: every reader and every other writer would hold a slot.
        write(unsafe { &mut *self.value.get() })
    }

    /// Each slot's value in turn.
    pub fn for_each_slot(&self, mut look: impl FnMut(&S)) {
        self.slots.iter().for_each(|slot| look(&slot.lock()));
    }
}

impl<T: Send + Sync, S: Send> HoldOverFork for ReadMostly<T, S> {
    fn hold(&'static self) -> Box<dyn Any> {
        Box::new(self.slots.each_ref().map(Slot::lock))
    }
}

//! A lock for values that are read on every cache hit and rarely written: readers do not contend.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::Ordering;

use super::fork::OnlyThread;
use super::sync::{AtomicPtr, Mutex, MutexGuard, PoisonError, SLOTS, Section};
use super::unlockable::Unlockable;

/// A value that is read much more often than it is written. A reader locks a slot of its own, so that readers neither
/// wait for one another nor fight over a cache line; a writer locks all slots.
pub(crate) struct ReadMostly<T: 'static, S> {
    slots: [Slot<S>; SLOTS],
    value: UnsafeCell<T>,
    /// Takes the place of `value` once it is [abandoned](Self::abandon).
    replacement: AtomicPtr<T>,
}

/// On cache lines of its own (two: they are fetched in pairs). `S` is what a reader may change, such as a count.
#[repr(align(128))]
pub(crate) struct Slot<S>(Unlockable<Mutex<S>>);

impl<S> Slot<S> {
    pub const fn new(value: S) -> Self {
        Self(Unlockable::new(Mutex::new(value)))
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
            replacement: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// `read` must not come back here.
    pub fn read<R>(&self, read: impl FnOnce(&T, &mut S) -> R) -> R {
        let (_section, own) = Section::of_own_slot();
        let mut slot = self.slots[own].lock();
        // SAFETY: a writer would hold this slot.
        read(unsafe { &*self.value() }, &mut slot)
    }

    /// `write` must not come back here.
    pub fn write<R>(&self, write: impl FnOnce(&mut T) -> R) -> R {
        let _section = Section::enter();
        let _slots = self.slots.each_ref().map(Slot::lock);
        // SAFETY: every reader and every other writer would hold a slot.
        write(unsafe { &mut *self.value() })
    }

    /// Each slot's value in turn.
    pub fn for_each_slot(&self, mut look: impl FnMut(&S)) {
        let _section = Section::enter();
        self.slots.iter().for_each(|slot| look(&slot.lock()));
    }

    fn value(&self) -> *mut T {
        let replacement = self.replacement.load(Ordering::Relaxed);
        match replacement.is_null() {
            true => self.value.get(),
            false => replacement,
        }
    }

    /// Replaces the value and unlocks the slots. The old value is never freed: a reader that was interrupted goes on with it.
    pub fn abandon(&self, fresh: T, alone: &OnlyThread) {
        self.replacement
            .store(Box::into_raw(Box::new(fresh)), Ordering::Relaxed);
        self.slots.iter().for_each(|slot| slot.0.unlock(alone));
    }

    /// Locks all slots.
    pub fn hold(&'static self) -> Box<dyn Any>
    where
        S: Send,
    {
        Box::new(self.slots.each_ref().map(Slot::lock))
    }
}

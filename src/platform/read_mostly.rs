//! A lock for values that are read on every cache hit and rarely written: readers do not contend.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::ptr;
use std::sync::TryLockError;

use super::fork::{
    HoldOverFork, SlotsSection, generation, interrupted_slots, is_interrupted, lock_within_patience,
};
use super::sync::{Mutex, MutexGuard, PoisonError, SLOTS, own_slot};

/// A value that is read much more often than it is written. A reader locks a slot of its own, so that readers neither
/// wait for one another nor fight over a cache line; a writer locks all slots.
pub(crate) struct ReadMostly<T, S> {
    slots: [Slot<S>; SLOTS],
    value: UnsafeCell<T>,
}

/// On cache lines of its own (two: they are fetched in pairs). `S` is what a reader may change, such as a count.
#[repr(align(128))]
pub(crate) struct Slot<S>(UnsafeCell<Mutex<S>>);

impl<S> Slot<S> {
    pub const fn new(value: S) -> Self {
        Self(UnsafeCell::new(Mutex::new(value)))
    }

    fn mutex(&self) -> &Mutex<S> {
        // SAFETY: only `unlock_abandoned` changes it, in a process with one thread.
        unsafe { &*self.0.get() }
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        self.mutex().lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, S>> {
        match self.mutex().try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(why)) => Some(why.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Unlocks it for a thread that does not exist in this process.
    ///
    /// # Safety
    ///
    /// This is a forked child with one thread, which does not hold the lock.
    unsafe fn unlock_abandoned(&self) {
        let mutex = self.0.get();
        // SAFETY: by the caller, nothing else refers to the mutex. What it had is moved to the new one, and it is
        // overwritten without being dropped.
        unsafe {
            let value = (*mutex).get_mut().unwrap_or_else(PoisonError::into_inner);
            let value = ptr::read(value);
            mutex.write(Mutex::new(value));
        }
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
        let own = own_slot();
        let section = SlotsSection::enter(self.address(), own);
        let mut slot = self.slots[own].lock();
        section.locked(1);
        // SAFETY: a writer would hold this slot.
        read(unsafe { &*self.value.get() }, &mut slot)
    }

    /// `write` must not come back here.
    pub fn write<R>(&self, write: impl FnOnce(&mut T) -> R) -> R {
        let section = SlotsSection::enter(self.address(), 0);
        let mut locked = 0;
        let _slots = self.slots.each_ref().map(|slot| {
            let slot = slot.lock();
            locked += 1;
            section.locked(locked);
            slot
        });
        // SAFETY: every reader and every other writer would hold a slot.
        write(unsafe { &mut *self.value.get() })
    }

    /// Each slot's value in turn.
    pub fn for_each_slot(&self, mut look: impl FnMut(&S)) {
        for (at, slot) in self.slots.iter().enumerate() {
            let section = SlotsSection::enter(self.address(), at);
            let slot = slot.lock();
            section.locked(1);
            look(&slot);
        }
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// All slots, if no other thread keeps one for long.
    fn try_lock_all(&self) -> Option<Vec<MutexGuard<'_, S>>> {
        self.slots.iter().map(Slot::try_lock).collect()
    }
}

impl<T: Send + Sync, S: Send> HoldOverFork for ReadMostly<T, S> {
    fn hold(&'static self) -> Box<dyn Any> {
        if !is_interrupted() {
            return Box::new(self.slots.each_ref().map(Slot::lock));
        }
        let own = match interrupted_slots(self.address()) {
            // It holds some: no other thread writes, and none can lock all.
            Some((first, locked @ 1..)) => first..first + locked,
            waits_for => match (lock_within_patience(|| self.try_lock_all()), waits_for) {
                (Some(all), _) => return Box::new(all),
                // Between locking the first one and recording it.
                (None, Some((first, _))) => first..first + 1,
                (None, None) => 0..0,
            },
        };
        Box::new(Interrupted {
            lock: self,
            own,
            generation: generation(),
        })
    }
}

/// A `ReadMostly` during a fork in a signal handler, which interrupted a thread that has locked slots. In the child that
/// thread goes on, and the slots that others hold are unlocked.
struct Interrupted<T: 'static, S: 'static> {
    lock: &'static ReadMostly<T, S>,
    own: Range<usize>,
    generation: u64,
}

impl<T, S> Drop for Interrupted<T, S> {
    fn drop(&mut self) {
        if self.generation == generation() {
            return;
        }
        for (at, slot) in self.lock.slots.iter().enumerate() {
            if !self.own.contains(&at) {
                // SAFETY: a forked child begins with one thread, and this slot is none of its own.
                unsafe { slot.unlock_abandoned() };
            }
        }
    }
}

//! A mutex in a static that a fork leaves usable: the forking thread holds it during the fork, so that the child finds
//! its value whole and unlocked.

#![allow(unsafe_code)]

use std::any::Any;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use super::fork::{HoldOverFork, OnlyThread, Place, generation, hold_over_fork, hold_shared};
use super::sync::Section;
use super::unlockable::Unlockable;

/// Locks that are reached through the value of a [`ForkSafeMutex`].
pub(crate) type SharedLocks = Vec<Arc<dyn HoldOverFork + Send>>;

/// A mutex for the static at a [`Place`]. A panic while it is held does not poison it.
pub(crate) struct ForkSafeMutex<T: 'static> {
    place: Place,
    mutex: Unlockable<Mutex<T>>,
    initial: fn() -> T,
    also_hold: fn(&T) -> SharedLocks,
    in_child: fn(&mut T),
    /// The pointer registered with the fork hooks; null before the first use. Set once and never freed. No `OnceLock`: a
    /// child forked while another thread initialises one would wait for that thread.
    registered: AtomicPtr<&'static dyn HoldOverFork>,
}

impl<T: Send + 'static> ForkSafeMutex<T> {
    /// `value` is what `initial` returns.
    pub const fn new(place: Place, value: T, initial: fn() -> T) -> Self {
        Self {
            place,
            mutex: Unlockable::new(Mutex::new(value)),
            initial,
            also_hold: |_| Vec::new(),
            in_child: |_| {},
            registered: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Adds locks that are reached through the value and have to be held during a fork as well. They are released before
    /// the mutex itself.
    pub const fn also_hold(mut self, locks: fn(&T) -> SharedLocks) -> Self {
        self.also_hold = locks;
        self
    }

    /// Adds a change that is made to the value in each forked child.
    pub const fn in_child(mut self, change: fn(&mut T)) -> Self {
        self.in_child = change;
        self
    }

    pub fn lock(&'static self) -> Locked<T> {
        hold_over_fork(self.place, self.registered());
        let section = Section::enter();
        Locked {
            value: self.mutex.lock().unwrap_or_else(PoisonError::into_inner),
            section,
        }
    }

    fn registered(&'static self) -> &'static &'static dyn HoldOverFork {
        let mut found = self.registered.load(Ordering::Acquire);
        if found.is_null() {
            let made: *mut &'static dyn HoldOverFork = Box::into_raw(Box::new(self));
            let swapped =
                self.registered
                    .compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
            found = match swapped {
                Ok(_) => made,
                Err(theirs) => {
                    // SAFETY: made above, and no other thread has seen it.
                    drop(unsafe { Box::from_raw(made) });
                    theirs
                }
            };
        }
        // SAFETY: it came from `Box::into_raw` and is never freed.
        unsafe { &*found }
    }
}

impl<T: Send + 'static> HoldOverFork for ForkSafeMutex<T> {
    fn hold(&'static self) -> Box<dyn Any> {
        let value = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        Box::new(Held {
            _also: (self.also_hold)(&value).into_iter().map(hold_shared).collect(),
            value,
            in_child: self.in_child,
            generation: generation(),
        })
    }

    fn abandon(&self, alone: &OnlyThread) {
        let mut value = match self.mutex.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(why)) => why.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.mutex.unlock(alone);
                let mut value = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
                // It may be half changed, and is never dropped.
                mem::forget(mem::replace(&mut *value, (self.initial)()));
                value
            }
        };
        (self.in_child)(&mut value);
        for lock in (self.also_hold)(&value) {
            lock.abandon(alone);
        }
    }
}

/// The locked mutex.
pub(crate) struct Locked<T: 'static> {
    value: MutexGuard<'static, T>,
    /// Ends after the mutex is unlocked.
    section: Section,
}

impl<T> Locked<T> {
    /// Unlocks it until `condvar` is notified.
    pub fn wait(self, condvar: &Condvar) -> Self {
        Self {
            value: condvar.wait(self.value).unwrap_or_else(PoisonError::into_inner),
            section: self.section,
        }
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Locked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// The mutex during a fork. Its fields are dropped in their order.
struct Held<T: 'static> {
    _also: Vec<Box<dyn Any>>,
    value: MutexGuard<'static, T>,
    in_child: fn(&mut T),
    generation: u64,
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        if self.generation != generation() {
            (self.in_child)(&mut self.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn a_panic_while_it_is_held_does_not_poison_it() {
        static VALUE: ForkSafeMutex<u32> = ForkSafeMutex::new(Place::Callbacks, 1, || 0);
        let panicking = std::thread::spawn(|| {
            *VALUE.lock() += 1;
            let _held = VALUE.lock();
            std::panic::resume_unwind(Box::new("while it is held"));
        });
        assert!(panicking.join().is_err());
        assert_eq!(*VALUE.lock(), 2);
        assert!(ptr::eq(VALUE.registered(), VALUE.registered()));
    }

    /// Counts how often it is held and abandoned.
    #[derive(Default)]
    struct Counter {
        held: AtomicU32,
        abandoned: AtomicU32,
    }

    fn shared(counters: &Counters) -> SharedLocks {
        let shared = |counter: &Arc<Counter>| counter.clone() as Arc<_>;
        counters.iter().map(shared).collect()
    }

    type Counters = Vec<Arc<Counter>>;

    impl HoldOverFork for Counter {
        fn hold(&'static self) -> Box<dyn Any> {
            self.held.fetch_add(1, Ordering::Relaxed);
            Box::new(())
        }

        fn abandon(&self, _alone: &OnlyThread) {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn locks_that_are_reached_through_it_are_held_and_only_a_child_changes_it() {
        static VALUE: ForkSafeMutex<Counters> = ForkSafeMutex::new(Place::Callbacks, Vec::new(), Vec::new)
            .also_hold(shared)
            .in_child(|value| value.truncate(1));
        let counters = [(); 2].map(|()| Arc::new(Counter::default()));
        VALUE.lock().extend(counters.clone());
        let held = VALUE.hold();
        assert!(VALUE.mutex.try_lock().is_err());
        drop(held);
        assert!(
            counters
                .iter()
                .all(|counter| counter.held.load(Ordering::Relaxed) == 1)
        );
        assert_eq!(VALUE.lock().len(), 2);
        let mut held = VALUE
            .hold()
            .downcast::<Held<Counters>>()
            .expect("the mutex is held");
        held.generation += 1;
        drop(held);
        assert_eq!(VALUE.lock().len(), 1);
    }

    #[test]
    fn a_child_that_a_signal_handler_forks_keeps_what_no_thread_was_changing() {
        static VALUE: ForkSafeMutex<Counters> =
            ForkSafeMutex::new(Place::Callbacks, Vec::new(), Vec::new).also_hold(shared);
        let counter = Arc::new(Counter::default());
        VALUE.lock().push(counter.clone());
        let alone = OnlyThread::for_test();
        VALUE.abandon(&alone);
        assert_eq!(
            (VALUE.lock().len(), counter.abandoned.load(Ordering::Relaxed)),
            (1, 1)
        );
        let of_a_thread_that_is_gone = VALUE.lock();
        VALUE.abandon(&alone);
        assert!(VALUE.lock().is_empty());
        mem::forget(of_a_thread_that_is_gone);
    }
}

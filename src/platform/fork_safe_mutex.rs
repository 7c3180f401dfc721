//! A mutex in a static that a fork leaves usable: the forking thread holds it during the fork, so that the child finds
//! its value whole and unlocked.

#![allow(unsafe_code)]

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use super::fork::{
    HoldOverFork, MutexSection, Place, generation, hold_over_fork, is_interrupted, lock_within_patience,
};

/// A mutex for the static at a [`Place`]. A panic while it is held does not poison it.
pub(crate) struct ForkSafeMutex<T: 'static> {
    place: Place,
    mutex: Mutex<T>,
    also_hold: fn(&T) -> Option<Box<dyn Any>>,
    in_child: fn(&mut T),
    /// What the fork hooks have been given; null before the first use. Set once and never freed. No `OnceLock`: a
    /// child forked while another thread initialises one would wait for that thread.
    registered: AtomicPtr<&'static dyn HoldOverFork>,
}

impl<T: Send + 'static> ForkSafeMutex<T> {
    pub const fn new(place: Place, value: T) -> Self {
        Self {
            place,
            mutex: Mutex::new(value),
            also_hold: |_| None,
            in_child: |_| {},
            registered: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Adds locks that are reached through the value and have to be held during a fork as well. They are released before
    /// the mutex itself.
    pub const fn also_hold(mut self, locks: fn(&T) -> Option<Box<dyn Any>>) -> Self {
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
        let section = MutexSection::enter(self.place);
        let value = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        self.locked(value, Some(section))
    }

    fn locked(&self, value: MutexGuard<'static, T>, section: Option<MutexSection>) -> Locked<T> {
        Locked {
            in_child: self.in_child,
            generation: generation(),
            value: Some(value),
            _section: section,
        }
    }

    /// Locks it at a fork; `None` when the thread that forks may hold it, and goes on with it in the child.
    fn lock_at_fork(&'static self) -> Option<Locked<T>> {
        let value = if is_interrupted() {
            lock_within_patience(|| match self.mutex.try_lock() {
                Ok(value) => Some(value),
                Err(TryLockError::Poisoned(why)) => Some(why.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            })?
        } else {
            self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
        };
        Some(self.locked(value, None))
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
        let Some(value) = self.lock_at_fork() else {
            return Box::new(());
        };
        Box::new(Held {
            _also: (self.also_hold)(&value),
            _value: value,
        })
    }
}

/// The mutex, locked. When it was locked before a fork and this is the child, the value is changed for it at the end.
pub(crate) struct Locked<T: 'static> {
    in_child: fn(&mut T),
    generation: u64,
    /// There until it is dropped.
    value: Option<MutexGuard<'static, T>>,
    /// Left last.
    _section: Option<MutexSection>,
}

impl<T> Locked<T> {
    /// Unlocks it until `condvar` is notified.
    pub fn wait(mut self, condvar: &Condvar) -> Self {
        self.value = self
            .value
            .take()
            .map(|value| condvar.wait(value).unwrap_or_else(PoisonError::into_inner));
        self
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_deref().expect("it is locked until it is dropped")
    }
}

impl<T> DerefMut for Locked<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value
            .as_deref_mut()
            .expect("it is locked until it is dropped")
    }
}

impl<T> Drop for Locked<T> {
    fn drop(&mut self) {
        if self.generation != generation() {
            (self.in_child)(self);
        }
    }
}

/// The mutex during a fork. Its fields are dropped in their order.
struct Held<T: 'static> {
    _also: Option<Box<dyn Any>>,
    _value: Locked<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_it_is_held_does_not_poison_it() {
        static VALUE: ForkSafeMutex<u32> = ForkSafeMutex::new(Place::Callbacks, 1);
        let panicking = std::thread::spawn(|| {
            *VALUE.lock() += 1;
            let _held = VALUE.lock();
            std::panic::resume_unwind(Box::new("while it is held"));
        });
        assert!(panicking.join().is_err());
        assert_eq!(*VALUE.lock(), 2);
        assert!(ptr::eq(VALUE.registered(), VALUE.registered()));
    }

    #[test]
    fn locks_that_are_reached_through_it_are_held_and_only_a_child_changes_it() {
        static VALUE: ForkSafeMutex<u32> = ForkSafeMutex::new(Place::Callbacks, 7)
            .also_hold(|value| Some(Box::new(*value)))
            .in_child(|value| *value = 0);
        let held = VALUE.hold();
        let held = held.downcast::<Held<u32>>().expect("the mutex is held");
        assert!(VALUE.mutex.try_lock().is_err());
        let also = held._also.as_ref().expect("another lock is held");
        assert_eq!(also.downcast_ref(), Some(&7_u32));
        drop(held);
        assert_eq!(*VALUE.lock(), 7);
        let mut before_a_fork = VALUE.lock();
        before_a_fork.generation += 1;
        drop(before_a_fork);
        assert_eq!(*VALUE.lock(), 0);
    }
}

//! A mutex in a static that a fork leaves usable: the forking thread holds it during the fork, so that the child finds
//! its value whole and unlocked.

#![allow(unsafe_code)]

use std::any::Any;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fork::{HoldOverFork, Place, generation, hold_over_fork};

/// A mutex for the static at a [`Place`]. A panic while it is held does not poison it.
pub(crate) struct ForkSafeMutex<T: 'static> {
    place: Place,
    mutex: Mutex<T>,
    also_hold: fn(&T) -> Option<Box<dyn Any>>,
    in_child: fn(&mut T),
    /// The pointer registered with the fork hooks; null before the first use. Set once and never freed. No `OnceLock`: a
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

    pub fn lock(&'static self) -> MutexGuard<'static, T> {
        hold_over_fork(self.place, self.registered());
        self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let value = self.lock();
        Box::new(Held {
            _also: (self.also_hold)(&value),
            value,
            in_child: self.in_child,
            generation: generation(),
        })
    }
}

/// The mutex during a fork. Its fields are dropped in their order.
struct Held<T: 'static> {
    _also: Option<Box<dyn Any>>,
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
        drop(Held {
            _also: None,
            value: VALUE.lock(),
            in_child: VALUE.in_child,
            generation: generation() + 1,
        });
        assert_eq!(*VALUE.lock(), 0);
    }
}

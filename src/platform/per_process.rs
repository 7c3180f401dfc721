//! A value of its own for each process: a forked child makes its own and abandons the inherited one.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::Ordering;

use super::fork::generation;
use super::sync::AtomicPtr;

/// A value of its own for each process: made at first use, and made again in a forked child.
///
/// A child abandons the inherited value, neither using nor dropping it: its locks may be held by threads that the child
/// does not have, its sockets belong to the parent.
pub(crate) struct PerProcess<T: 'static> {
    current: AtomicPtr<Stamped<T>>,
    make: fn() -> T,
}

struct Stamped<T> {
    generation: u64,
    value: T,
}

impl<T> PerProcess<T> {
    pub const fn new(make: fn() -> T) -> Self {
        Self {
            current: AtomicPtr::new(ptr::null_mut()),
            make,
        }
    }

    pub fn get(&self) -> &'static T {
        let generation = generation();
        let found = self.current.load(Ordering::Acquire);
        // SAFETY: a pointer in `current` came from `Box::into_raw` below and is never freed.
        if let Some(stamped) = unsafe { found.as_ref() }
            && stamped.generation == generation
        {
            return &stamped.value;
        }
        let made = Box::into_raw(Box::new(Stamped {
            generation,
            value: (self.make)(),
        }));
        match self
            .current
            .compare_exchange(found, made, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: as above.
            Ok(_) => unsafe { &(*made).value },
            Err(theirs) => {
                // SAFETY: `made` was never shown to anyone; `theirs` is as above.
                unsafe {
                    drop(Box::from_raw(made));
                    &(*theirs).value
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_process_is_made_once() {
        static VALUE: PerProcess<u64> = PerProcess::new(generation);
        assert!(std::ptr::eq(VALUE.get(), VALUE.get()));
    }
}

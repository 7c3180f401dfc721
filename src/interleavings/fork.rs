//! A value for each process, and one that is read while it may be written.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use super::explorer::{Bounds, explore, fork, leave};
use crate::platform::fork::{HoldOverFork, OnlyThread, Place, generation, hold_over_fork};
use crate::platform::per_process::PerProcess;
use crate::platform::read_mostly::{ReadMostly, Slot};
use crate::platform::sync::SLOTS;

/// A value, how many there are, and the process that it was made in.
struct Made(u64);

static MADE: AtomicUsize = AtomicUsize::new(0);

impl Made {
    fn new() -> Self {
        MADE.fetch_add(1, Ordering::Relaxed);
        thread::yield_now();
        Self(generation())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        MADE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Threads that come at once all get the one value that stays; a child, made at any moment, gets its own, its threads
/// too.
#[test]
fn a_process_has_one_value_and_its_child_another() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        MADE.store(0, Ordering::Relaxed);
        let value: &'static PerProcess<Made> = Box::leak(Box::new(PerProcess::new(Made::new)));
        let parent = generation();
        let others = [(); 2].map(|()| thread::spawn(move || std::ptr::from_ref(value.get()).addr()));
        let ours = std::ptr::from_ref(value.get()).addr();
        for other in others {
            assert_eq!(other.join().unwrap(), ours);
        }
        assert_eq!((value.get().0, MADE.load(Ordering::Relaxed)), (parent, 1));
    });
    explore(bounds, || {
        let value: &'static PerProcess<Made> = Box::leak(Box::new(PerProcess::new(Made::new)));
        let parent = generation();
        thread::spawn(move || value.get().0);
        thread::spawn(move || value.get().0);
        fork();
        assert_eq!(value.get().0, parent + 1);
        assert!(std::ptr::eq(value.get(), value.get()));
        fork();
        assert_eq!(value.get().0, parent + 2);
        leave();
    });
}

/// Two numbers that are the same whenever nobody writes. Atomic, so that the compiler looks each time it is told to.
type Twins = ReadMostly<[AtomicUsize; 2], ()>;

fn twins() -> &'static Twins {
    let born = [const { AtomicUsize::new(0) }; 2];
    Box::leak(Box::new(ReadMostly::new(born, [const { Slot::new(()) }; SLOTS])))
}

/// Twins that are held over a fork.
struct HeldTwins(&'static Twins);

impl HoldOverFork for HeldTwins {
    fn hold(&'static self) -> Box<dyn Any> {
        self.0.hold()
    }

    fn abandon(&self, alone: &OnlyThread) {
        self.0.abandon([const { AtomicUsize::new(0) }; 2], alone);
    }
}

fn bear(twins: &Twins) {
    twins.write(|[one, other]| {
        *one.get_mut() += 1;
        thread::yield_now();
        *other.get_mut() += 1;
    });
}

fn look(twins: &Twins) -> usize {
    twins.read(|[one, other], ()| {
        let seen = one.load(Ordering::Relaxed);
        thread::yield_now();
        let now = [one, other].map(|twin| twin.load(Ordering::Relaxed));
        assert_eq!([seen; 2], now, "torn");
        seen
    })
}

/// Readers, in a slot of their own or in one slot, see all of a write or nothing; writers see each other's.
#[test]
fn a_reader_sees_a_whole_value() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 0,
    };
    explore(bounds, || {
        let twins = twins();
        let readers = [(); 2].map(|()| thread::spawn(move || look(twins)));
        let writer = thread::spawn(move || bear(twins));
        bear(twins);
        for reader in readers {
            assert!(reader.join().unwrap() <= 2);
        }
        writer.join().unwrap();
        assert_eq!(look(twins), 2);
    });
}

/// A child finds it whole and unlocked.
#[test]
fn a_child_finds_a_whole_value_that_it_can_write() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        let twins = twins();
        let lock: &'static dyn HoldOverFork = Box::leak(Box::new(HeldTwins(twins)));
        hold_over_fork(Place::Broker, Box::leak(Box::new(lock)));
        thread::spawn(move || look(twins));
        thread::spawn(move || bear(twins));
        fork();
        let found = look(twins);
        bear(twins);
        assert_eq!(look(twins), found + 1);
        leave();
    });
}

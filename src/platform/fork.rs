//! fork(): a number for each generation of processes, and the locks that are held while one forks.
//!
//! The one room beside `ffi` that needs `unsafe`: signal masks and the fork hook exist only in C.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::platform::sync::{AtomicPtr, Section};

/// How many forks lie between the process that loaded the library and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// A number that differs between a process and its forked child.
pub(crate) fn generation() -> u64 {
    watch_forks();
    GENERATION.load(Ordering::Relaxed)
}

/// Has the hooks below called at each fork.
///
/// No `Once`: a child that is made while another thread is in it would wait for that thread without end. Registering
/// twice, when two threads come at the same time, does no harm.
fn watch_forks() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if !WATCHING.load(Ordering::Acquire) {
        #[cfg(unix)]
        super::os::call_at_forks(before_fork, after_fork, in_child);
        WATCHING.store(true, Ordering::Release);
    }
}

/// The locks that are held during a fork, so that the child finds the data whole and unlocked: one for each [`Place`].
static HELD_OVER_FORK: [AtomicPtr<&'static dyn HoldOverFork>; Place::COUNT] =
    [const { AtomicPtr::new(ptr::null_mut()) }; Place::COUNT];

/// Whose lock it is that is held over a fork. They are locked in this order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Mocks,
    Callbacks,
    StartedCalls,
    Building,
    Broker,
    Roots,
    Log,
}

impl Place {
    const COUNT: usize = Self::Log as usize + 1;
}

/// Something that is locked while a fork happens.
pub(crate) trait HoldOverFork: Sync {
    /// Locks it; dropping the result unlocks it.
    fn hold(&'static self) -> Box<dyn Any>;

    /// Unlocks it in a child that was forked while it was not held, and empties it where another thread may have left it half
    /// changed.
    fn abandon(&self, alone: &OnlyThread);
}

/// Shows that this process is a child that has only the thread that forked it. If that was in a signal handler, the
/// interrupted code continues when the handler returns, and may hold locks and borrow the values that they guard.
pub(crate) struct OnlyThread(());

#[cfg(test)]
impl OnlyThread {
    pub fn for_test() -> Self {
        Self(())
    }
}

/// Has `lock` held at each fork from now on. There is one such lock for each place in a process.
pub(crate) fn hold_over_fork(place: Place, lock: &'static &'static dyn HoldOverFork) {
    let lock = ptr::from_ref(lock).cast_mut();
    let held = &HELD_OVER_FORK[place as usize];
    // Every hit runs this. It writes only the first time, so that threads do not contend for the cache line.
    if held.load(Ordering::Acquire) != lock {
        held.store(lock, Ordering::Release);
    }
    watch_forks();
}

/// Holds something that is not there for good, and keeps it meanwhile.
pub(crate) fn hold_shared(shared: Arc<dyn HoldOverFork + Send>) -> Box<dyn Any> {
    // SAFETY: it lives as long as `shared`, which is dropped after what `hold` gave: fields go in their order.
    let lock: &'static dyn HoldOverFork = unsafe { &*Arc::as_ptr(&shared) };
    Box::new((lock.hold(), shared))
}

thread_local! {
    /// The locks that this thread holds while it forks.
    static HELD: RefCell<Held> = const { RefCell::new(Held::nothing()) };
}

struct Held {
    /// The places of the locks, as bits.
    places: u32,
    guards: Vec<Box<dyn Any>>,
}

impl Held {
    const fn nothing() -> Self {
        Self {
            places: 0,
            guards: Vec::new(),
        }
    }

    fn hold(&mut self) {
        for (place, lock) in registered() {
            self.guards.push(lock.hold());
            self.places |= place;
        }
    }
}

/// The locks that are held over a fork, each with its place as a bit.
fn registered() -> impl Iterator<Item = (u32, &'static dyn HoldOverFork)> {
    let locks = HELD_OVER_FORK.iter().enumerate();
    locks.filter_map(|(place, lock)| {
        // SAFETY: a pointer in it came from a `&'static`.
        let lock = unsafe { lock.load(Ordering::Acquire).as_ref() }?;
        Some((1 << place, *lock))
    })
}

pub(crate) extern "C" fn before_fork() {
    if Section::is_interrupted() {
        // A signal handler forks. This thread may hold one of the locks, and would wait for itself.
        return;
    }
    let _section = Section::enter();
    // A thread that is being taken down has no thread-locals left; it forks without the locks.
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        if held.guards.is_empty() {
            held.hold();
        }
    });
}

extern "C" fn after_fork() {
    if Section::is_interrupted() {
        return;
    }
    let held = HELD.try_with(|held| std::mem::replace(&mut *held.borrow_mut(), Held::nothing()));
    drop(held);
}

pub(crate) extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    let held = match Section::is_interrupted() {
        true => 0,
        false => HELD.try_with(|held| held.borrow().places).unwrap_or(0),
    };
    // Another thread may have registered a lock, and locked it, since the others were.
    let not_held = registered().filter(|(place, _)| held & place == 0);
    not_held.for_each(|(_, lock)| lock.abandon(&OnlyThread(())));
    after_fork();
}

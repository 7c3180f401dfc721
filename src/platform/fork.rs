//! What belongs to the process and not to us: its signals, and that it may `fork()`.
//!
//! The one room beside `ffi` that needs `unsafe`: signal masks and the fork hook exist only in C.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence};
use std::time::Duration;

use crate::platform::sync::{AtomicPtr, thread_local};

/// How many forks lie between the process that loaded the library and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// A number that differs between a process and its forked child.
pub(crate) fn generation() -> u64 {
    watch_forks();
    GENERATION.load(Ordering::Relaxed)
}

/// Has the hooks below called at each fork.
///
/// No `Once`: a child that is made while another thread is in it would wait for that thread for ever. Registering
/// twice, when two threads come at the same time, does no harm.
fn watch_forks() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    if !WATCHING.load(Ordering::Acquire) {
        #[cfg(unix)]
        super::os::call_at_forks(before_fork, after_fork, in_child);
        WATCHING.store(true, Ordering::Release);
    }
}

/// What is locked while a fork happens, so that the child finds it whole and unlocked: one lock for each [`Place`].
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
}

/// Has `lock` held at each fork from now on. There is one such lock for each place in a process.
pub(crate) fn hold_over_fork(place: Place, lock: &'static &'static dyn HoldOverFork) {
    let lock = ptr::from_ref(lock).cast_mut();
    let held = &HELD_OVER_FORK[place as usize];
    // Every hit comes by: what is written once only, threads read without waiting for one another.
    if held.load(Ordering::Acquire) != lock {
        held.store(lock, Ordering::Release);
    }
    watch_forks();
}

/// Holds something that is not there for good, and keeps it meanwhile.
pub(crate) fn hold_shared<T: HoldOverFork + Send + 'static>(shared: Arc<T>) -> Box<dyn Any> {
    // SAFETY: it lives as long as `shared`, which is dropped after what `hold` gave: fields go in their order.
    let lock: &'static T = unsafe { &*Arc::as_ptr(&shared) };
    Box::new((lock.hold(), shared))
}

/// How long a fork waits for a lock that its own thread may hold.
const PATIENCE: Duration = Duration::from_millis(500);

/// Which of the locks that are held over forks this thread is taking or holds. The library forks nowhere inside such a
/// section, so a thread that forks inside one does it in a signal handler, and must not wait for its own lock.
pub(crate) struct Section {
    /// The mutexes at these places, as bits.
    mutexes: Cell<u32>,
    /// The address of a `ReadMostly`, zero for none; the first of its slots that is locked, and how many are locked by now.
    read_mostly: Cell<usize>,
    first: Cell<usize>,
    locked: Cell<usize>,
}

thread_local! {
    static SECTION: Section = const {
        Section {
            mutexes: Cell::new(0),
            read_mostly: Cell::new(0),
            first: Cell::new(0),
            locked: Cell::new(0),
        }
    };
    /// What this thread, which forks, holds meanwhile.
    static HOLDING: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

impl Section {
    fn is_empty(&self) -> bool {
        self.mutexes.get() == 0 && self.read_mostly.get() == 0
    }
}

/// This thread takes the mutex at `place`, from before it waits for it until after it has unlocked it.
pub(crate) struct MutexSection(Place);

impl MutexSection {
    pub fn enter(place: Place) -> Self {
        SECTION.with(|section| section.mutexes.set(section.mutexes.get() | 1 << place as u32));
        compiler_fence(Ordering::SeqCst);
        Self(place)
    }
}

impl Drop for MutexSection {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        SECTION.with(|section| section.mutexes.set(section.mutexes.get() & !(1 << self.0 as u32)));
    }
}

/// This thread locks slots of a `ReadMostly`.
pub(crate) struct SlotsSection;

impl SlotsSection {
    #[inline]
    pub fn enter(read_mostly: usize, first: usize) -> Self {
        SECTION.with(|section| {
            section.first.set(first);
            section.locked.set(0);
            section.read_mostly.set(read_mostly);
        });
        compiler_fence(Ordering::SeqCst);
        Self
    }

    /// So many are locked now.
    #[inline]
    pub fn locked(&self, count: usize) {
        compiler_fence(Ordering::SeqCst);
        SECTION.with(|section| section.locked.set(count));
    }
}

impl Drop for SlotsSection {
    #[inline]
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        SECTION.with(|section| section.read_mostly.set(0));
    }
}

/// Whether the thread that forks was interrupted inside a section.
pub(crate) fn is_interrupted() -> bool {
    SECTION.with(|section| !section.is_empty())
}

/// The first slot of this `ReadMostly` that the thread that forks was about to lock, and how many it has locked, if it was
/// interrupted there.
pub(crate) fn interrupted_slots(read_mostly: usize) -> Option<(usize, usize)> {
    SECTION.with(|section| {
        let is_it = section.read_mostly.get() == read_mostly;
        is_it.then(|| (section.first.get(), section.locked.get()))
    })
}

/// Calls `try_lock` until it gives a lock, for a bounded time.
pub(crate) fn lock_within_patience<G>(mut try_lock: impl FnMut() -> Option<G>) -> Option<G> {
    const PAUSE: Duration = Duration::from_millis(1);
    let pauses = PATIENCE.as_millis() / PAUSE.as_millis();
    (0..pauses).find_map(|at| {
        if at > 0 {
            std::thread::sleep(PAUSE);
        }
        try_lock()
    })
}

pub(crate) extern "C" fn before_fork() {
    // A thread that is being taken down has no thread-locals left; it forks without the locks.
    let _ = HOLDING.try_with(|holding| {
        // A signal handler that interrupts a fork may fork, too.
        let Ok(mut holding) = holding.try_borrow_mut() else {
            return;
        };
        if !holding.is_empty() {
            return;
        }
        for held in &HELD_OVER_FORK {
            // SAFETY: a pointer in it came from a `&'static`.
            if let Some(lock) = unsafe { held.load(Ordering::Acquire).as_ref() } {
                holding.push(lock.hold());
            }
        }
    });
}

extern "C" fn after_fork() {
    let held = HOLDING.try_with(|holding| match holding.try_borrow_mut() {
        Ok(mut holding) => std::mem::take(&mut *holding),
        Err(_forking) => Vec::new(),
    });
    drop(held);
}

pub(crate) extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    after_fork();
}

//! What belongs to the process and not to us: its signals, and that it may `fork()`.
//!
//! The one room beside `ffi` that needs `unsafe`: signal masks and the fork hook exist only in C.

#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{RefCell, UnsafeCell};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::sync::{AtomicPtr, Mutex, MutexGuard, PoisonError, SLOTS, own_slot};

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
        // SAFETY: the hooks are functions of this library, which is never unloaded (`-z nodelete`).
        unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(in_child)) };
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

thread_local! {
    /// What this thread, which forks, holds meanwhile.
    static HOLDING: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) extern "C" fn before_fork() {
    // A thread that is being taken down has no thread-locals left; it forks without the locks.
    let _ = HOLDING.try_with(|holding| {
        let mut holding = holding.borrow_mut();
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
    let held = HOLDING.try_with(|holding| std::mem::take(&mut *holding.borrow_mut()));
    drop(held);
}

pub(crate) extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    after_fork();
}

/// A value of its own for each process: made at first use, and made anew in a forked child.
///
/// What a child inherits is abandoned, neither used nor dropped: its locks may be held by threads that the child
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

/// While it lives, this thread gets no SIGPIPE: writing to a connection that the server has closed fails with
/// an error and leaves the host alive. The signal's disposition, which is the host's, stays as it is.
pub(crate) struct NoSigpipe {
    /// SIGPIPE was neither blocked nor pending before: what is pending at the end is ours.
    ours: bool,
}

impl NoSigpipe {
    pub fn new() -> Self {
        let sigpipe = set_of(libc::SIGPIPE);
        let was_blocked =
            change_mask(libc::SIG_BLOCK, &sigpipe).is_none_or(|before| holds(&before, libc::SIGPIPE));
        Self { ours: !was_blocked }
    }
}

impl Drop for NoSigpipe {
    fn drop(&mut self) {
        if !self.ours {
            return;
        }
        let sigpipe = set_of(libc::SIGPIPE);
        if is_pending(libc::SIGPIPE) {
            let now = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // SAFETY: the set is initialised; a null `info` is allowed.
            unsafe { libc::sigtimedwait(&sigpipe, ptr::null_mut(), &now) };
        }
        change_mask(libc::SIG_UNBLOCK, &sigpipe);
    }
}

/// Calls `start` with all signals blocked: a thread that it starts inherits the mask, so that the host's signal
/// handlers never run on our threads.
pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    struct Restore(Option<libc::sigset_t>);
    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                change_mask(libc::SIG_SETMASK, before);
            }
        }
    }
    let mut all = MaybeUninit::uninit();
    // SAFETY: `sigfillset` initialises the set.
    let all = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        all.assume_init()
    };
    let _restore = Restore(change_mask(libc::SIG_BLOCK, &all));
    start()
}

fn set_of(signal: libc::c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        set.assume_init()
    }
}

/// Changes this thread's signal mask and gives what it was.
fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> Option<libc::sigset_t> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are valid; on success `before` is initialised.
    unsafe { (libc::pthread_sigmask(how, set, before.as_mut_ptr()) == 0).then(|| before.assume_init()) }
}

fn is_pending(signal: libc::c_int) -> bool {
    let mut pending = set_of(signal);
    // SAFETY: the set is valid and is overwritten.
    unsafe { libc::sigpending(&mut pending) == 0 && holds(&pending, signal) }
}

fn holds(set: &libc::sigset_t, signal: libc::c_int) -> bool {
    // SAFETY: the set is initialised.
    unsafe { libc::sigismember(set, signal) == 1 }
}

/// The value of an environment variable, without a copy; empty when it is not set.
///
/// To be used at once: as with every `getenv`, it stands until the host changes its environment.
pub(crate) fn variable(name: &'static CStr) -> &'static [u8] {
    // SAFETY: the name ends in a NUL; a value that was set is a string that ends in one.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() {
            &[]
        } else {
            CStr::from_ptr(value).to_bytes()
        }
    }
}

/// Writes a line, as far as there is a standard error that takes it. Without std's lock on it, which another thread may
/// hold while the process forks.
pub(crate) fn write_to_standard_error(line: &str) {
    let _guard = NoSigpipe::new();
    let mut left = line.as_bytes();
    while !left.is_empty() {
        // SAFETY: the buffer is as long as is said.
        let written = unsafe { libc::write(libc::STDERR_FILENO, left.as_ptr().cast(), left.len()) };
        match usize::try_from(written) {
            Ok(0) => return,
            Ok(written) => left = &left[written..],
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Unix time in milliseconds, as of the kernel's last tick.
pub(crate) fn wall_clock_ms() -> i64 {
    coarse_clock_ms(libc::CLOCK_REALTIME_COARSE)
}

/// Milliseconds since some moment before the process began, as of the kernel's last tick.
pub(crate) fn monotonic_clock_ms() -> i64 {
    coarse_clock_ms(libc::CLOCK_MONOTONIC_COARSE)
}

fn coarse_clock_ms(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for the write.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_broken_pipe_is_an_error_and_leaves_the_mask_and_no_signal_behind() {
        let before = change_mask(libc::SIG_BLOCK, &set_of(libc::SIGUSR1)).unwrap();
        change_mask(libc::SIG_SETMASK, &before);
        {
            let _guard = NoSigpipe::new();
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            drop(theirs);
            assert!(ours.write_all(b"x").is_err());
        }
        assert!(!is_pending(libc::SIGPIPE));
        let after = change_mask(libc::SIG_BLOCK, &set_of(libc::SIGUSR1)).unwrap();
        change_mask(libc::SIG_SETMASK, &before);
        assert_eq!(holds(&before, libc::SIGPIPE), holds(&after, libc::SIGPIPE));
    }

    #[test]
    fn a_thread_started_without_signals_has_them_blocked_and_its_parent_has_not() {
        let blocked = || {
            let now = change_mask(libc::SIG_BLOCK, &set_of(libc::SIGPIPE)).unwrap();
            holds(&now, libc::SIGINT)
        };
        let thread = without_signals(|| std::thread::spawn(blocked));
        assert!(thread.join().unwrap());
        assert!(!blocked());
    }

    #[test]
    fn a_value_of_the_process_is_made_once() {
        static VALUE: PerProcess<u64> = PerProcess::new(generation);
        assert!(std::ptr::eq(VALUE.get(), VALUE.get()));
    }
}

//! Panics at the boundary: caught, and without a word on the host's standard error.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

thread_local! {
    /// This thread is inside [`catch`]. It has no destructor, so it can be read while the thread ends.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The library's threads are called so, or begin with it.
const OWN_THREADS: &str = "connectcreds";

/// Runs `body`; `None` when it panics. The panic's message goes nowhere: standard error is the
/// host's.
pub(super) fn catch<T>(body: impl FnOnce() -> T) -> Option<T> {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    install_hook();
    let _restore = Restore(INSIDE.replace(true));
    catch_unwind(AssertUnwindSafe(body)).ok()
}

/// Replaces the panic hook by one that is silent about the library's own panics. The hook is that of
/// the copy of std that this library is linked with; in a Rust program that calls the C functions it
/// is the program's, which keeps its own.
#[inline]
fn install_hook() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.load(Ordering::Relaxed) {
        install_hook_once(&INSTALLED);
    }
}

#[cold]
fn install_hook_once(installed: &AtomicBool) {
    if installed.swap(true, Ordering::Relaxed) {
        return;
    }
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        if !is_ours() {
            previous(panic);
        }
    }));
}

/// Whether a panic on this thread is the library's to report.
fn is_ours() -> bool {
    let on_own_thread = || {
        let thread = thread::current();
        thread.name().is_some_and(|name| name.starts_with(OWN_THREADS))
    };
    INSIDE.get() || on_own_thread()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_panic_inside_is_caught_in_silence_and_one_outside_goes_to_the_previous_hook() {
        static HEARD: AtomicUsize = AtomicUsize::new(0);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            match panic.payload().downcast_ref::<&str>() {
                Some(&"outside") => drop(HEARD.fetch_add(1, Ordering::Relaxed)),
                Some(&("inside" | "on our thread")) => drop(HEARD.fetch_add(100, Ordering::Relaxed)),
                _ => before(panic),
            }
        }));
        install_hook_once(&AtomicBool::new(false));
        assert!(catch(|| panic!("inside")).is_none());
        assert_eq!(catch(|| catch(|| panic!("inside")).is_none()), Some(true));
        assert!(catch_unwind(|| panic!("outside")).is_err());
        let own = thread::Builder::new().name("connectcreds-driver".to_owned());
        assert!(own.spawn(|| panic!("on our thread")).unwrap().join().is_err());
        assert_eq!(HEARD.load(Ordering::Relaxed), 1);
    }
}

//! Signal masks: no SIGPIPE reaches the host because of a broken connection, and the library's threads run no signal
//! handler of the host.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;

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
}

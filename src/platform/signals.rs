//! Signal masks: no SIGPIPE reaches the host because of a broken connection, and the library's threads run no signal
//! handler of the host.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::os::discard_pending_signal;

/// Signals that a fault of a thread's own sends to it. Blocked, they end the process without the handler that a host may
/// have set to report a crash.
const SYNCHRONOUS: [libc::c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// Blocks SIGPIPE on this thread until it is dropped: writing to a connection that the server has closed is an error and
/// does not end the process. The signal's disposition, which is the host's, is left alone.
pub(crate) struct NoSigpipe {
    /// SIGPIPE was not blocked before, so that one that is pending at the end comes from this library.
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
            discard_pending_signal(&sigpipe);
        }
        change_mask(libc::SIG_UNBLOCK, &sigpipe);
    }
}

/// Calls `start` with the host's signals blocked. A thread that it starts inherits the mask, so that it runs the host's
/// handlers only for faults of its own ([`SYNCHRONOUS`]).
pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    struct Restore(Option<libc::sigset_t>);
    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                change_mask(libc::SIG_SETMASK, before);
            }
        }
    }
    let mut blocked = MaybeUninit::uninit();
    // SAFETY: `sigfillset` initialises the set.
    let blocked = unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in SYNCHRONOUS {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        blocked.assume_init()
    };
    // Set and not added: the host may block its thread's faults, too.
    let _restore = Restore(change_mask(libc::SIG_SETMASK, &blocked));
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

/// Changes this thread's signal mask and returns the one before.
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
    fn a_thread_started_without_signals_blocks_all_but_its_own_faults_and_its_parent_none() {
        let blocked = || {
            let now = change_mask(libc::SIG_BLOCK, &set_of(libc::SIGPIPE)).unwrap();
            (1..32).filter(|signal| holds(&now, *signal)).collect::<Vec<_>>()
        };
        let inherited = blocked();
        let thread = without_signals(|| std::thread::spawn(blocked));
        let never = [libc::SIGKILL, libc::SIGSTOP];
        let expected = (1..32).filter(|signal| !never.contains(signal) && !SYNCHRONOUS.contains(signal));
        assert_eq!(thread.join().unwrap(), expected.collect::<Vec<_>>());
        assert!(!inherited.contains(&libc::SIGINT));
        assert!(!blocked().contains(&libc::SIGINT));
    }
}

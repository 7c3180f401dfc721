//! macOS: its clocks, and a pending signal taken back without `sigtimedwait`, which it lacks.

/// Returns Unix time in milliseconds.
pub(crate) fn wall_clock_ms() -> i64 {
    clock_ms(libc::CLOCK_REALTIME)
}

/// Returns the milliseconds since some moment before the process began.
pub(crate) fn monotonic_clock_ms() -> i64 {
    clock_ms(libc::CLOCK_MONOTONIC)
}

fn clock_ms(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for the write.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// Takes back a signal of `set`, so that it is not delivered. One is pending, as the caller has seen, and all threads that
/// could take it before this one have it blocked, or it would not be pending.
pub(crate) fn discard_pending_signal(set: &libc::sigset_t) {
    let mut taken = 0;
    // SAFETY: the set is initialised, and `taken` is valid for the write.
    unsafe { libc::sigwait(set, &mut taken) };
}

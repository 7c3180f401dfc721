//! Calls to the system that std lacks: borrowed environment variables, coarse clocks, an unlocked standard error.

#![allow(unsafe_code)]

use std::ffi::CStr;

use super::signals::NoSigpipe;

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

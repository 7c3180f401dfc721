//! Linux: clocks that are cheap to read, a pending signal taken back, and where distributions keep certificates.

use std::ptr;

/// The CA bundles of distributions. The first one that exists is the system's.
pub(crate) const CERTIFICATE_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL 7 and later
    "/etc/pki/tls/certs/ca-bundle.crt",   // RHEL 6
    "/etc/ssl/ca-bundle.pem",             // SUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/ssl/cert.pem",                  // Alpine
];

/// The certificate directories of distributions. Those that exist are read beside the bundle.
pub(crate) const CERTIFICATE_DIRECTORIES: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Returns Unix time in milliseconds, as of the kernel's last tick.
pub(crate) fn wall_clock_ms() -> i64 {
    coarse_clock_ms(libc::CLOCK_REALTIME_COARSE)
}

/// Returns the milliseconds since some moment before the process began, as of the kernel's last tick.
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

/// Takes back a signal of `set` that is pending for this thread, so that it is not delivered. Does not wait for one.
pub(crate) fn discard_pending_signal(set: &libc::sigset_t) {
    let now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the set is initialised; a null `info` is allowed.
    unsafe { libc::sigtimedwait(set, ptr::null_mut(), &now) };
}

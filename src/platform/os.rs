//! The functions that each operating system does in its own way. A system is one file with these functions; what POSIX
//! systems share is in `unix`. What a system lacks has no function there, and its callers are compiled without it.

#![allow(unsafe_code)]

#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(any(windows, target_vendor = "apple"))]
mod certificate_store;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod linux_epoll;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_vendor = "apple")]
pub(crate) use apple::{discard_pending_signal, monotonic_clock_ms, wall_clock_ms};
#[cfg(any(windows, target_vendor = "apple"))]
pub(crate) use certificate_store::certificates;
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    CERTIFICATE_DIRECTORIES, CERTIFICATE_FILES, discard_pending_signal, monotonic_clock_ms, wall_clock_ms,
};
#[cfg(target_os = "linux")]
pub(crate) use linux_epoll::Marker;
#[cfg(unix)]
pub(crate) use unix::{
    call_at_forks, file_kind, file_version, is_exhaustion, is_transient, open_without_blocking, path, paths,
    variable, write_to_standard_error,
};
#[cfg(windows)]
pub(crate) use windows::{
    event, file_kind, file_version, is_exhaustion, is_transient, monotonic_clock_ms, open_without_blocking,
    path, paths, signals, variable, wall_clock_ms, write_to_standard_error,
};

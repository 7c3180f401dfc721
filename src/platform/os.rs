//! The functions that each operating system does in its own way. A system is one file with these functions; what POSIX
//! systems share is in `unix`.

#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub(crate) use linux::{
    CERTIFICATE_DIRECTORIES, CERTIFICATE_FILES, discard_pending_signal, monotonic_clock_ms, wall_clock_ms,
};
#[cfg(unix)]
pub(crate) use unix::{
    file_kind, file_version, is_exhaustion, is_transient, open_without_blocking, path, paths, variable,
    write_to_standard_error,
};

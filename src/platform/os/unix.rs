//! POSIX: borrowed environment variables, an unlocked standard error, files that are opened without blocking.

use std::ffi::{CStr, OsStr};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::platform::files::FileVersion;
use crate::platform::signals::NoSigpipe;

/// Returns the value of an environment variable, without a copy; empty when it is not set.
///
/// Use it at once: as with every `getenv`, it is valid until the host changes its environment. Only calls of the host
/// read variables, on the thread that makes the call.
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

/// Returns the path that a variable holds.
pub(crate) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Returns the paths of a list in a variable; empty ones are skipped.
pub(crate) fn paths(bytes: &[u8]) -> impl Iterator<Item = &Path> {
    bytes
        .split(|byte| *byte == b':')
        .filter(|path| !path.is_empty())
        .map(path)
}

/// Has these called at each fork: before it, and after it in the parent and in the child.
pub(crate) fn call_at_forks(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    // SAFETY: the hooks are functions of this library, which is never unloaded (`-z nodelete`).
    unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
}

/// Opens a file for reading without waiting, such as for the writer of a FIFO, and without making a terminal the
/// controlling one. It is closed on exec.
pub(crate) fn open_without_blocking(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
        .open(path)
}

/// Returns what a file is in place of a regular one, for a message.
pub(crate) fn file_kind(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

/// Returns what changes when a file is replaced or written to.
pub(crate) fn file_version(metadata: &Metadata) -> FileVersion {
    FileVersion {
        identity: (metadata.dev(), metadata.ino()),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// Whether descriptors or memory ran out.
pub(crate) fn is_exhaustion(why: &io::Error) -> bool {
    let number = why.raw_os_error();
    why.kind() == io::ErrorKind::OutOfMemory
        || matches!(
            number,
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS | libc::EAGAIN | libc::EINTR)
        )
}

/// Whether the same call may succeed later: something ran out, or a device or a network file system failed.
pub(crate) fn is_transient(why: &io::Error) -> bool {
    let number = why.raw_os_error();
    is_exhaustion(why)
        || matches!(
            number,
            Some(libc::EBUSY | libc::EIO | libc::ESTALE | libc::ETIMEDOUT)
        )
}

/// Writes a line to standard error, as far as there is one that takes it. std's lock on it may be held by another thread
/// while the process forks, and is not used.
pub(crate) fn write_to_standard_error(line: &str) {
    let _guard = NoSigpipe::new();
    let mut left = line.as_bytes();
    while !left.is_empty() {
        // SAFETY: the buffer is as long as is said.
        let written = unsafe { libc::write(libc::STDERR_FILENO, left.as_ptr().cast(), left.len()) };
        match usize::try_from(written) {
            Ok(0) => return,
            Ok(written) => left = &left[written..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

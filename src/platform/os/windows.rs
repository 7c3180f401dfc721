//! Windows: it has neither `fork()` nor signals of a thread nor descriptors for `poll()`, and what depends on them is
//! absent.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::{File, FileType, Metadata};
use std::io::{self, Write};
use std::os::windows::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::platform::files::FileVersion;

/// Returns Unix time in milliseconds.
pub(crate) fn wall_clock_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// Returns the milliseconds since some moment before the process began.
pub(crate) fn monotonic_clock_ms() -> i64 {
    static FIRST: OnceLock<(Instant, i64)> = OnceLock::new();
    // Any number that lies far enough from zero.
    let (first, number) = FIRST.get_or_init(|| (Instant::now(), 1 << 32));
    number.saturating_add(i64::try_from(first.elapsed().as_millis()).unwrap_or(i64::MAX))
}

/// Returns the value of an environment variable; empty when it is not set.
///
/// The C libraries of a process each have a copy of the environment, so that the process's own is read. It has no
/// address: each value that was seen is kept, and a value that changes costs its length in memory.
pub(crate) fn variable(name: &'static CStr) -> &'static [u8] {
    static SEEN: Mutex<BTreeMap<&'static CStr, &'static [u8]>> = Mutex::new(BTreeMap::new());
    let value = name.to_str().ok().and_then(std::env::var_os).unwrap_or_default();
    let value = value.as_encoded_bytes();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = seen.entry(name).or_default();
    if *kept != value {
        *kept = value.to_vec().leak();
    }
    kept
}

/// Returns the path that a variable holds; an empty one if it is not Unicode.
pub(crate) fn path(bytes: &[u8]) -> &Path {
    Path::new(std::str::from_utf8(bytes).unwrap_or_default())
}

/// Returns the paths of a list in a variable; empty ones are skipped.
pub(crate) fn paths(bytes: &[u8]) -> impl Iterator<Item = &Path> {
    bytes
        .split(|byte| *byte == b';')
        .filter(|path| !path.is_empty())
        .map(path)
}

/// Opens a file for reading. What could block, a pipe, is refused before by its kind.
pub(crate) fn open_without_blocking(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Returns what a file is in place of a regular one, for a message.
pub(crate) fn file_kind(kind: FileType) -> &'static str {
    if kind.is_dir() { "a directory" } else { "a device" }
}

/// Returns what changes when a file is replaced or written to. The number of a file is not stable in Rust's standard
/// library yet; the moment at which a file was created, in steps of 100 ns, stands for it.
pub(crate) fn file_version(metadata: &Metadata) -> FileVersion {
    let written = unix_time(metadata.last_write_time());
    FileVersion {
        identity: (
            metadata.creation_time(),
            metadata.last_write_time() ^ metadata.file_size(),
        ),
        size: metadata.file_size(),
        modified: written,
        changed: written,
    }
}

/// Returns seconds and nanoseconds of Unix time, of a time in steps of 100 ns since 1601.
fn unix_time(steps: u64) -> (i64, i64) {
    const PER_SECOND: i64 = 10_000_000;
    const SECONDS_TO_1970: i64 = 11_644_473_600;
    let steps = i64::try_from(steps).unwrap_or(i64::MAX);
    (steps / PER_SECOND - SECONDS_TO_1970, steps % PER_SECOND * 100)
}

/// Whether handles or memory ran out.
pub(crate) fn is_exhaustion(why: &io::Error) -> bool {
    const TOO_MANY_OPEN_FILES: i32 = 4;
    const NOT_ENOUGH_MEMORY: i32 = 8;
    const OUT_OF_MEMORY: i32 = 14;
    const NO_SYSTEM_RESOURCES: i32 = 1450;
    let numbers = [
        TOO_MANY_OPEN_FILES,
        NOT_ENOUGH_MEMORY,
        OUT_OF_MEMORY,
        NO_SYSTEM_RESOURCES,
    ];
    why.kind() == io::ErrorKind::OutOfMemory
        || why.raw_os_error().is_some_and(|number| numbers.contains(&number))
}

/// Whether the same call may succeed later: something ran out, another program has the file, or a share failed.
pub(crate) fn is_transient(why: &io::Error) -> bool {
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;
    const NETNAME_DELETED: i32 = 64;
    const SEM_TIMEOUT: i32 = 121;
    let numbers = [SHARING_VIOLATION, LOCK_VIOLATION, NETNAME_DELETED, SEM_TIMEOUT];
    is_exhaustion(why) || why.raw_os_error().is_some_and(|number| numbers.contains(&number))
}

/// Writes a line to standard error, as far as there is one that takes it.
pub(crate) fn write_to_standard_error(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Blocks no signal: Windows sends none to threads.
pub(crate) mod signals {
    /// Nothing to be guarded against: a broken connection is an error alone.
    pub(crate) struct NoSigpipe;

    impl NoSigpipe {
        pub fn new() -> Self {
            Self
        }
    }

    /// Calls `start`.
    pub(crate) fn without_signals<T>(start: impl FnOnce() -> T) -> T {
        start()
    }
}

/// Windows has no descriptor that both becomes readable and is a number of C's `int`. An event cannot be created there.
pub(crate) mod event {
    use std::io;

    #[derive(Debug)]
    pub(crate) enum Event {}

    impl Event {
        pub fn new() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub fn raw(&self) -> i32 {
            match *self {}
        }

        pub fn set(&self) {
            match *self {}
        }

        pub fn close(&self) {
            match *self {}
        }
    }
}

//! Files that are read whole: regular ones of a bounded size, opened so that opening does not block.

#![forbid(unsafe_code)]

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::os;

/// The metadata that shows whether a file changed since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileVersion {
    /// Device and inode.
    pub identity: (u64, u64),
    pub size: u64,
    /// Seconds and nanoseconds of Unix time, as are those below.
    pub modified: (i64, i64),
    /// When it was last written to, renamed, or given other permissions.
    pub changed: (i64, i64),
}

/// The contents of a file. They are wiped when dropped: some files hold a secret.
pub(crate) struct Contents {
    pub bytes: Zeroizing<Vec<u8>>,
    pub version: FileVersion,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    #[error("it is larger than {} MiB", .0 / MIB)]
    TooLarge(u64),
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(crate) const MIB: u64 = 1024 * 1024;

impl ReadError {
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(why) if why.kind() == io::ErrorKind::NotFound)
    }

    /// Whether reading it may succeed later with nothing changed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io(why) if os::is_transient(why))
    }

    /// Whether the process or the system has run out of descriptors or memory: no other file can be read either.
    pub fn is_exhaustion(&self) -> bool {
        matches!(self, Self::Io(why) if os::is_exhaustion(why))
    }
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Contents, ReadError> {
    // Before it is opened: opening a device can have effects, and opening a FIFO wakes its writer.
    require_regular(&fs::metadata(path)?)?;
    let file = os::open_without_blocking(path)?;
    let metadata = file.metadata()?;
    require_regular(&metadata)?;
    if metadata.len() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    // Files of /proc say that they are empty. What does not grow leaves no copy behind.
    let capacity = usize::try_from(metadata.len() + 1)
        .unwrap_or(usize::MAX)
        .max(4096);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(Contents {
        bytes,
        version: os::file_version(&metadata),
    })
}

fn require_regular(metadata: &Metadata) -> Result<(), ReadError> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(ReadError::NotRegular(os::file_kind(metadata.file_type()))),
    }
}

/// A path whose file or directory was read, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    path: PathBuf,
    /// Or the number of the error of looking at it.
    version: Result<FileVersion, Option<i32>>,
    /// It was written to so short a time before that another write could leave it with the same time.
    fresh: bool,
}

/// Above the tick of the clock that the kernel takes a file's time from, in milliseconds.
const FRESH_MS: i64 = 100;

impl Watched {
    pub fn new(path: &Path, version: Result<FileVersion, Option<i32>>) -> Self {
        let age_ms = |version: FileVersion| {
            let (seconds, nanoseconds) = version.modified;
            os::wall_clock_ms() - seconds * 1000 - nanoseconds / 1_000_000
        };
        Self {
            path: path.to_owned(),
            version,
            fresh: version.is_ok_and(|version| (0..FRESH_MS).contains(&age_ms(version))),
        }
    }

    /// Looks at `path` now.
    pub fn now(path: &Path) -> Self {
        Self::new(path, version(path))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at it again: whether it is certain that it has not changed.
    pub fn is_unchanged(&self) -> bool {
        !self.fresh && version(&self.path) == self.version
    }
}

/// Returns the version of the file or directory at `path`, or the error of looking at it, by its number.
pub(crate) fn version(path: &Path) -> Result<FileVersion, Option<i32>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(os::file_version(&metadata)),
        Err(why) => Err(why.raw_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_nothing_else_blocks() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let socket = directory.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for (path, expected) in [
            (fifo.as_path(), "a FIFO"),
            (socket.as_path(), "a socket"),
            (directory.path(), "a directory"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let why = read(path, MIB).err().unwrap();
            assert_eq!(why.to_string(), format!("it is {expected}, not a regular file"));
            assert!(!why.is_transient() && !why.is_missing());
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'a'; 1000]).unwrap();
        assert_eq!(read(file.path(), 1000).unwrap().bytes.len(), 1000);
        assert!(matches!(read(file.path(), 999), Err(ReadError::TooLarge(999))));
        // It says that its size is 0.
        assert!(
            !read(Path::new("/proc/self/status"), MIB)
                .unwrap()
                .bytes
                .is_empty()
        );
        assert!(matches!(
            read(Path::new("/proc/self/status"), 10),
            Err(ReadError::TooLarge(10))
        ));
    }

    #[test]
    fn transient_errors_are_distinguished_from_permanent_ones() {
        for (number, transient) in [
            (libc::EMFILE, true),
            (libc::ENFILE, true),
            (libc::ENOMEM, true),
            (libc::EAGAIN, true),
            (libc::EINTR, true),
            (libc::EIO, true),
            (libc::EACCES, false),
            (libc::ENOENT, false),
            (libc::ENOTDIR, false),
            (libc::ELOOP, false),
            (libc::ENAMETOOLONG, false),
        ] {
            let why = ReadError::from(io::Error::from_raw_os_error(number));
            assert_eq!(why.is_transient(), transient, "{why}");
            assert_eq!(why.is_exhaustion(), transient && number != libc::EIO, "{why}");
            assert_eq!(why.is_missing(), number == libc::ENOENT, "{why}");
        }
    }

    #[test]
    fn a_file_that_was_just_written_to_is_not_taken_for_unchanged() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one").unwrap();
        let watched = Watched::now(file.path());
        fs::write(file.path(), "two").unwrap();
        assert!(!watched.is_unchanged());
        file.as_file().set_modified(UNIX_EPOCH).unwrap();
        let watched = Watched::now(file.path());
        assert!(watched.is_unchanged());
        fs::write(file.path(), "six").unwrap();
        assert!(!watched.is_unchanged());
        assert!(Watched::now(Path::new("/nonexistent")).is_unchanged());
    }

    #[test]
    fn a_file_that_is_replaced_or_changed_has_another_version() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("a"), directory.path().join("b"));
        assert_eq!(version(&path), Err(Some(libc::ENOENT)));
        fs::write(&path, "one").unwrap();
        let first = version(&path);
        assert_eq!(read(&path, MIB).unwrap().version, first.unwrap());
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(version(&path), first);
        let second = version(&path);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"!")
            .unwrap();
        assert_ne!(version(&path), second);
    }
}

//! The copies of this library in the process. Each has a cache, settings and mocks of its own, so that two are one too
//! many: a token that is obtained through one is not found by the other.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use memchr::memmem;

/// Stands in the constants of every copy, whatever its file's name is, and also when it is linked statically.
static MARKER: &str = concat!("a copy of libconnectcreds ", env!("CARGO_PKG_VERSION"), ";");

/// How every version's [`MARKER`] begins.
const MARKER_START: &[u8] = b"a copy of libconnectcreds ";
const LONGEST_VERSION: usize = 32;

/// How much of the memory is looked at in one go.
const WINDOW: usize = 1024 * 1024;
/// The number of bytes of a mapping that are searched, so that a file with many constants costs little.
const LARGEST_MAPPING: usize = 512 * WINDOW;

/// A copy of this library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LibraryCopy {
    /// The file that it was loaded from: a shared library, or a program that is linked with the static one.
    pub path: String,
    pub version: String,
    /// It is the one that looks.
    pub is_this: bool,
}

/// Finds the copies in this process, in the order of their paths. Reads the constants of all its programs and libraries,
/// which takes some milliseconds.
pub(crate) fn library_copies() -> io::Result<Vec<LibraryCopy>> {
    let maps = fs::read("/proc/self/maps")?;
    let maps = String::from_utf8_lossy(&maps);
    let mappings: Vec<_> = maps.lines().filter_map(Mapping::parse).collect();
    let memory = File::open("/proc/self/mem")?;
    let programs: BTreeSet<_> = mappings
        .iter()
        .filter(|mapping| mapping.permissions.contains('x'))
        .map(|mapping| mapping.path)
        .collect();
    let mut versions = BTreeMap::new();
    let this = MARKER.as_ptr().addr();
    for mapping in &mappings {
        if mapping.addresses.contains(&this) {
            versions.insert(mapping.path, (env!("CARGO_PKG_VERSION").to_owned(), true));
        } else if programs.contains(mapping.path)
            && mapping.permissions.starts_with("r-")
            && let Some(version) = search(&memory, &mapping.addresses)
        {
            versions.entry(mapping.path).or_insert((version, false));
        }
    }
    let copies = versions.into_iter();
    Ok(copies
        .map(|(path, (version, is_this))| LibraryCopy {
            path: path.to_owned(),
            version,
            is_this,
        })
        .collect())
}

/// A part of a file in memory: a line of `/proc/self/maps`.
#[derive(Debug, PartialEq, Eq)]
struct Mapping<'a> {
    addresses: Range<usize>,
    permissions: &'a str,
    path: &'a str,
}

impl<'a> Mapping<'a> {
    /// Returns `None` for memory without a file, and for devices: reading those can have effects.
    fn parse(line: &'a str) -> Option<Self> {
        let path = &line[line.find('/')?..];
        if path.starts_with("/dev/") {
            return None;
        }
        let mut words = line.split(' ');
        let (start, end) = words.next()?.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(Self {
            addresses: address(start)?..address(end)?,
            permissions: words.next()?,
            path,
        })
    }
}

/// Returns the version in the first marker at these addresses.
fn search(memory: &File, addresses: &Range<usize>) -> Option<String> {
    let finder = memmem::Finder::new(MARKER_START);
    let end = addresses.end.min(addresses.start.saturating_add(LARGEST_MAPPING));
    let overlap = MARKER_START.len() + LONGEST_VERSION;
    let mut window = vec![0; WINDOW + overlap];
    for start in (addresses.start..end).step_by(WINDOW) {
        let length = window.len().min(end - start);
        // Memory that was unmapped in the meantime is an error here, and not a fault.
        let read = memory.read_at(&mut window[..length], start as u64).ok()?;
        let seen = &window[..read];
        let mut found = finder.find_iter(seen);
        if let Some(version) = found.find_map(|at| version(&seen[at + MARKER_START.len()..])) {
            return Some(version);
        }
    }
    None
}

/// Returns the version that `bytes` begin with; `None` for the constant that is searched for, which no version follows.
fn version(bytes: &[u8]) -> Option<String> {
    let length = bytes
        .iter()
        .take(LONGEST_VERSION)
        .position(|byte| *byte == b';')?;
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    let is_version = text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || ".-+".contains(each));
    is_version.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_copy_is_found_with_its_file_and_version() {
        let copies = library_copies().unwrap();
        let this: Vec<_> = copies.iter().filter(|copy| copy.is_this).collect();
        let program = std::env::current_exe().unwrap();
        assert_eq!(this.len(), 1);
        assert_eq!(this[0].path, program.to_string_lossy());
        assert_eq!(this[0].version, env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn only_files_that_are_no_devices_are_looked_at() {
        let parse = |line| Mapping::parse(line).map(|mapping| (mapping.addresses, mapping.path));
        let line = "7f00-7fff r--p 00000000 fe:00 1234       /opt/a b/lib.so (deleted)";
        assert_eq!(parse(line), Some((0x7f00..0x7fff, "/opt/a b/lib.so (deleted)")));
        assert_eq!(parse("7f00-7fff rw-s 00000000 00:05 12 /dev/dri/card0"), None);
        assert_eq!(parse("7f00-7fff rw-p 00000000 00:00 0 [heap]"), None);
        assert_eq!(parse("7f00-7fff rw-p 00000000 00:00 0"), None);
    }

    #[test]
    fn a_marker_is_found_wherever_it_lies_and_only_with_a_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("memory");
        let search_in = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            search(&File::open(&path).unwrap(), &(0..bytes.len()))
        };
        for before in [0, WINDOW - 40, WINDOW - 1, WINDOW, 2 * WINDOW + 7] {
            let mut bytes = vec![b'.'; before];
            bytes.extend_from_slice(MARKER_START);
            bytes.extend_from_slice(b"not a version; ");
            bytes.extend_from_slice(MARKER_START);
            bytes.extend_from_slice(b"1.22.3;");
            assert_eq!(search_in(&bytes).as_deref(), Some("1.22.3"), "{before}");
        }
        assert_eq!(search_in(MARKER_START), None);
        assert_eq!(search_in(b""), None);
    }
}

//! The library's version.

use std::ffi::{CStr, c_char};

/// Returns the version of the library that is running. CC_VERSION is the header's.
///
/// @return "MAJOR.MINOR.PATCH", a static string
#[unsafe(no_mangle)]
pub extern "C" fn cc_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version holds no NUL"),
        };
    VERSION.as_ptr()
}

/// Returns the version of the library that is running as a number, to be compared with
/// CC_VERSION_NUMBER: a larger one is a later version.
///
/// @return 0xMMmmpp: major, minor and patch version, one byte each
#[unsafe(no_mangle)]
pub extern "C" fn cc_version_number() -> u32 {
    const NUMBER: u32 = part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"));
    NUMBER
}

/// One part of the version; it fits into a byte.
const fn part(text: &str) -> u32 {
    match u8::from_str_radix(text, 10) {
        Ok(part) => part as u32,
        Err(_) => panic!("a part of the version is a number up to 255"),
    }
}

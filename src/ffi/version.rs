//! The library's version.

use std::ffi::{CStr, c_char};

/// The version of the library that is running, as CC_VERSION is that of the header.
///
/// @return "MAJOR.MINOR.PATCH", valid for ever. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version holds no NUL"),
        };
    VERSION.as_ptr()
}

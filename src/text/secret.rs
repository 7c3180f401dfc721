//! Text that is wiped from memory when it is dropped, and that no debug print shows.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

use zeroize::Zeroizing;

/// A string that is wiped when it is dropped, and whose debug print is `<redacted>`.
///
/// A NUL follows the text, so that the C ABI lends it to the host without another copy. The text itself has none.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Copies `text`, which must not contain a NUL.
    pub fn new(text: &str) -> Self {
        Self::joined("", text)
    }

    /// Joins `prefix` and `text`, in memory that is never reallocated: a growing string leaves copies that are not
    /// wiped.
    pub(crate) fn joined(prefix: &str, text: &str) -> Self {
        debug_assert!(!prefix.contains('\0') && !text.contains('\0'));
        let mut whole = Zeroizing::new(String::with_capacity(prefix.len() + text.len() + 1));
        whole.push_str(prefix);
        whole.push_str(text);
        whole.push('\0');
        Self(whole)
    }

    /// Returns the text.
    pub fn expose(&self) -> &str {
        &self.0[..self.0.len() - 1]
    }

    /// Returns the text's bytes: a cache hit compares them, and needs no check of characters.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let bytes = self.0.as_bytes();
        &bytes[..bytes.len() - 1]
    }

    /// Returns the text as a C string.
    pub(crate) fn as_c_str(&self) -> &CStr {
        c_str(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("<redacted>")
    }
}

/// Reads `text`, whose last byte is its only NUL, as a C string.
pub(crate) fn c_str(text: &str) -> &CStr {
    let text = CStr::from_bytes_with_nul(text.as_bytes());
    debug_assert!(text.is_ok());
    text.unwrap_or_default()
}

/// Appends `bytes` to `buffer`. When the buffer has to move, the memory that it leaves is wiped.
pub(crate) fn extend_wiped(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let needed = buffer.len() + bytes.len();
    if needed > buffer.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(buffer.capacity() * 2)));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::joined("Bearer ", "eyJ");
        assert_eq!(secret.expose(), "Bearer eyJ");
        assert_eq!(secret.as_c_str(), c"Bearer eyJ");
        assert_eq!(format!("{secret:?}"), "<redacted>");
    }

    #[test]
    fn a_buffer_that_moves_keeps_its_bytes() {
        let mut buffer = Zeroizing::new(Vec::with_capacity(2));
        for chunk in [&b"ab"[..], b"cde", b"", b"f"] {
            extend_wiped(&mut buffer, chunk);
        }
        assert_eq!(&**buffer, b"abcdef");
    }
}

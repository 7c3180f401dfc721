//! Text that is wiped from memory when it is dropped, and never printed.

#![forbid(unsafe_code)]

use std::fmt;

use zeroize::Zeroizing;

/// A string that is wiped when it is dropped and shows itself as `<redacted>`.
///
/// It ends in a NUL, so that the C ABI can lend it out without another copy; it holds no other NUL.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Copies `text`, which must not hold a NUL.
    pub fn new(text: &str) -> Self {
        Self::joined("", text)
    }

    /// `prefix` and `text` as one secret, written into memory that is never reallocated: what a growing
    /// string leaves behind is not wiped.
    pub(crate) fn joined(prefix: &str, text: &str) -> Self {
        debug_assert!(!prefix.contains('\0') && !text.contains('\0'));
        let mut whole = Zeroizing::new(String::with_capacity(prefix.len() + text.len() + 1));
        whole.push_str(prefix);
        whole.push_str(text);
        whole.push('\0');
        Self(whole)
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0[..self.0.len() - 1]
    }

    /// The text and the NUL behind it.
    pub(crate) fn with_nul(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("<redacted>")
    }
}

/// Appends `bytes` to `buffer`; when it has to move, the memory it leaves is wiped.
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
        assert_eq!(secret.with_nul(), "Bearer eyJ\0");
        assert_eq!(format!("{secret:?}"), "<redacted>");
    }

    #[test]
    fn a_buffer_keeps_what_it_holds_when_it_moves() {
        let mut buffer = Zeroizing::new(Vec::with_capacity(2));
        for chunk in [&b"ab"[..], b"cde", b"", b"f"] {
            extend_wiped(&mut buffer, chunk);
        }
        assert_eq!(&**buffer, b"abcdef");
    }
}

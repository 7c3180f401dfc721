//! The check that every string of a caller and of the environment passes.

#![forbid(unsafe_code)]

use crate::error::Error;

/// Reads `bytes` as text; `None` when they are empty.
///
/// # Errors
///
/// [`InvalidArgument`](crate::ErrorKind::InvalidArgument), in a sentence about `what`, when they are not UTF-8 or contain a
/// control character, which no form parameter and no header has a use for.
pub(crate) fn validate<'a>(bytes: &'a [u8], what: &str) -> Result<Option<&'a str>, Error> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::invalid_argument(format!("The {what} is not valid UTF-8.")))?;
    if text.chars().any(char::is_control) {
        return Err(Error::invalid_argument(format!(
            "The {what} contains a control character."
        )));
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_accepted_whole_or_rejected() {
        assert_eq!(validate(b"", "scope").unwrap(), None);
        assert_eq!(validate("é b".as_bytes(), "scope").unwrap(), Some("é b"));
        for bad in [&b"\xff"[..], b"a\nb", b"\0", b"a\x7f", "a\u{85}".as_bytes()] {
            let message = validate(bad, "scope").unwrap_err().message();
            assert!(message.starts_with("The scope "), "{message}");
        }
    }
}

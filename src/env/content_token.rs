//! The content session token: in a file that Connect rewrites while the content runs, or in a variable.

#![forbid(unsafe_code)]

use std::fmt::Display;
use std::path::Path;

use super::{CONTENT_TOKEN, CONTENT_TOKEN_FILE};
use crate::error::{Error, ErrorKind};
use crate::platform::{files, os};
use crate::text::secret::Secret;
use crate::text::validate::validate;

/// The largest file that is read. A session token has some hundred bytes.
const LIMIT: u64 = files::MIB;

/// Reads the content session token: from the file at `path`, or else from `in_variable`. Either may be empty.
///
/// The file is read each time. A file that cannot be used leaves the variable to decide.
///
/// # Errors
///
/// [`Network`](ErrorKind::Network), which is retryable, when the file could not be read for a reason that may pass, such
/// as too many open files: the token in the variable may be older. Without a variable, [`NotSupported`](ErrorKind::NotSupported)
/// for a file that cannot be read and [`InvalidArgument`](ErrorKind::InvalidArgument) for one that holds no token.
pub(crate) fn content_token(path: &[u8], in_variable: &[u8]) -> Result<Option<Secret>, Error> {
    let in_file = match path {
        [] => Ok(None),
        path => read(os::path(path)),
    };
    match &in_file {
        Ok(Some(_)) => return in_file,
        Err(why) if why.is_retryable() => return in_file,
        _ => {}
    }
    let what = format!("environment variable {}", CONTENT_TOKEN.name());
    match validate(in_variable, &what)? {
        Some(token) => Ok(Some(Secret::new(token))),
        None => in_file,
    }
}

/// Reads the token in the file at `path`, without the white space around it; `None` for a file that is missing or empty.
fn read(path: &Path) -> Result<Option<Secret>, Error> {
    let error = |kind: ErrorKind, why: &dyn Display| {
        let variable = CONTENT_TOKEN_FILE.name();
        Error::new(kind, format!("The file {path:?}, named by {variable}, {why}."))
    };
    let contents = match files::read(path, LIMIT) {
        Ok(contents) => contents,
        Err(why) if why.is_missing() => return Ok(None),
        Err(why) => {
            let kind = match &why {
                _ if why.is_transient() => ErrorKind::Network,
                files::ReadError::TooLarge(_) => ErrorKind::InvalidArgument,
                _ => ErrorKind::NotSupported,
            };
            return Err(error(kind, &format_args!("cannot be read: {why}")));
        }
    };
    validate(contents.bytes.trim_ascii(), "token")
        .map(|token| token.map(Secret::new))
        .map_err(|_| error(ErrorKind::InvalidArgument, &"does not hold a token"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn token_of(contents: &[u8], variable: &[u8]) -> Result<Option<String>, Error> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(contents).unwrap();
        let token = content_token(file.path().as_os_str().as_bytes(), variable);
        token.map(|token| token.map(|token| token.expose().to_owned()))
    }

    fn too_large() -> Vec<u8> {
        vec![b'a'; LIMIT as usize + 1]
    }

    #[test]
    fn the_token_of_a_file_comes_without_the_white_space_around_it() {
        let token = token_of(b"  abc \r\n", b"variable").unwrap();
        assert_eq!(token.as_deref(), Some("abc"));
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_variable_to_decide() {
        for contents in [&b""[..], b" \n", b"a\nb", b"\xff", &too_large()] {
            let token = token_of(contents, b"variable").unwrap();
            assert_eq!(token.as_deref(), Some("variable"));
        }
        for path in ["", "/nonexistent", "/", "/dev/zero"] {
            let token = content_token(path.as_bytes(), b"variable").unwrap();
            assert_eq!(token.unwrap().expose(), "variable");
        }
    }

    #[test]
    fn without_a_variable_an_empty_file_is_no_token_and_an_unusable_one_an_error() {
        assert!(token_of(b" \n", b"").unwrap().is_none());
        assert!(content_token(b"/nonexistent/token", b"").unwrap().is_none());
        for (contents, kind) in [
            (&b"a\nb"[..], ErrorKind::InvalidArgument),
            (b"\xff", ErrorKind::InvalidArgument),
            (&too_large(), ErrorKind::InvalidArgument),
        ] {
            assert_eq!(token_of(contents, b"").unwrap_err().kind(), kind);
        }
        for path in ["/", "/dev/zero"] {
            let why = content_token(path.as_bytes(), b"").unwrap_err();
            assert_eq!(why.kind(), ErrorKind::NotSupported);
            assert!(why.message().contains("not a regular file"), "{why}");
        }
    }
}

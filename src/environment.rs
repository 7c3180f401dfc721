//! What the process was told by Connect: `CONNECT_*`, `POSIT_PRODUCT` and the content token's file.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::server::Server;
use crate::text;

const SERVER: &str = "CONNECT_SERVER";
const API_KEY: &str = "CONNECT_API_KEY";
const CONTENT_TOKEN: &str = "CONNECT_CONTENT_SESSION_TOKEN";
const CONTENT_TOKEN_FILE: &str = "CONNECT_CONTENT_SESSION_TOKEN_FILE";

/// No session token is anywhere near as long; a path to something endless ends here.
const CONTENT_TOKEN_LIMIT: u64 = 1024 * 1024;

/// Whether this process runs as content on Posit Connect or Connect Cloud.
pub fn running_on_connect() -> bool {
    let is = |name: &str, value: &str| std::env::var_os(name).is_some_and(|found| found == value);
    is("RSTUDIO_PRODUCT", "CONNECT") || is("POSIT_PRODUCT", "CONNECT") || is("POSIT_PRODUCT", "CONNECT_CLOUD")
}

/// The server of `CONNECT_SERVER`.
pub(crate) fn server() -> Result<Option<Server>, Error> {
    variable(SERVER)?
        .map(|url| Server::parse(url.expose(), SERVER))
        .transpose()
}

/// The key of `CONNECT_API_KEY`.
pub(crate) fn api_key() -> Result<Option<Secret>, Error> {
    variable(API_KEY)
}

/// The content session token.
///
/// Connect rewrites the file while the content runs, so it is read anew each time. A file that can not be used
/// leaves the word to the variable; only where there is none is it an error.
pub(crate) fn content_token() -> Result<Option<Secret>, Error> {
    let from_file = match set(CONTENT_TOKEN_FILE) {
        Some(path) => content_token_of_file(Path::new(&path)),
        None => Ok(None),
    };
    match from_file {
        Ok(Some(token)) => Ok(Some(token)),
        Ok(None) => variable(CONTENT_TOKEN),
        Err(why) => variable(CONTENT_TOKEN)?.map(Some).ok_or(why),
    }
}

/// The token in the file at `path`, without the white space around it; `None` for a file that is missing or empty.
fn content_token_of_file(path: &Path) -> Result<Option<Secret>, Error> {
    let file_is = |kind: ErrorKind, why: &dyn Display| {
        Error::new(
            kind,
            format!("The file {path:?}, named by {CONTENT_TOKEN_FILE}, {why}."),
        )
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    match File::open(path).and_then(|file| file.take(CONTENT_TOKEN_LIMIT).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => {
            return Err(file_is(
                ErrorKind::NotSupported,
                &format_args!("can not be read: {why}"),
            ));
        }
    }
    if bytes.len() as u64 == CONTENT_TOKEN_LIMIT {
        return Err(file_is(ErrorKind::InvalidArgument, &"is larger than 1 MiB"));
    }
    text::accept(bytes.trim_ascii(), "token")
        .map(|token| token.map(Secret::new))
        .map_err(|_| file_is(ErrorKind::InvalidArgument, &"does not hold a token"))
}

/// A variable that is set to something.
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable's text.
fn variable(name: &str) -> Result<Option<Secret>, Error> {
    let Some(value) = set(name) else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(value.into_encoded_bytes());
    let text = text::accept(&bytes, &format!("environment variable {name}"))?;
    Ok(text.map(Secret::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(contents: &[u8]) -> Result<Option<String>, Error> {
        let path = std::env::temp_dir().join(format!(
            "connectcreds-token-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, contents).unwrap();
        let token = content_token_of_file(&path);
        std::fs::remove_file(&path).unwrap();
        token.map(|token| token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn the_token_of_a_file_comes_without_the_white_space_around_it() {
        assert_eq!(token_of(b"  abc \r\n").unwrap().as_deref(), Some("abc"));
    }

    #[test]
    fn a_file_that_is_empty_or_missing_has_no_token() {
        assert!(token_of(b"").unwrap().is_none());
        assert!(token_of(b" \n").unwrap().is_none());
        assert!(
            content_token_of_file(Path::new("/nonexistent/token"))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_file_that_holds_something_else_is_an_error_and_not_a_token() {
        assert!(token_of(b"a\nb").is_err());
        assert!(token_of(b"\xff").is_err());
        assert!(token_of(&vec![b'a'; 1 << 20]).is_err());
        assert!(content_token_of_file(Path::new("/")).is_err());
    }
}

//! What the process was told by Connect: `CONNECT_*`, `POSIT_PRODUCT` and the content token's file.

#![forbid(unsafe_code)]

mod snapshot;

pub(crate) use snapshot::*;

use std::ffi::{CStr, OsStr};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::platform::os::variable;
use crate::text::hash::Part;
use crate::text::secret::Secret;
use crate::text::validate::validate;

/// No session token is anywhere near as long; a path to something endless ends here.
const CONTENT_TOKEN_LIMIT: u64 = 1024 * 1024;

/// An environment variable that Connect sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Variable(&'static CStr);

pub(crate) const POSIT_PRODUCT: Variable = Variable(c"POSIT_PRODUCT");
pub(crate) const RSTUDIO_PRODUCT: Variable = Variable(c"RSTUDIO_PRODUCT");
pub(crate) const SERVER: Variable = Variable(c"CONNECT_SERVER");
pub(crate) const API_KEY: Variable = Variable(c"CONNECT_API_KEY");
pub(crate) const CONTENT_TOKEN: Variable = Variable(c"CONNECT_CONTENT_SESSION_TOKEN");
pub(crate) const CONTENT_TOKEN_FILE: Variable = Variable(c"CONNECT_CONTENT_SESSION_TOKEN_FILE");

impl Variable {
    /// Its bytes, to be used at once; empty when it is not set.
    pub fn bytes(self) -> &'static [u8] {
        variable(self.0)
    }

    pub fn name(self) -> &'static str {
        self.0.to_str().unwrap_or_default()
    }
}

/// The variable that says that this process runs as content on Posit Connect or Connect Cloud.
pub(crate) fn product() -> Option<Variable> {
    if matches!(POSIT_PRODUCT.bytes(), b"CONNECT" | b"CONNECT_CLOUD") {
        Some(POSIT_PRODUCT)
    } else if RSTUDIO_PRODUCT.bytes() == b"CONNECT" {
        Some(RSTUDIO_PRODUCT)
    } else {
        None
    }
}

/// Where a call looks for what its request does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// The process's variables.
    Process,
    /// A mock's, the same for all: the process's variables are neither looked at nor touched.
    Mocked,
}

impl Environment {
    /// Whether this process runs as content on Posit Connect or Connect Cloud.
    pub fn running_on_connect(self) -> bool {
        self == Self::Mocked || product().is_some()
    }

    /// The names of the variables that are set, for the log.
    pub fn names(self) -> String {
        if self == Self::Mocked {
            return "what the mock says".to_owned();
        }
        let variables = [
            POSIT_PRODUCT,
            RSTUDIO_PRODUCT,
            SERVER,
            API_KEY,
            CONTENT_TOKEN,
            CONTENT_TOKEN_FILE,
        ];
        let set = variables.into_iter().filter(|name| !name.bytes().is_empty());
        let names: Vec<_> = set.map(Variable::name).collect();
        match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        }
    }

    pub fn server(self) -> Part<'static> {
        self.part(SERVER, b"http://localhost:3030")
    }

    pub fn api_key(self) -> Part<'static> {
        self.part(API_KEY, b"key")
    }

    pub fn content_token(self) -> Part<'static> {
        self.part(CONTENT_TOKEN, b"session-token")
    }

    pub fn content_token_file(self) -> Part<'static> {
        self.part(CONTENT_TOKEN_FILE, b"")
    }

    /// The session token of a viewer of whom the caller knows nothing.
    pub fn viewer_token(self) -> Option<&'static [u8]> {
        (self == Self::Mocked).then_some(b"user-token")
    }

    fn part(self, variable: Variable, mocked: &'static [u8]) -> Part<'static> {
        Part::new(match self {
            Self::Process => variable.bytes(),
            Self::Mocked => mocked,
        })
    }
}

/// The content session token in the file at `path`, or else `in_variable`; either may be empty.
///
/// Connect rewrites the file while the content runs, so it is read anew each time. A file that can not be used
/// leaves the word to the variable; only where that is empty is it an error.
pub(crate) fn content_token(path: &[u8], in_variable: &[u8]) -> Result<Option<Secret>, Error> {
    let in_file = match path {
        [] => Ok(None),
        path => content_token_of_file(Path::new(OsStr::from_bytes(path))),
    };
    if let Ok(Some(token)) = in_file {
        return Ok(Some(token));
    }
    let what = format!("environment variable {}", CONTENT_TOKEN.name());
    match validate(in_variable, &what)? {
        Some(token) => Ok(Some(Secret::new(token))),
        None => in_file,
    }
}

/// The token in the file at `path`, without the white space around it; `None` for a file that is missing or empty.
fn content_token_of_file(path: &Path) -> Result<Option<Secret>, Error> {
    let file_is = |kind: ErrorKind, why: &dyn Display| {
        let variable = CONTENT_TOKEN_FILE.name();
        Error::new(kind, format!("The file {path:?}, named by {variable}, {why}."))
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
    validate(bytes.trim_ascii(), "token")
        .map(|token| token.map(Secret::new))
        .map_err(|_| file_is(ErrorKind::InvalidArgument, &"does not hold a token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(contents: &[u8], variable: &[u8]) -> Result<Option<String>, Error> {
        let thread = std::thread::current().id();
        let path = std::env::temp_dir().join(format!("connectcreds-{}-{thread:?}", std::process::id()));
        std::fs::write(&path, contents).unwrap();
        let token = content_token(path.as_os_str().as_bytes(), variable);
        std::fs::remove_file(&path).unwrap();
        token.map(|token| token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn the_token_of_a_file_comes_without_the_white_space_around_it() {
        assert_eq!(
            token_of(b"  abc \r\n", b"variable").unwrap().as_deref(),
            Some("abc")
        );
    }

    #[test]
    fn a_file_that_can_not_be_used_leaves_the_word_to_the_variable() {
        for contents in [&b""[..], b" \n", b"a\nb", b"\xff", &vec![b'a'; 1 << 20]] {
            assert_eq!(
                token_of(contents, b"variable").unwrap().as_deref(),
                Some("variable")
            );
        }
        for path in ["", "/nonexistent", "/"] {
            let token = content_token(path.as_bytes(), b"variable").unwrap();
            assert_eq!(token.unwrap().expose(), "variable");
        }
    }

    #[test]
    fn without_a_variable_an_empty_file_is_no_token_and_an_unusable_one_an_error() {
        assert!(token_of(b" \n", b"").unwrap().is_none());
        assert!(content_token(b"/nonexistent/token", b"").unwrap().is_none());
        assert!(token_of(b"a\nb", b"").is_err());
        assert!(token_of(b"\xff", b"").is_err());
        assert!(token_of(&vec![b'a'; 1 << 20], b"").is_err());
        assert!(content_token(b"/", b"").is_err());
    }
}

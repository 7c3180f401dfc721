//! The environment: the variables that Connect sets, the snapshot of others that an exchange carries, and the content
//! session token's file.
//!
//! Variables are read on the host's thread, when a call begins. A call that finds a token in the cache borrows the few
//! that its key needs; a call that makes an exchange takes a snapshot.

#![forbid(unsafe_code)]

mod content_token;
mod snapshot;

use std::ffi::CStr;

pub(crate) use content_token::content_token;
pub(crate) use snapshot::*;

use crate::platform::os::variable;
use crate::text::hash::Part;

/// An environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Variable(&'static CStr);

pub(crate) const POSIT_PRODUCT: Variable = Variable(c"POSIT_PRODUCT");
pub(crate) const RSTUDIO_PRODUCT: Variable = Variable(c"RSTUDIO_PRODUCT");
pub(crate) const SERVER: Variable = Variable(c"CONNECT_SERVER");
pub(crate) const API_KEY: Variable = Variable(c"CONNECT_API_KEY");
pub(crate) const CONTENT_TOKEN: Variable = Variable(c"CONNECT_CONTENT_SESSION_TOKEN");
pub(crate) const CONTENT_TOKEN_FILE: Variable = Variable(c"CONNECT_CONTENT_SESSION_TOKEN_FILE");

impl Variable {
    /// Reads it. Its bytes are to be used at once; they are empty when it is not set. Only where a call begins: see the
    /// module's documentation.
    pub fn bytes(self) -> &'static [u8] {
        variable(self.0)
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Returns the variable that says that this process runs as content on Posit Connect or Connect Cloud.
pub(crate) fn product() -> Option<Variable> {
    if matches!(POSIT_PRODUCT.bytes(), b"CONNECT" | b"CONNECT_CLOUD") {
        Some(POSIT_PRODUCT)
    } else if RSTUDIO_PRODUCT.bytes() == b"CONNECT" {
        Some(RSTUDIO_PRODUCT)
    } else {
        None
    }
}

/// Where a call looks for values that its request does not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// The process's variables.
    Process,
    /// A mock's values, the same for all mocks. The process's variables are neither read nor changed.
    Mocked,
}

impl Environment {
    /// Whether this process runs as content on Posit Connect or Connect Cloud.
    pub fn running_on_connect(self) -> bool {
        self == Self::Mocked || product().is_some()
    }

    /// Returns the names of the variables that are set, for the log.
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

    /// Returns the server URL.
    pub fn server(self) -> Part<'static> {
        self.part(SERVER, b"http://localhost:3030")
    }

    /// Returns the API key.
    pub fn api_key(self) -> Part<'static> {
        self.part(API_KEY, b"key")
    }

    /// Returns the content session token of the variable.
    pub fn content_token(self) -> Part<'static> {
        self.part(CONTENT_TOKEN, b"session-token")
    }

    /// Returns the path of the content session token's file.
    pub fn content_token_file(self) -> Part<'static> {
        self.part(CONTENT_TOKEN_FILE, b"")
    }

    fn part(self, variable: Variable, mocked: &'static [u8]) -> Part<'static> {
        Part::new(match self {
            Self::Process => variable.bytes(),
            Self::Mocked => mocked,
        })
    }
}

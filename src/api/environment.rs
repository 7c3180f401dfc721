//! The defaults of a call where its request sets nothing: from the environment of the process, or of the mock.

#![forbid(unsafe_code)]

use std::sync::Arc;

use super::context::CallContext;
use crate::cache::key::Subject;
use crate::env::{CONTENT_TOKEN, Environment};
use crate::error::{Error, ErrorKind};
use crate::mock;
use crate::mock::environment::MockEnvironment;
use crate::text::hash::Part;

/// The environment of one call.
pub(crate) enum CallEnvironment {
    Process,
    Mock(Arc<MockEnvironment>),
}

impl CallEnvironment {
    #[inline]
    pub fn of(context: &CallContext) -> Self {
        match context {
            CallContext::Process => Self::Process,
            CallContext::Mock(broker) => Self::Mock(mock::environment_of(broker)),
        }
    }

    /// Whether this process runs as content on Posit Connect or Connect Cloud.
    #[inline]
    pub fn running_on_connect(&self) -> bool {
        match self {
            Self::Process => Environment::Process.running_on_connect(),
            Self::Mock(mocked) => mocked.running_on_connect(),
        }
    }

    #[inline]
    pub fn server(&self) -> Part<'_> {
        match self {
            Self::Process => Environment::Process.server(),
            Self::Mock(mocked) => mocked.server(),
        }
    }

    #[inline]
    pub fn api_key(&self) -> Part<'_> {
        match self {
            Self::Process => Environment::Process.api_key(),
            Self::Mock(mocked) => mocked.api_key(),
        }
    }

    /// The content session token that Connect, or the mock, gave the process.
    ///
    /// # Errors
    ///
    /// [`NotSupported`](ErrorKind::NotSupported) when the mock has none. Of the process's it is known only once the
    /// file that holds it has been read.
    #[inline]
    pub fn content_token(&self) -> Result<Subject<'_>, Error> {
        match self {
            Self::Process => Ok(Subject::ambient(Environment::Process)),
            Self::Mock(mocked) => mocked.content_token().map(Subject::Given).ok_or_else(|| {
                let what = format!("The mock's environment does not set {}.", CONTENT_TOKEN.name());
                Error::new(ErrorKind::NotSupported, what)
            }),
        }
    }

    /// The session token of a viewer's call that gives none: a mock has one.
    #[inline]
    pub fn viewer_token(&self) -> Option<&[u8]> {
        match self {
            Self::Process => None,
            Self::Mock(mocked) => mocked.viewer_token(),
        }
    }

    /// The names of the variables that are set, for the log.
    pub fn names(&self) -> String {
        match self {
            Self::Process => format!("Set in the environment: {}", Environment::Process.names()),
            Self::Mock(mocked) => format!("Set in the mock: {}", mocked.names()),
        }
    }
}

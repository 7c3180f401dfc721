//! Why there is no token: a kind to act upon, the server's codes, and a message for a person.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::time::Duration;

/// What went wrong, as far as a program can act upon it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value that can not be used: a control character, a malformed URL.
    InvalidArgument,
    /// The process does not run on Connect.
    NotOnConnect,
    /// A viewer token was asked for outside a viewer's session.
    NoSession,
    /// Connect supplied no session token: an old version, or configured off.
    NotSupported,
    /// No server URL.
    NoServer,
    /// No API key.
    NoApiKey,
    /// Name resolution, connection, proxy, a reply cut short.
    Network,
    /// Certificate or handshake.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The caller said so while the call waited.
    Cancelled,
    /// The server answered with an OAuth or Connect error.
    Refused,
    /// The server's answer was not understood.
    BadResponse,
    /// A bug in this library, caught.
    Internal,
}

/// A failure, with the whole story in [`message`](Error::message). No secret stands in it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.lines.join("\n"))]
pub struct Error(
    /// Elsewhere, so that a result with a token in it is small: a hit hands it on through several rooms.
    Box<Story>,
);

#[derive(Debug, Clone)]
struct Story {
    kind: ErrorKind,
    lines: Vec<Cow<'static, str>>,
    response: ResponseFacts,
}

/// What is known of the HTTP answer that an error came from; all absent when there was none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    pub http_status: Option<u16>,
    pub oauth_code: Option<String>,
    pub connect_code: Option<i32>,
    pub retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Story {
            kind,
            lines: vec![sentence.into()],
            response: ResponseFacts::default(),
        }))
    }

    pub(crate) fn invalid_argument(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidArgument, sentence)
    }

    /// The error of who waited for `host` in vain for so long.
    pub(crate) fn no_answer(host: &str, within: Duration) -> Self {
        let what = format!("No answer from {host} within {} ms.", within.as_millis());
        Self::new(ErrorKind::Timeout, what)
    }

    /// The same error with one more line below: its cause, or what to do about it.
    pub(crate) fn because(mut self, line: impl Into<Cow<'static, str>>) -> Self {
        self.0.lines.push(line.into());
        self
    }

    /// The same error below another first line: what could not be done because of it.
    pub(crate) fn with_headline(mut self, headline: &'static str) -> Self {
        self.0.lines.insert(0, headline.into());
        self
    }

    pub(crate) fn with_response(mut self, response: ResponseFacts) -> Self {
        self.0.response = response;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The whole story, causes included, one line each.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// The status of the HTTP answer, when there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.response.http_status
    }

    /// The OAuth error code (RFC 6749, section 5.2), when the answer had one.
    pub fn oauth_code(&self) -> Option<&str> {
        self.0.response.oauth_code.as_deref()
    }

    /// Connect's own error code, when the answer had one: 212 says that no integration is associated.
    pub fn connect_code(&self) -> Option<i32> {
        self.0.response.connect_code
    }

    /// How long the server asked to wait (`Retry-After`), when it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.response.retry_after
    }

    /// Whether the server refused for good, so that what it issued before is void as well.
    pub(crate) fn is_final(&self) -> bool {
        let refused = self.0.kind == ErrorKind::Refused && matches!(self.http_status(), Some(400..=499));
        refused && !self.is_retryable()
    }

    /// Whether the same call may succeed later with nothing changed.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            // A proxy that asks for another password goes on asking.
            ErrorKind::Network => self.http_status() != Some(407),
            ErrorKind::Timeout => true,
            ErrorKind::Refused | ErrorKind::BadResponse => {
                matches!(self.http_status(), Some(408 | 429 | 500 | 502 | 503 | 504))
                    || matches!(
                        self.oauth_code(),
                        Some("temporarily_unavailable" | "server_error")
                    )
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_what_failed_then_why_then_what_to_do() {
        let error = Error::new(ErrorKind::Network, "Connection refused.")
            .because("Is CONNECT_SERVER right?")
            .with_headline("Cannot fetch.");
        assert_eq!(
            error.message(),
            "Cannot fetch.\nConnection refused.\nIs CONNECT_SERVER right?"
        );
    }

    #[test]
    fn what_may_pass_by_itself_is_retryable() {
        let refused = |status, code: Option<&str>| {
            Error::new(ErrorKind::Refused, "").with_response(ResponseFacts {
                http_status: Some(status),
                oauth_code: code.map(Into::into),
                ..ResponseFacts::default()
            })
        };
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(refused(status, None).is_retryable(), "{status}");
        }
        assert!(refused(400, Some("temporarily_unavailable")).is_retryable());
        assert!(!refused(400, Some("invalid_request")).is_retryable());
        assert!(!refused(501, None).is_retryable());
        assert!(Error::new(ErrorKind::Timeout, "").is_retryable());
        assert!(!Error::new(ErrorKind::Tls, "").is_retryable());
        let proxy = ResponseFacts {
            http_status: Some(407),
            ..ResponseFacts::default()
        };
        assert!(
            !Error::new(ErrorKind::Network, "")
                .with_response(proxy)
                .is_retryable()
        );
    }
}

//! The error: its kind and the server's codes for programs, and a message for people.
//!
//! Every folder may use it; it imports nothing of the crate. Messages are made where the failure is known.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::time::Duration;

/// The kind of a failure, for programs to act upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value that cannot be used: a control character, a malformed URL.
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
    /// Name resolution, connection, proxy, a response that was cut short.
    Network,
    /// Certificate or handshake.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The cancel callback of the request returned true.
    Cancelled,
    /// The server rejected the request with an OAuth or Connect error.
    Refused,
    /// The server's response was not understood.
    BadResponse,
    /// A bug in this library, which was caught.
    Internal,
}

/// A failure. [`message`](Error::message) tells what happened, why, and what to do. It never contains a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.message_with(HostOption::neutral))]
pub struct Error(
    /// Boxed to keep a `Result` with a token small: a cache hit passes it through several calls.
    Box<Details>,
);

#[derive(Debug, Clone)]
struct Details {
    kind: ErrorKind,
    lines: Vec<Cow<'static, str>>,
    hint: Option<Hint>,
    response: ResponseFacts,
    /// Whether it says nothing about tokens that were issued before.
    is_not_about_tokens: bool,
}

/// The last line of a message: what to do, with the option that a host sets in its own way.
#[derive(Debug, Clone)]
struct Hint {
    /// Contains [`SET`].
    line: &'static str,
    option: HostOption,
}

/// Stands in a hint for the way to set the option.
const SET: &str = "{set}";

/// An option that an error's hint names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostOption {
    ServerUrl,
    ApiKey,
    CaBundle,
}

impl HostOption {
    /// How to set it, in words that fit every host.
    fn neutral(self) -> &'static str {
        match self {
            Self::ServerUrl => "set the server URL of the request",
            Self::ApiKey => "set the API key of the request",
            Self::CaBundle => "set the CA bundle",
        }
    }
}

/// The facts of the HTTP response that an error came from; all absent when there was none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    pub http_status: Option<u16>,
    pub oauth_code: Option<String>,
    pub connect_code: Option<i32>,
    pub retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            kind,
            lines: vec![sentence.into()],
            hint: None,
            response: ResponseFacts::default(),
            is_not_about_tokens: false,
        }))
    }

    pub(crate) fn invalid_argument(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidArgument, sentence)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "The call was cancelled.")
    }

    /// Creates the error of a call to which `host` did not respond in time.
    pub(crate) fn no_answer(host: &str, within: Duration) -> Self {
        let what = format!("No response from {host} within {} ms.", within.as_millis());
        Self::new(ErrorKind::Timeout, what)
    }

    /// Returns the error with one more line below: its cause, or what to do about it.
    pub(crate) fn because(mut self, line: impl Into<Cow<'static, str>>) -> Self {
        self.0.lines.push(line.into());
        self
    }

    /// Returns the error below another first line, which says what could not be done.
    pub(crate) fn with_headline(mut self, headline: &'static str) -> Self {
        self.0.lines.insert(0, headline.into());
        self
    }

    /// The same error with a hint as the last line. In `line`, `{set}` stands for the way in which the host sets
    /// `option`: "Set CONNECT_SERVER, or {set}."
    pub(crate) fn with_hint(mut self, line: &'static str, option: HostOption) -> Self {
        self.0.hint = Some(Hint { line, option });
        self
    }

    /// The message, its hint worded by `set` for the host that shows it.
    pub(crate) fn message_with(&self, set: impl FnOnce(HostOption) -> &'static str) -> String {
        let mut message = self.message_without_hint();
        if let Some(hint) = &self.0.hint {
            message.push('\n');
            message.push_str(&hint.line.replacen(SET, set(hint.option), 1));
        }
        message
    }

    /// The message but for its hint, for hosts that add their own.
    pub(crate) fn message_without_hint(&self) -> String {
        self.0.lines.join("\n")
    }

    /// The option that the hint names.
    pub(crate) fn option(&self) -> Option<HostOption> {
        self.0.hint.as_ref().map(|hint| hint.option)
    }

    pub(crate) fn with_response(mut self, response: ResponseFacts) -> Self {
        self.0.response = response;
        self
    }

    /// Returns the error as one of a request other than a token's: the tokens that the server issued before stay valid.
    pub(crate) fn not_about_tokens(mut self) -> Self {
        self.0.is_not_about_tokens = true;
        self
    }

    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what happened, why, and what to do, one line each.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// Returns the status of the HTTP response, when there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.response.http_status
    }

    /// Returns the OAuth error code (RFC 6749, section 5.2), when the response had one.
    pub fn oauth_code(&self) -> Option<&str> {
        self.0.response.oauth_code.as_deref()
    }

    /// Returns Connect's own error code, when the response had one: 212 says that no integration is associated.
    pub fn connect_code(&self) -> Option<i32> {
        self.0.response.connect_code
    }

    /// Returns how long the server asked to wait (`Retry-After`), when it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.response.retry_after
    }

    pub(crate) fn is_about_tokens(&self) -> bool {
        !self.0.is_not_about_tokens
    }

    /// Returns whether the server refused for good, so that the tokens that it issued before are void as well.
    pub(crate) fn is_final(&self) -> bool {
        let refused = self.0.kind == ErrorKind::Refused && matches!(self.http_status(), Some(400..=499));
        refused && !self.is_retryable() && self.is_about_tokens()
    }

    /// Returns whether the same call may succeed later with nothing changed.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            // A proxy that asks for another password will ask again.
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
    fn a_message_says_what_failed_then_why_then_what_to_do() {
        let error = Error::new(ErrorKind::Network, "Connection refused.")
            .because("Check CONNECT_SERVER.")
            .with_headline("Cannot fetch.");
        assert_eq!(
            error.message(),
            "Cannot fetch.\nConnection refused.\nCheck CONNECT_SERVER."
        );
    }

    #[test]
    fn a_hint_is_the_last_line_and_each_host_words_it() {
        let error = Error::new(ErrorKind::NoServer, "No server.")
            .with_hint("Set CONNECT_SERVER, or {set}.", HostOption::ServerUrl)
            .because("Why.");
        assert_eq!(
            error.message(),
            "No server.\nWhy.\nSet CONNECT_SERVER, or set the server URL of the request."
        );
        assert_eq!(
            error.message_with(|_| "call f()"),
            "No server.\nWhy.\nSet CONNECT_SERVER, or call f()."
        );
        assert_eq!(error.message_without_hint(), "No server.\nWhy.");
        assert_eq!(error.option(), Some(HostOption::ServerUrl));
    }

    #[test]
    fn a_transient_failure_is_retryable() {
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

//! Errors of the HTTP client as errors of the library, told apart by their causes.

#![forbid(unsafe_code)]

use std::error::Error as StdError;
use std::io;

use url::Url;

use super::proxy::Route;
use super::tls;
use crate::config;
use crate::error::{Error, ErrorKind, ResponseFacts};
use crate::oauth::endpoint::address;
use crate::oauth::response::ServerResponse;
use crate::text::redact::Redactor;

/// How much is repeated of the innermost cause, in characters.
const CAUSE_LIMIT: usize = 500;

/// How the tunnel through a proxy reports a 407; its type cannot be named.
const TUNNEL_REFUSED: &str = "tunnel error: proxy authorization required";

const PROXY_USER: u16 = 407;

/// An attempt that failed.
pub(crate) struct Failure {
    pub why: Error,
    /// The connection was kept from an earlier exchange, and found dead.
    pub on_dead_connection: bool,
}

impl From<Error> for Failure {
    fn from(why: Error) -> Self {
        Self {
            why,
            on_dead_connection: false,
        }
    }
}

/// Why no answer was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// Its head, and its body's beginning.
    #[error("the answer is too large")]
    TooLarge(ServerResponse),
}

impl TransportError {
    /// Whether the connection broke, rather than what came over it was wrong.
    pub fn is_of_connection(&self) -> bool {
        match self {
            Self::Http(error) => !error.is_connect() && !is_not_http(error),
            Self::TooLarge(_) => false,
        }
    }
}

/// The error of who asked `url` by `route`.
pub(crate) fn explain(why: TransportError, url: &Url, route: &Route, redactor: &Redactor<'_>) -> Error {
    let host = format!("{}{}", address(url), route.describe());
    let error = match why {
        TransportError::TooLarge(response) => {
            let what = format!("The answer from {host} is larger than 1 MiB and was not read.");
            return response.report_failure(Error::new(ErrorKind::BadResponse, what), redactor);
        }
        TransportError::Http(error) => error.without_url(),
    };
    // A server's certificate can put words into it.
    let why = redactor.redact(&root_cause(&error).to_string(), CAUSE_LIMIT);
    let network = |what: String| Error::new(ErrorKind::Network, what);
    if let Some(tls) = causes(&error).find_map(|cause| cause.downcast_ref()) {
        tls::explain(&host, tls, why)
    } else if is_not_http(&error) {
        let what = format!("What {host} answered is not HTTP: {why}.");
        Error::new(ErrorKind::BadResponse, what)
    } else if why == TUNNEL_REFUSED {
        proxy_refuses(url, route)
    } else if error.is_connect() && error.is_timeout() {
        network(format!(
            "No connection to {host} within {} ms.",
            config::CONNECT_TIMEOUT_MS.get()
        ))
    } else if error.is_connect() {
        network(format!("No connection to {host}: {why}."))
    } else {
        network(format!("The connection to {host} failed: {why}."))
    }
}

/// The proxy on the way asks for a user and a password, or for others.
pub(crate) fn proxy_refuses(url: &Url, route: &Route) -> Error {
    let what = format!("No connection to {}{}.", address(url), route.describe());
    Error::new(ErrorKind::Network, what)
        .because("The proxy asks for a user and a password: HTTP_PROXY or HTTPS_PROXY can hold them, http://user:password@host:port.")
        .with_response(ResponseFacts {
            http_status: Some(PROXY_USER),
            ..ResponseFacts::default()
        })
}

/// Whether a head was not understood, or the chunks of a body, which are reported as an `io::Error`.
fn is_not_http(error: &reqwest::Error) -> bool {
    let is_malformed = |why: &io::Error| {
        matches!(
            why.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    is_caused(error, hyper::Error::is_parse) || !error.is_connect() && is_caused(error, is_malformed)
}

/// The error and its causes. The source of an `io::Error` is its inner error's source: the inner error itself, which
/// tells TLS from network, is found only by `get_ref`.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as _).or_else(|| error.source())
    })
}

/// The innermost cause.
fn root_cause<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    causes(error).last().unwrap_or(error)
}

/// Whether one of the causes is an `E` that `matches`.
fn is_caused<E: StdError + 'static>(error: &(dyn StdError + 'static), matches: impl Fn(&E) -> bool) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .any(matches)
}

//! One POST and its answer.

#![forbid(unsafe_code)]

use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use zeroize::Zeroizing;

use crate::answer::Answer;
use crate::driver::{CONNECT_TIMEOUT, Clients};
use crate::error::{AnswerFacts, Error, ErrorKind};
use crate::exchange::{self, Form};
use crate::quote::Quoter;
use crate::secret::{Secret, extend_wiped};
use crate::server::Server;

/// The largest answer that is read, in bytes. A token is a few thousand.
const BODY_LIMIT: usize = 1024 * 1024;
/// Room for an answer whose length is not known, in bytes.
const BODY_ROOM: usize = 8 * 1024;
const FORM: HeaderValue = HeaderValue::from_static(exchange::FORM_TYPE);
const JSON: HeaderValue = HeaderValue::from_static(exchange::ACCEPTED_TYPE);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A POST to the credential endpoint.
pub(crate) struct Post {
    pub server: Server,
    pub api_key: Option<Secret>,
    pub form: Form,
}

/// Sends `post` and reads the whole answer, whatever its status.
///
/// # Errors
///
/// [`Network`](ErrorKind::Network), [`Tls`](ErrorKind::Tls); [`BadResponse`](ErrorKind::BadResponse) for an answer that
/// is not HTTP or over 1 MiB.
pub(crate) async fn send(clients: &Clients, post: Post) -> Result<Answer, Error> {
    let url = post.server.endpoint();
    let client = clients.of(url.scheme())?;
    let headers = headers(post.api_key.as_ref())?;
    let request = client
        .post(url.clone())
        .headers(headers)
        .body(Bytes::from_owner(post.form));
    // A kept connection that the server has closed meanwhile is found out before it is chosen.
    tokio::task::yield_now().await;
    let answer = async { read(request.send().await?).await };
    answer
        .await
        .map_err(|failure| failure.explain(&post.server.address()))
}

fn headers(api_key: Option<&Secret>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, FORM), (ACCEPT, JSON)]);
    if let Some(key) = api_key {
        let value = exchange::authorization(key);
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| Error::invalid_argument("The API key can not stand in a header."))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

async fn read(mut response: reqwest::Response) -> Result<Answer, Failure> {
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        content_type: header(CONTENT_TYPE),
        retry_after: header(RETRY_AFTER),
        request_id: header(REQUEST_ID),
        body: Zeroizing::default(),
    };
    let too_large = Failure::TooLarge {
        status: answer.status,
    };
    let announced = response
        .content_length()
        .and_then(|length| length.try_into().ok());
    if announced.is_some_and(|length: usize| length > BODY_LIMIT) {
        return Err(too_large);
    }
    answer.body.reserve_exact(announced.unwrap_or(BODY_ROOM));
    while let Some(chunk) = response.chunk().await? {
        if answer.body.len() + chunk.len() > BODY_LIMIT {
            return Err(too_large);
        }
        extend_wiped(&mut answer.body, &chunk);
    }
    Ok(answer)
}

/// Why no answer was read.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than 1 MiB")]
    TooLarge { status: u16 },
}

impl Failure {
    fn explain(self, host: &str) -> Error {
        let error = match self {
            Self::TooLarge { status } => {
                let what = format!("The answer from {host} is larger than 1 MiB and was not read.");
                return Error::new(ErrorKind::BadResponse, what).answered(AnswerFacts {
                    http_status: Some(status),
                    ..AnswerFacts::default()
                });
            }
            Self::Http(error) => error.without_url(),
        };
        // A server's certificate can put words into it.
        let why = Quoter::new([]).quote(&root_cause(&error).to_string(), 500);
        if is_caused(&error, hyper::Error::is_parse) {
            let what = format!("What {host} answered is not HTTP: {why}.");
            Error::new(ErrorKind::BadResponse, what)
        } else if is_caused(&error, |_: &rustls::Error| true) {
            Error::new(ErrorKind::Tls, format!("No secure connection to {host}: {why}."))
        } else if error.is_connect() && error.is_timeout() {
            let what = format!(
                "No connection to {host} within {} ms.",
                CONNECT_TIMEOUT.as_millis()
            );
            Error::new(ErrorKind::Network, what)
        } else if error.is_connect() {
            Error::new(ErrorKind::Network, format!("No connection to {host}: {why}."))
        } else {
            let what = format!("The connection to {host} failed: {why}.");
            Error::new(ErrorKind::Network, what)
        }
    }
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

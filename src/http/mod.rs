//! One request and its response, across the redirects that a Connect server makes.
//!
//! `client_pool` keeps clients and their connections; `connector` tells a reused connection from a new one.
//! `proxy` and `no_proxy` choose the route, `redirect` follows redirects, `dns` resolves names. `tls`, `roots` and
//! `system_roots` load certificates. `error` explains failed transfers.
//!
//! Imports `env`, `oauth` and everything below. `backend/retry.rs` decides whether a failed request is sent again.

#![forbid(unsafe_code)]

pub(crate) mod client_pool;
mod connector;
mod dns;
pub(crate) mod error;
mod no_proxy;
pub(crate) mod proxy;
mod redirect;
pub(crate) mod roots;
mod system_roots;
pub(crate) mod tls;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use connector::reused_a_connection;
use error::{Failure, TransportError};
use proxy::{Route, is_loopback};
use redirect::{Redirect, is_redirect, redirect};
use reqwest::Method;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use url::Url;
use zeroize::Zeroizing;

use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::endpoint::address;
use crate::oauth::response::ServerResponse;
use crate::oauth::token_exchange::{self, FormBody};
use crate::text::redact::Redactor;
use crate::text::secret::{Secret, extend_wiped};

/// The largest answer that is read, in bytes. A token is a few thousand.
const BODY_LIMIT: usize = 1024 * 1024;
/// Room for an answer whose length is not known, in bytes.
const BODY_ROOM: usize = 8 * 1024;
/// How much is repeated of a URL, in characters.
const URL_LIMIT: usize = 200;

const FORM: HeaderValue = HeaderValue::from_static(token_exchange::FORM_TYPE);
const JSON: HeaderValue = HeaderValue::from_static(token_exchange::ACCEPTED_TYPE);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request to the Connect server.
pub(crate) struct Request<'a> {
    pub url: &'a Url,
    pub api_key: Option<&'a Secret>,
    /// The body of a POST; without one the request is a GET.
    pub form: Option<FormBody>,
    /// Takes secrets out of messages.
    pub redactor: &'a Redactor<'a>,
    /// Names proxies and certificates.
    pub env: &'a EnvSnapshot,
}

/// The request sent to each address that redirects lead to.
struct Sent<'a> {
    method: Method,
    headers: HeaderMap,
    body: Option<Bytes>,
    redactor: &'a Redactor<'a>,
    env: &'a EnvSnapshot,
}

/// Sends `post` and reads the whole answer, whatever its status. Redirects on the same server are followed, and keep
/// the POST, its body and its key.
///
/// # Errors
///
/// [`Network`](ErrorKind::Network), [`Tls`](ErrorKind::Tls); [`BadResponse`](ErrorKind::BadResponse) for an answer that
/// is not HTTP or over 1 MiB, and for a redirect that is not followed.
pub(crate) async fn send(request: Request<'_>) -> Result<ServerResponse, Failure> {
    let sent = Sent {
        method: match request.form {
            Some(_) => Method::POST,
            None => Method::GET,
        },
        headers: headers(request.api_key, request.form.is_some())?,
        body: request.form.map(Bytes::from_owner),
        redactor: request.redactor,
        env: request.env,
    };
    let mut url = request.url.clone();
    for _ in 0..=redirect::MOST {
        warn_of_plain_http(&url, request.api_key);
        let response = connector::counted(sent.to(&url)).await?;
        if !is_redirect(response.status) {
            return Ok(response);
        }
        url = follow(&url, &response, sent.redactor)?;
        let to = sent.redactor.redact(url.as_str(), URL_LIMIT);
        log::info!("Following HTTP {} redirect to {to}", response.status);
    }
    let (from, most) = (address(request.url), redirect::MOST);
    let what = format!("{from} redirects more than {most} times.");
    Err(Error::new(ErrorKind::BadResponse, what).into())
}

/// Where a redirect from `url` leads, if it is followed.
fn follow(url: &Url, response: &ServerResponse, redactor: &Redactor<'_>) -> Result<Url, Error> {
    let from = address(url);
    let quoted = |to: &Url| redactor.redact(to.as_str(), URL_LIMIT);
    let what = match redirect(url, response.status, response.location.as_deref()) {
        Redirect::Follow(to) => return Ok(to),
        Redirect::Elsewhere(to) => {
            let to = quoted(&to);
            format!("{from} redirects to {to}, which is not the same server.")
        }
        Redirect::Changed(to) => {
            let to = quoted(&to);
            format!("{from} redirects to {to} with HTTP 303, which would turn the POST into a GET.")
        }
        Redirect::Nowhere => format!("{from} redirects, and does not say where to."),
    };
    let why = Error::new(ErrorKind::BadResponse, what)
        .because("Check that the server URL (CONNECT_SERVER) is that of the Connect server. The API key is never sent to a different server.");
    Err(response.report_failure(why, redactor))
}

impl Sent<'_> {
    /// Sends the request to `url` alone.
    async fn to(&self, url: &Url) -> Result<ServerResponse, Failure> {
        let route = Route::to(url, self.env)?;
        let client = client_pool::pool().client(url.scheme(), &route, self.env)?;
        // A redirect may have chosen it.
        let shown = format!(
            "{} {}{}",
            self.method,
            self.redactor.redact(url.as_str(), URL_LIMIT),
            route.describe()
        );
        log::debug!("{shown}");
        let began = Instant::now();
        let mut request = client
            .request(self.method.clone(), url.clone())
            .headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        // The pool notices idle connections that the server has closed before one is chosen.
        tokio::task::yield_now().await;
        let explain = |why| error::explain(why, url, &route, self.redactor);
        let response = request.send().await.map_err(|why| {
            let why = TransportError::from(why);
            Failure {
                // Nothing came: the server had closed an idle connection.
                on_dead_connection: why.is_of_connection() && reused_a_connection(),
                why: explain(why),
            }
        })?;
        let response = read(response).await.map_err(explain)?;
        log::info!(
            "{shown}: HTTP {} after {} ms, on a {} connection",
            response.status,
            began.elapsed().as_millis(),
            if reused_a_connection() { "reused" } else { "new" },
        );
        if response.status == 407 && route != Route::Direct {
            return Err(error::proxy_refuses(url, &route).into());
        }
        Ok(response)
    }
}

fn headers(api_key: Option<&Secret>, has_form: bool) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::from_iter([(ACCEPT, JSON)]);
    if has_form {
        headers.insert(CONTENT_TYPE, FORM);
    }
    if let Some(key) = api_key {
        let value = token_exchange::authorization(key);
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            Error::invalid_argument("The API key contains characters that are not allowed in an HTTP header.")
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Says once that a key goes over the network for everyone to read.
fn warn_of_plain_http(url: &Url, api_key: Option<&Secret>) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if url.scheme() == "http"
        && !is_loopback(url)
        && api_key.is_some()
        && !WARNED.swap(true, Ordering::Relaxed)
    {
        log::warning!(
            "The API key and tokens go to {} unencrypted, also when it redirects to https: change CONNECT_SERVER to https.",
            address(url)
        );
    }
}

async fn read(mut incoming: reqwest::Response) -> Result<ServerResponse, TransportError> {
    let header = |name: HeaderName| {
        let value = incoming.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut response = ServerResponse {
        status: incoming.status().as_u16(),
        content_type: header(CONTENT_TYPE),
        retry_after: header(RETRY_AFTER),
        request_id: header(REQUEST_ID),
        location: header(LOCATION),
        body: Zeroizing::default(),
    };
    let announced = incoming
        .content_length()
        .and_then(|length| length.try_into().ok());
    if announced.is_some_and(|length: usize| length > BODY_LIMIT) {
        return Err(TransportError::TooLarge(response));
    }
    response.body.reserve_exact(announced.unwrap_or(BODY_ROOM));
    while let Some(chunk) = incoming.chunk().await? {
        if response.body.len() + chunk.len() > BODY_LIMIT {
            return Err(TransportError::TooLarge(response));
        }
        extend_wiped(&mut response.body, &chunk);
    }
    Ok(response)
}

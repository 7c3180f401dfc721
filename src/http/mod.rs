//! One POST and its answer, across the redirects that a Connect server makes.

#![forbid(unsafe_code)]

pub(crate) mod client_pool;
mod connection_counter;
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
use client_pool::ClientPool;
use error::{Failure, TransportError};
use proxy::{Route, is_loopback};
use redirect::{Redirect, is_redirect, redirect};
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

/// A POST to the credential endpoint.
pub(crate) struct Post<'a> {
    pub endpoint: &'a Url,
    pub api_key: Option<&'a Secret>,
    pub form: FormBody,
    /// Knows what must not stand in a message.
    pub redactor: &'a Redactor<'a>,
}

/// Sends `post` and reads the whole answer, whatever its status. Redirects on the same server are followed, and keep
/// the POST, its body and its key.
///
/// # Errors
///
/// [`Network`](ErrorKind::Network), [`Tls`](ErrorKind::Tls); [`BadResponse`](ErrorKind::BadResponse) for an answer that
/// is not HTTP or over 1 MiB, and for a redirect that is not followed.
pub(crate) async fn send(clients: &ClientPool, post: Post<'_>) -> Result<ServerResponse, Failure> {
    let headers = headers(post.api_key)?;
    let body = Bytes::from_owner(post.form);
    let mut url = post.endpoint.clone();
    for _ in 0..=redirect::MOST {
        warn_of_plain_http(&url, post.api_key);
        let response = send_once(clients, &url, &headers, &body, post.redactor).await?;
        if !is_redirect(response.status) {
            return Ok(response);
        }
        url = follow(&url, &response, post.redactor)?;
        let to = post.redactor.redact(url.as_str(), URL_LIMIT);
        log::info!("Redirected by HTTP {} to {to}", response.status);
    }
    let (from, most) = (address(post.endpoint), redirect::MOST);
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
            format!("{from} redirects to {to} by HTTP 303, which makes another request of a POST.")
        }
        Redirect::Nowhere => format!("{from} redirects, and does not say where to."),
    };
    let why = Error::new(ErrorKind::BadResponse, what)
        .because("Is CONNECT_SERVER the address of Connect? The key is not sent to another one.");
    Err(response.report_failure(why, redactor))
}

/// Sends the request to `url` alone.
async fn send_once(
    clients: &ClientPool,
    url: &Url,
    headers: &HeaderMap,
    body: &Bytes,
    redactor: &Redactor<'_>,
) -> Result<ServerResponse, Failure> {
    let env = EnvSnapshot::take();
    let route = Route::to(url, &env)?;
    let client = clients.of(url.scheme(), &route, &env)?;
    // A redirect chose it, perhaps.
    let shown = || format!("{}{}", redactor.redact(url.as_str(), URL_LIMIT), route.words());
    log::debug!("POST {}", shown());
    let began = Instant::now();
    let request = client
        .post(url.clone())
        .headers(headers.clone())
        .body(body.clone());
    // A kept connection that the server has closed meanwhile is found out before it is chosen.
    tokio::task::yield_now().await;
    let connections = clients.connections();
    let explain = |unread| error::unread(unread, url, &route, redactor);
    let response = request.send().await.map_err(|why| {
        let unread = TransportError::from(why);
        Failure {
            // Nothing came: the server had closed a connection that was kept.
            on_dead_connection: unread.is_of_connection() && clients.connections() == connections,
            why: explain(unread),
        }
    })?;
    let response = read(response).await.map_err(explain)?;
    log::info!(
        "POST {}: HTTP {} after {} ms, on a {} connection",
        shown(),
        response.status,
        began.elapsed().as_millis(),
        if clients.connections() == connections {
            "kept"
        } else {
            "new"
        },
    );
    if response.status == 407 && route != Route::Straight {
        return Err(error::proxy_refuses(url, &route).into());
    }
    Ok(response)
}

fn headers(api_key: Option<&Secret>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, FORM), (ACCEPT, JSON)]);
    if let Some(key) = api_key {
        let value = token_exchange::authorization(key);
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| Error::invalid_argument("The API key can not stand in a header."))?;
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

//! The kinds of credentials: who may ask for them, whose token is exchanged, and with which words it fails.

#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock;
use crate::environment;
use crate::error::{Error, ErrorKind};
use crate::exchange::{Exchange, Wanted, token_type};
use crate::quote::Quoter;
use crate::request::Request;
use crate::secret::Secret;
use crate::server::Server;
use crate::token::Token;
use crate::transport::{self, Post};

/// First lines of messages, in the words of the R package connectcreds.
struct Words {
    only_on_connect: &'static str,
    not_supported: &'static str,
    cannot_fetch: &'static str,
}

const SERVICE_ACCOUNT: Words = Words {
    only_on_connect: "Service account credentials are only available when running on Connect.",
    not_supported: "Service account credentials are not supported by this version of Connect.",
    cannot_fetch: "Cannot fetch service account credentials from the Connect server.",
};
const VIEWER: Words = Words {
    only_on_connect: "Viewer-based credentials are only available when running on Connect.",
    not_supported: "Viewer-based credentials are not supported by this version of Connect.",
    cannot_fetch: "Cannot fetch viewer-based credentials for the current session.",
};
const WORKLOAD: Words = Words {
    only_on_connect: "Workload identity tokens are only available when running on Connect.",
    not_supported: "Workload identity tokens are not supported by this version of Connect.",
    cannot_fetch: "Cannot fetch workload identity token from the Connect server.",
};
const NO_SESSION: &str = "Viewer-based credentials are only available in a viewer's session.";
const CANNOT_EXCHANGE: &str = "Cannot exchange the token at the Connect server.";
const NO_SERVER: &str = "A Connect server URL is required to retrieve credentials.";
const NO_SERVER_HELP: &str =
    "Set the environment variable CONNECT_SERVER, or call cc_request_set_server_url().";
const NO_API_KEY: &str = "A valid Connect API key is required to retrieve credentials.";
const NO_API_KEY_HELP: &str =
    "Set the environment variable CONNECT_API_KEY, or call cc_request_set_api_key().";

/// The token of the service account of an integration that is associated with this content.
///
/// Blocks until the server has answered or the request's timeout has passed, as all functions here.
///
/// # Errors
///
/// In this order: not on Connect, no session token, no server, no API key; then what the exchange brought.
pub fn service_account_token(request: &Request) -> Result<Arc<Token>, Error> {
    require_connect(&SERVICE_ACCOUNT)?;
    let wanted = request.wanted.clone();
    exchange(
        &SERVICE_ACCOUNT,
        content_subject(&SERVICE_ACCOUNT, request, wanted)?,
        request,
    )
}

/// The token of the viewer whose session token Connect sent with the request for the page, in the header
/// `Posit-Connect-User-Session-Token`.
///
/// `None` says that there is no viewer's session, `Some("")` that there is one and Connect sent no token.
///
/// # Errors
///
/// As [`service_account_token`].
pub fn viewer_token(session_token: Option<&str>, request: &Request) -> Result<Arc<Token>, Error> {
    viewer_token_of(session_token.map(str::as_bytes), request)
}

/// [`viewer_token`] with a session token that was not looked at yet: being on Connect is asked first.
pub(crate) fn viewer_token_of(session_token: Option<&[u8]>, request: &Request) -> Result<Arc<Token>, Error> {
    require_connect(&VIEWER)?;
    let session_token = session_token.ok_or_else(|| Error::new(ErrorKind::NoSession, NO_SESSION))?;
    let session_token = subject(session_token, "session token")?
        .ok_or_else(|| Error::new(ErrorKind::NotSupported, VIEWER.not_supported))?;
    let subject = Exchange {
        subject_token: session_token,
        subject_token_type: token_type::USER_SESSION.into(),
        wanted: request.wanted.clone(),
    };
    exchange(&VIEWER, subject, request)
}

/// An OpenID Connect id token that says which content this is, for services that trust the Connect server.
///
/// # Errors
///
/// As [`service_account_token`]; and when another token type was requested.
pub fn workload_token(request: &Request) -> Result<Arc<Token>, Error> {
    let mut wanted = request.wanted.clone();
    let id_token = wanted
        .requested_token_type
        .get_or_insert(token_type::ID_TOKEN.into());
    if id_token != token_type::ID_TOKEN {
        return Err(Error::invalid_argument(
            "A workload identity token is an id token: no other token type can be requested.",
        ));
    }
    require_connect(&WORKLOAD)?;
    exchange(&WORKLOAD, content_subject(&WORKLOAD, request, wanted)?, request)
}

/// Any exchange with the server's credential endpoint (RFC 8693), on Connect or not: identity federation, for one.
///
/// An API key is sent when the request or the environment has one.
///
/// # Errors
///
/// When the subject token or its type is empty; when there is no server; then what the exchange brought.
pub fn exchange_token(
    subject_token: &str,
    subject_token_type: &str,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    exchange_token_of(subject_token.as_bytes(), subject_token_type.as_bytes(), request)
}

pub(crate) fn exchange_token_of(
    subject_token: &[u8],
    subject_token_type: &[u8],
    request: &Request,
) -> Result<Arc<Token>, Error> {
    let missing = |what: &str| Error::invalid_argument(format!("A {what} is required."));
    let subject_token = subject(subject_token, "subject token")?.ok_or_else(|| missing("subject token"))?;
    let subject_token_type = crate::text::accept(subject_token_type, "subject token type")?
        .ok_or_else(|| missing("subject token type"))?;
    let exchange = Exchange {
        subject_token,
        subject_token_type: Cow::Owned(subject_token_type.to_owned()),
        wanted: request.wanted.clone(),
    };
    let server = server(request)?;
    send(&exchange, &server, api_key(request)?.as_ref(), request).map_err(|why| why.under(CANNOT_EXCHANGE))
}

/// Whether [`service_account_token`] would give a token. Blocks as it does.
pub fn has_service_account_token(request: &Request) -> bool {
    service_account_token(request).is_ok()
}

/// Whether [`viewer_token`] would give a token. Blocks as it does.
pub fn has_viewer_token(session_token: Option<&str>, request: &Request) -> bool {
    viewer_token(session_token, request).is_ok()
}

/// Whether [`workload_token`] would give a token. Blocks as it does.
pub fn has_workload_token(request: &Request) -> bool {
    workload_token(request).is_ok()
}

fn require_connect(words: &Words) -> Result<(), Error> {
    match environment::running_on_connect() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotOnConnect, words.only_on_connect)),
    }
}

fn content_subject(words: &Words, request: &Request, wanted: Wanted) -> Result<Exchange, Error> {
    let not_supported = || Error::new(ErrorKind::NotSupported, words.not_supported);
    let token = match &request.content_token {
        Some(token) => token.clone(),
        None => environment::content_token()
            .map_err(|why| match why.kind() {
                ErrorKind::NotSupported => why.under(words.not_supported),
                _ => why,
            })?
            .ok_or_else(not_supported)?,
    };
    Ok(Exchange {
        subject_token: token,
        subject_token_type: token_type::CONTENT_SESSION.into(),
        wanted,
    })
}

fn subject(token: &[u8], what: &str) -> Result<Option<Secret>, Error> {
    Ok(crate::text::accept(token, what)?.map(Secret::new))
}

fn exchange(words: &Words, exchange: Exchange, request: &Request) -> Result<Arc<Token>, Error> {
    let server = server(request)?;
    let api_key = api_key(request)?
        .ok_or_else(|| Error::new(ErrorKind::NoApiKey, NO_API_KEY).because(NO_API_KEY_HELP))?;
    send(&exchange, &server, Some(&api_key), request).map_err(|why| why.under(words.cannot_fetch))
}

fn server(request: &Request) -> Result<Server, Error> {
    match &request.server {
        Some(server) => Ok(server.clone()),
        None => environment::server()?
            .ok_or_else(|| Error::new(ErrorKind::NoServer, NO_SERVER).because(NO_SERVER_HELP)),
    }
}

fn api_key(request: &Request) -> Result<Option<Secret>, Error> {
    match &request.api_key {
        Some(key) => Ok(Some(key.clone())),
        None => environment::api_key(),
    }
}

fn send(
    exchange: &Exchange,
    server: &Server,
    api_key: Option<&Secret>,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    let asked_at = clock::now();
    let answer = transport::send(Post {
        url: server.endpoint(),
        api_key,
        form: exchange.form(),
        timeout: request.timeout,
    })?;
    let quoter = Quoter::new(exchange.secrets().chain(api_key.map(Secret::expose)));
    answer.read(asked_at, &quoter).map(Arc::new)
}

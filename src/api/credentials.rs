//! The kinds of credentials: what each requires, which subject token is exchanged, and the words of its failure.

#![forbid(unsafe_code)]

use std::sync::Arc;

use super::context::CallContext;
use super::environment::CallEnvironment;
use super::outcome::{Words, conclude, in_words};
use super::perform::{Call, Perform, get, start};
use super::request::Request;
use super::started::StartedCall;
use crate::cache::key::Subject;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::token::Token;
use crate::oauth::token_exchange::token_type;
use crate::text::hash::Part;
use crate::text::validate::validate;

const SERVICE_ACCOUNT: Words = Words {
    what: "Service account token",
    only_on_connect: "Service account credentials are only available when running on Connect.",
    not_supported: "Service account credentials are not supported by this version of Connect.",
    cannot_fetch: "Cannot fetch service account credentials from the Connect server.",
};
const VIEWER: Words = Words {
    what: "Viewer token",
    only_on_connect: "Viewer-based credentials are only available when running on Connect.",
    not_supported: "Viewer-based credentials are not supported by this version of Connect.",
    cannot_fetch: "Cannot fetch viewer-based credentials for the current session.",
};
const WORKLOAD: Words = Words {
    what: "Workload token",
    only_on_connect: "Workload identity tokens are only available when running on Connect.",
    not_supported: "Workload identity tokens are not supported by this version of Connect.",
    cannot_fetch: "Cannot fetch workload identity token from the Connect server.",
};
const NO_SESSION: &str = "Viewer-based credentials are only available in a viewer's session.";
const EMPTY_SESSION_TOKEN: &str = "The session token of the viewer is empty. Connect sends it in the header \
     Posit-Connect-User-Session-Token of the viewer's request: check that no proxy or framework drops that header.";
const MOCKED_SESSION: &str = "No session token was given: the mock supplies one. Outside a mock this call fails with \
     CC_ERR_NO_SESSION.";
const CANNOT_EXCHANGE: &str = "Cannot exchange the token at the Connect server.";

/// The words of a generic exchange, which requires neither Connect nor a session.
const EXCHANGE: Words = Words {
    what: "Token exchange",
    only_on_connect: "",
    not_supported: "",
    cannot_fetch: CANNOT_EXCHANGE,
};

/// Returns the token of the service account of an integration that is associated with this content.
///
/// Blocks until the server has answered or the request's timeout has passed, as all functions here.
///
/// # Errors
///
/// In this order: not on Connect, no session token, no server, no API key; then the exchange's errors.
pub fn service_account_token(request: &Request) -> Result<Arc<Token>, Error> {
    conclude(service_account(request, get))
}

/// Starts a call of [`service_account_token`]: returns without waiting.
///
/// # Errors
///
/// Those that need no exchange, and [`Network`](ErrorKind::Network) when no background thread can be started.
pub fn service_account_token_start(request: &Request) -> Result<StartedCall, Error> {
    conclude(service_account(request, start))
}

fn service_account<T>(request: &Request, perform: impl Perform<T>) -> Result<T, Error> {
    let context = CallContext::now();
    let environment = CallEnvironment::of(&context);
    require_connect(&SERVICE_ACCOUNT, request, &environment)?;
    let subject = content(request, &environment).map_err(|why| in_words(why, &SERVICE_ACCOUNT))?;
    let types = (
        token_type::CONTENT_SESSION,
        request.requested_token_type.as_deref(),
    );
    perform(&Call::new(
        &SERVICE_ACCOUNT,
        subject,
        types,
        (&context, &environment),
        request,
    ))
}

/// Returns the token of the viewer whose session token Connect sent with the request for the page, in the header
/// `Posit-Connect-User-Session-Token`.
///
/// `None` means that there is no viewer's session, `Some("")` that there is one for which Connect sent no token.
///
/// # Errors
///
/// As [`service_account_token`]; and [`NoSession`](ErrorKind::NoSession) for `None`.
pub fn viewer_token(session_token: Option<&str>, request: &Request) -> Result<Arc<Token>, Error> {
    viewer_token_from_bytes(session_token.map(str::as_bytes), request)
}

/// [`viewer_token`] with a session token that is not validated yet: whether the process runs on Connect is checked first.
pub(crate) fn viewer_token_from_bytes(
    session_token: Option<&[u8]>,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    conclude(viewer(session_token, request, get))
}

/// Starts a call of [`viewer_token`]: returns without waiting.
///
/// # Errors
///
/// As [`service_account_token_start`]; and [`NoSession`](ErrorKind::NoSession) for `None`.
pub fn viewer_token_start(session_token: Option<&str>, request: &Request) -> Result<StartedCall, Error> {
    viewer_token_start_from_bytes(session_token.map(str::as_bytes), request)
}

pub(crate) fn viewer_token_start_from_bytes(
    session_token: Option<&[u8]>,
    request: &Request,
) -> Result<StartedCall, Error> {
    conclude(viewer(session_token, request, start))
}

fn viewer<T>(session_token: Option<&[u8]>, request: &Request, perform: impl Perform<T>) -> Result<T, Error> {
    let context = CallContext::now();
    let environment = CallEnvironment::of(&context);
    require_connect(&VIEWER, request, &environment)?;
    let session_token = match session_token {
        Some([]) => {
            return Err(
                Error::new(ErrorKind::NotSupported, VIEWER.not_supported).because(EMPTY_SESSION_TOKEN)
            );
        }
        Some(token) => token,
        None => {
            let mocked = environment.viewer_token();
            let mocked = mocked.ok_or_else(|| Error::new(ErrorKind::NoSession, NO_SESSION))?;
            log::info!("{MOCKED_SESSION}");
            mocked
        }
    };
    let subject = Subject::Given(Part::new(session_token));
    let types = (token_type::USER_SESSION, request.requested_token_type.as_deref());
    perform(&Call::new(
        &VIEWER,
        subject,
        types,
        (&context, &environment),
        request,
    ))
}

/// Returns an OpenID Connect id token that identifies this content, for services that trust the Connect server.
///
/// # Errors
///
/// As [`service_account_token`]; and when the request asks for another token type.
pub fn workload_token(request: &Request) -> Result<Arc<Token>, Error> {
    conclude(workload(request, get))
}

/// Starts a call of [`workload_token`]: returns without waiting.
///
/// # Errors
///
/// As [`service_account_token_start`]; and when the request asks for another token type.
pub fn workload_token_start(request: &Request) -> Result<StartedCall, Error> {
    conclude(workload(request, start))
}

fn workload<T>(request: &Request, perform: impl Perform<T>) -> Result<T, Error> {
    if request
        .requested_token_type
        .as_deref()
        .is_some_and(|requested| requested != token_type::ID_TOKEN)
    {
        return Err(Error::invalid_argument(
            "A workload identity token is an id token: no other token type can be requested.",
        ));
    }
    let context = CallContext::now();
    let environment = CallEnvironment::of(&context);
    require_connect(&WORKLOAD, request, &environment)?;
    let subject = content(request, &environment).map_err(|why| in_words(why, &WORKLOAD))?;
    let types = (token_type::CONTENT_SESSION, Some(token_type::ID_TOKEN));
    perform(&Call::new(
        &WORKLOAD,
        subject,
        types,
        (&context, &environment),
        request,
    ))
}

/// Performs any other exchange with the server's credential endpoint (RFC 8693), on Connect or not: identity federation,
/// for example.
///
/// An API key is sent when the request or the environment has one.
///
/// # Errors
///
/// When the subject token or its type is empty; when there is no server; then the exchange's errors.
pub fn exchange_token(
    subject_token: &str,
    subject_token_type: &str,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    exchange_token_from_bytes(subject_token.as_bytes(), subject_token_type.as_bytes(), request)
}

/// [`exchange_token`] with text that is not validated yet.
pub(crate) fn exchange_token_from_bytes(
    subject_token: &[u8],
    subject_token_type: &[u8],
    request: &Request,
) -> Result<Arc<Token>, Error> {
    conclude(exchange(subject_token, subject_token_type, request, get))
}

/// Starts a call of [`exchange_token`]: returns without waiting.
///
/// # Errors
///
/// When the subject token or its type is empty; when there is no server; and [`Network`](ErrorKind::Network) when no
/// background thread can be started.
pub fn exchange_token_start(
    subject_token: &str,
    subject_token_type: &str,
    request: &Request,
) -> Result<StartedCall, Error> {
    exchange_token_start_from_bytes(subject_token.as_bytes(), subject_token_type.as_bytes(), request)
}

pub(crate) fn exchange_token_start_from_bytes(
    subject_token: &[u8],
    subject_token_type: &[u8],
    request: &Request,
) -> Result<StartedCall, Error> {
    conclude(exchange(subject_token, subject_token_type, request, start))
}

fn exchange<T>(
    subject_token: &[u8],
    subject_token_type: &[u8],
    request: &Request,
    perform: impl Perform<T>,
) -> Result<T, Error> {
    if subject_token.is_empty() {
        return Err(Error::invalid_argument("A subject token is required."));
    }
    let subject_token_type = validate(subject_token_type, "subject token type")?
        .ok_or_else(|| Error::invalid_argument("A subject token type is required."))?;
    let context = CallContext::now();
    let environment = CallEnvironment::of(&context);
    let subject = Subject::Given(Part::new(subject_token));
    let types = (subject_token_type, request.requested_token_type.as_deref());
    perform(&Call::new(
        &EXCHANGE,
        subject,
        types,
        (&context, &environment),
        request,
    ))
}

/// Returns whether [`service_account_token`] would succeed. Blocks as it does.
pub fn has_service_account_token(request: &Request) -> bool {
    service_account_token(request).is_ok()
}

/// Returns whether [`viewer_token`] would succeed. Blocks as it does.
pub fn has_viewer_token(session_token: Option<&str>, request: &Request) -> bool {
    viewer_token(session_token, request).is_ok()
}

/// Returns whether [`workload_token`] would succeed. Blocks as it does.
pub fn has_workload_token(request: &Request) -> bool {
    workload_token(request).is_ok()
}

/// Returns whether this process runs as content on Posit Connect or Connect Cloud; inside a [`Mock`](crate::Mock),
/// whether the mock says so.
pub fn running_on_connect() -> bool {
    CallEnvironment::of(&CallContext::now()).running_on_connect()
}

#[inline]
fn require_connect(words: &Words, request: &Request, environment: &CallEnvironment) -> Result<(), Error> {
    match request.on_connect || environment.running_on_connect() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotOnConnect, words.only_on_connect)),
    }
}

#[inline]
fn content<'a>(request: &'a Request, environment: &'a CallEnvironment) -> Result<Subject<'a>, Error> {
    match &request.content_token {
        Some(token) => Ok(Subject::Given(token.part())),
        None => environment.content_token(),
    }
}

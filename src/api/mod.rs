//! The kinds of credentials: who may ask for them, whose token is exchanged, and with which words it fails.

#![forbid(unsafe_code)]

pub(crate) mod context;
pub(crate) mod diagnostics;
pub(crate) mod request;

use std::sync::Arc;

use crate::api::request::Request;
use crate::cache::key::{CacheKeyRef, Subject};
use crate::cache::store::TokenCriteria;
use crate::cache::wait::WaitOptions;
use crate::env::Environment;
use crate::error::{Error, ErrorKind};
use crate::log::{self, Level};
use crate::oauth::token::Token;
use crate::oauth::token_exchange::token_type;
use crate::text::hash::{Hashed, Part};
use crate::text::validate::validate;
use context::CallContext;

/// First lines of messages, in the words of the R package connectcreds.
struct Words {
    /// For the log.
    what: &'static str,
    /// Empty: it is available everywhere, and without an API key too.
    only_on_connect: &'static str,
    not_supported: &'static str,
    cannot_fetch: &'static str,
}

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
const CANNOT_EXCHANGE: &str = "Cannot exchange the token at the Connect server.";

/// The words of a generic exchange, which needs neither Connect nor a session.
const EXCHANGE: Words = Words {
    what: "Token exchange",
    only_on_connect: "",
    not_supported: "",
    cannot_fetch: CANNOT_EXCHANGE,
};

/// The token of the service account of an integration that is associated with this content.
///
/// Blocks until the server has answered or the request's timeout has passed, as all functions here.
///
/// # Errors
///
/// In this order: not on Connect, no session token, no server, no API key; then what the exchange brought.
pub fn service_account_token(request: &Request) -> Result<Arc<Token>, Error> {
    let context = CallContext::now();
    let requested = request.requested_token_type.as_deref();
    report_failure(get(
        &context,
        &SERVICE_ACCOUNT,
        content(request, context.environment()),
        token_type::CONTENT_SESSION,
        requested,
        request,
    ))
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
    report_failure(viewer(session_token, request))
}

fn viewer(session_token: Option<&[u8]>, request: &Request) -> Result<Arc<Token>, Error> {
    let context = CallContext::now();
    let session_token = match session_token.or(context.environment().viewer_token()) {
        Some(token) if !token.is_empty() => token,
        absent => {
            require_connect(&VIEWER, request, context.environment())?;
            return Err(match absent {
                Some(_) => Error::new(ErrorKind::NotSupported, VIEWER.not_supported),
                None => Error::new(ErrorKind::NoSession, NO_SESSION),
            });
        }
    };
    let requested = request.requested_token_type.as_deref();
    let subject = Subject::Given(Part::new(session_token));
    get(
        &context,
        &VIEWER,
        subject,
        token_type::USER_SESSION,
        requested,
        request,
    )
}

/// An OpenID Connect id token that says which content this is, for services that trust the Connect server.
///
/// # Errors
///
/// As [`service_account_token`]; and when another token type was requested.
pub fn workload_token(request: &Request) -> Result<Arc<Token>, Error> {
    report_failure(workload(request))
}

fn workload(request: &Request) -> Result<Arc<Token>, Error> {
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
    let requested = Some(token_type::ID_TOKEN);
    get(
        &context,
        &WORKLOAD,
        content(request, context.environment()),
        token_type::CONTENT_SESSION,
        requested,
        request,
    )
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
    report_failure(exchange(subject_token, subject_token_type, request))
}

fn exchange(subject_token: &[u8], subject_token_type: &[u8], request: &Request) -> Result<Arc<Token>, Error> {
    if subject_token.is_empty() {
        return Err(Error::invalid_argument("A subject token is required."));
    }
    let subject_token_type = validate(subject_token_type, "subject token type")?
        .ok_or_else(|| Error::invalid_argument("A subject token type is required."))?;
    let requested = request.requested_token_type.as_deref();
    get(
        &CallContext::now(),
        &EXCHANGE,
        Subject::Given(Part::new(subject_token)),
        subject_token_type,
        requested,
        request,
    )
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

/// Whether this process runs as content on Posit Connect or Connect Cloud, or seems to, inside a [`Mock`](crate::Mock).
pub fn running_on_connect() -> bool {
    CallContext::now().environment().running_on_connect()
}

fn require_connect(words: &Words, request: &Request, environment: Environment) -> Result<(), Error> {
    match words.only_on_connect.is_empty() || request.on_connect || environment.running_on_connect() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotOnConnect, words.only_on_connect)),
    }
}

#[inline]
fn content(request: &Request, environment: Environment) -> Subject<'_> {
    match &request.content_token {
        Some(token) => Subject::Given(token.part()),
        None => Subject::ambient(environment),
    }
}

/// What the request says, else what the environment says.
#[inline]
fn given_or(hashed: &Option<Hashed>, ambient: impl FnOnce() -> Part<'static>) -> Part<'_> {
    match hashed {
        Some(given) => given.part(),
        None => ambient(),
    }
}

fn get(
    context: &CallContext,
    words: &Words,
    subject: Subject<'_>,
    subject_token_type: &str,
    requested_token_type: Option<&str>,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    let environment = context.environment();
    require_connect(words, request, environment)?;
    let key_ref = CacheKeyRef {
        subject,
        subject_token_type,
        requested_token_type,
        server: given_or(&request.server, || environment.server()),
        api_key: given_or(&request.api_key, || environment.api_key()),
        api_key_required: !words.only_on_connect.is_empty(),
        params: &request.wanted,
    };
    let criteria = TokenCriteria {
        min_validity_ms: request.min_validity_ms,
        force_refresh: request.force_refresh,
    };
    if let Some(token) = context.cached(&key_ref, criteria) {
        log::debug!("{}: from the cache{}", words.what, until(&token, context));
        return Ok(token);
    }
    if log::is_on(Level::Debug) {
        let why = context.miss_reason(&key_ref, criteria);
        log::debug!("{}: not from the cache, {why}", words.what);
        log::debug!("Set in the environment: {}", environment.names());
    }
    let options = WaitOptions {
        criteria,
        timeout: request.timeout,
        cancelled: request.cancelled.as_ref().map(|cancelled| &*cancelled.0),
    };
    key_ref
        .to_key()
        .and_then(|key| context.obtain(key, &options))
        .inspect(|token| log::info!("{}: there is one{}", words.what, until(token, context)))
        .map_err(|why| in_words(why, words))
}

/// When a token expires, for the log.
fn until(token: &Token, context: &CallContext) -> String {
    match token.expires_at() {
        Some(at) => format!(", which expires in {} s", at - context.time().unix_s()),
        None => ", which does not say when it expires".to_owned(),
    }
}

/// Tells the log, and the next report, of a call that failed.
fn report_failure<T>(result: Result<T, Error>) -> Result<T, Error> {
    result.inspect_err(|why| {
        let level = match why.kind() {
            // That there are none here is what the caller wanted to know.
            ErrorKind::NotOnConnect | ErrorKind::NoSession | ErrorKind::NotSupported => Level::Info,
            _ => Level::Error,
        };
        log::line!(level, "{why}");
        diagnostics::record(why);
    })
}

/// The error below the sentence that says what could not be done.
fn in_words(why: Error, words: &Words) -> Error {
    match why.kind() {
        ErrorKind::InvalidArgument | ErrorKind::NoServer | ErrorKind::NoApiKey => why,
        ErrorKind::NotSupported => why.with_headline(words.not_supported),
        _ => why.with_headline(words.cannot_fetch),
    }
}

/// Drops every cached token and remembered refusal; inside a [`Mock`](crate::Mock), those of the mock.
pub fn clear_cache() {
    CallContext::now().clear();
}

/// Drops all that is held for a viewer's session token: the viewer left. Inside a [`Mock`](crate::Mock), what the mock
/// holds for it.
pub fn forget_session(session_token: &str) {
    CallContext::now().forget_session(session_token);
}

/// Drops a token from the cache, since the service it is for refused it; a newer one that is there already stays. Says
/// whether it was dropped.
pub fn invalidate(token: &Token) -> bool {
    context::invalidate(token)
}

/// A report for a bug ticket: what the library sees of its surroundings, its settings and counts, and the last error of
/// each kind. No secret stands in it. Reads files.
pub fn diagnose() -> String {
    let context = CallContext::now();
    diagnostics::report(context.environment(), context.stats())
}

//! The kinds of credentials: what each requires, which subject token is exchanged, and how its failure is worded.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::Arc;

use super::context::{CallContext, Started};
use super::diagnostics;
use super::environment::CallEnvironment;
use super::request::{Cancelled, Request};
use super::started::StartedCall;
use crate::cache::key::{CacheKeyRef, Subject};
use crate::cache::store::TokenCriteria;
use crate::cache::wait::WaitOptions;
use crate::error::{Error, ErrorKind};
use crate::log::{self, Level};
use crate::oauth::token::Token;
use crate::oauth::token_exchange::token_type;
use crate::text::hash::{Hashed, Part};
use crate::text::validate::validate;

/// First lines of messages, in the words of the R package connectcreds, so that a search finds both.
pub(super) struct Words {
    /// For the log.
    what: &'static str,
    /// Empty: available everywhere, and without an API key.
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
    let call = Call {
        words: &SERVICE_ACCOUNT,
        subject: content(request, &environment).map_err(|why| in_words(why, &SERVICE_ACCOUNT))?,
        subject_token_type: token_type::CONTENT_SESSION,
        requested_token_type: request.requested_token_type.as_deref(),
    };
    perform(call, &context, &environment, request)
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
    let call = Call {
        words: &VIEWER,
        subject: Subject::Given(Part::new(session_token)),
        subject_token_type: token_type::USER_SESSION,
        requested_token_type: request.requested_token_type.as_deref(),
    };
    perform(call, &context, &environment, request)
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
    let call = Call {
        words: &WORKLOAD,
        subject: content(request, &environment).map_err(|why| in_words(why, &WORKLOAD))?,
        subject_token_type: token_type::CONTENT_SESSION,
        requested_token_type: Some(token_type::ID_TOKEN),
    };
    perform(call, &context, &environment, request)
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
    let call = Call {
        words: &EXCHANGE,
        subject: Subject::Given(Part::new(subject_token)),
        subject_token_type,
        requested_token_type: request.requested_token_type.as_deref(),
    };
    perform(call, &context, &CallEnvironment::of(&context), request)
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

/// The request's value, else the environment's.
#[inline]
pub(super) fn given_or<'a>(given: &'a Option<Hashed>, ambient: impl FnOnce() -> Part<'a>) -> Part<'a> {
    match given {
        Some(given) => given.part(),
        None => ambient(),
    }
}

/// A call that is allowed here: the exchange that it stands for.
struct Call<'a> {
    words: &'static Words,
    subject: Subject<'a>,
    subject_token_type: &'a str,
    requested_token_type: Option<&'a str>,
}

/// How a call is performed: [`get`] waits for it, [`start`] returns at once.
trait Perform<T>: FnOnce(Call<'_>, &CallContext, &CallEnvironment, &Request) -> Result<T, Error> {}

impl<T, F> Perform<T> for F where
    F: FnOnce(Call<'_>, &CallContext, &CallEnvironment, &Request) -> Result<T, Error>
{
}

#[inline]
fn get(
    call: Call<'_>,
    context: &CallContext,
    environment: &CallEnvironment,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    let (key_ref, criteria) = call.key(environment, request);
    if let Some(token) = call.cached(&key_ref, criteria, context, environment) {
        return Ok(token);
    }
    let what = call.words.what;
    obtain(&key_ref, criteria, context, request)
        .inspect(|token| log::info!("{what}: obtained{}", until(token, context)))
        .map_err(|why| in_words(why, call.words))
}

fn start(
    call: Call<'_>,
    context: &CallContext,
    environment: &CallEnvironment,
    request: &Request,
) -> Result<StartedCall, Error> {
    let (key_ref, criteria) = call.key(environment, request);
    let words = call.words;
    if let Some(token) = call.cached(&key_ref, criteria, context, environment) {
        return Ok(StartedCall::done(token));
    }
    let started = key_ref.to_key_without_files().and_then(|key| {
        if request.timeout.is_some_and(|timeout| timeout.is_zero()) {
            let old = context.old_token(&key, criteria);
            return old.map(Started::Done).ok_or_else(no_time_left);
        }
        context.start(key, request.timeout, criteria)
    });
    match started.map_err(|why| in_words(why, words))? {
        Started::Done(token) => Ok(StartedCall::done(token)),
        Started::Pending(call) => Ok(StartedCall::pending(words, call)),
    }
}

impl Call<'_> {
    /// Inlined: every hit builds one, and would copy it.
    #[inline(always)]
    fn key<'a>(
        &'a self,
        environment: &'a CallEnvironment,
        request: &'a Request,
    ) -> (CacheKeyRef<'a>, TokenCriteria) {
        let key_ref = CacheKeyRef {
            subject: self.subject,
            subject_token_type: self.subject_token_type,
            requested_token_type: self.requested_token_type,
            server: given_or(&request.server, || environment.server()),
            api_key: given_or(&request.api_key, || environment.api_key()),
            api_key_required: !self.words.only_on_connect.is_empty(),
            params: &request.params,
        };
        let criteria = TokenCriteria {
            min_validity_ms: request.min_validity_ms,
            force_refresh: request.force_refresh,
        };
        (key_ref, criteria)
    }

    fn cached(
        &self,
        key_ref: &CacheKeyRef<'_>,
        criteria: TokenCriteria,
        context: &CallContext,
        environment: &CallEnvironment,
    ) -> Option<Arc<Token>> {
        let what = self.words.what;
        let token = context.cached(key_ref, criteria);
        if let Some(token) = &token {
            log::debug!("{what}: cache hit{}", until(token, context));
        } else if log::is_on(Level::Debug) {
            log::debug!("{what}: cache miss, {}", context.miss_reason(key_ref, criteria));
            log::debug!("{}", environment.names());
        }
        token
    }
}

/// Obtains a token that is not cached. The request's cancel callback may replace itself, so the call holds its own.
fn obtain(
    key_ref: &CacheKeyRef<'_>,
    criteria: TokenCriteria,
    context: &CallContext,
    request: &Request,
) -> Result<Arc<Token>, Error> {
    let key = key_ref.to_key()?;
    let (timeout, cancelled) = (request.timeout, request.cancelled.clone());
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        return context.old_token(&key, criteria).ok_or_else(no_time_left);
    }
    let ask = cancelled.map(|cancelled| move || ask_unless_asking(&cancelled));
    let options = WaitOptions {
        criteria,
        timeout,
        cancelled: ask.as_ref().map(|ask| ask as &(dyn Fn() -> bool + Send + Sync)),
    };
    context.obtain(key, &options)
}

/// Asks a cancel callback. While one runs, calls that it makes itself ask none: it would call itself without end.
pub(super) fn ask_unless_asking(cancelled: &Cancelled) -> bool {
    thread_local! {
        static ASKING: Cell<bool> = const { Cell::new(false) };
    }
    struct Asking;
    impl Drop for Asking {
        fn drop(&mut self) {
            ASKING.set(false);
        }
    }
    if ASKING.replace(true) {
        return false;
    }
    let _until_the_end = Asking;
    (cancelled.0)()
}

pub(super) fn no_time_left() -> Error {
    let what = "No token is cached, and the call was given no time to exchange one.";
    Error::new(ErrorKind::Timeout, what)
}

/// When a token expires, for the log.
fn until(token: &Token, context: &CallContext) -> String {
    match token.expires_at() {
        Some(at) => format!(", expires in {} s", at - context.time().unix_s()),
        None => ", expiry unknown".to_owned(),
    }
}

/// The end of every call: its failure is logged and recorded for the next report, and the log's lines are delivered.
#[inline]
pub(super) fn conclude<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(why) = &result {
        report_failure(why);
    }
    log::deliver();
    result
}

/// The end of a call that was started.
pub(super) fn conclude_started(
    result: Result<Arc<Token>, Error>,
    words: &Words,
) -> Result<Arc<Token>, Error> {
    conclude(result.map_err(|why| in_words(why, words)))
}

#[cold]
fn report_failure(why: &Error) {
    let level = match why.kind() {
        // The caller may have asked only whether there are credentials here.
        ErrorKind::NotOnConnect | ErrorKind::NoSession | ErrorKind::NotSupported => Level::Info,
        _ => Level::Error,
    };
    log::line!(level, "{why}");
    diagnostics::record(why);
}

/// The error below the sentence that says what could not be done.
fn in_words(why: Error, words: &Words) -> Error {
    match why.kind() {
        ErrorKind::InvalidArgument | ErrorKind::NoServer | ErrorKind::NoApiKey => why,
        // An unknown content GUID, which a lookup of integrations needs, says nothing about the server's version.
        ErrorKind::NotSupported if why.is_about_tokens() => why.with_headline(words.not_supported),
        _ => why.with_headline(words.cannot_fetch),
    }
}

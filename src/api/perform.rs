//! How a call is performed once it is allowed: from the cache, else by waiting for an exchange or by starting one.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::Arc;

use super::context::{CallContext, Started};
use super::environment::CallEnvironment;
use super::outcome::{Words, in_words};
use super::request::{Cancelled, Request};
use super::started::StartedCall;
use crate::cache::key::{CacheKeyRef, Subject};
use crate::cache::store::TokenCriteria;
use crate::cache::wait::WaitOptions;
use crate::error::{Error, ErrorKind};
use crate::log::{self, Level};
use crate::oauth::token::Token;
use crate::text::hash::{Hashed, Part};

/// A call that is allowed here: the exchange that it stands for, and where it stands.
pub(super) struct Call<'a> {
    words: &'static Words,
    key_ref: CacheKeyRef<'a>,
    context: &'a CallContext,
    environment: &'a CallEnvironment,
    request: &'a Request,
}

/// How a call is performed: [`get`] waits for it, [`start`] returns at once.
pub(super) trait Perform<T>: FnOnce(&Call<'_>) -> Result<T, Error> {}

impl<T, F> Perform<T> for F where F: FnOnce(&Call<'_>) -> Result<T, Error> {}

impl<'a> Call<'a> {
    /// Inlined: every hit builds one, and would copy it.
    #[inline(always)]
    pub fn new(
        words: &'static Words,
        subject: Subject<'a>,
        types: (&'a str, Option<&'a str>),
        (context, environment): (&'a CallContext, &'a CallEnvironment),
        request: &'a Request,
    ) -> Self {
        Self {
            words,
            key_ref: CacheKeyRef {
                subject,
                subject_token_type: types.0,
                requested_token_type: types.1,
                server: given_or(&request.server, || environment.server()),
                api_key: given_or(&request.api_key, || environment.api_key()),
                api_key_required: !words.only_on_connect.is_empty(),
                params: &request.params,
            },
            context,
            environment,
            request,
        }
    }

    #[inline]
    fn criteria(&self) -> TokenCriteria {
        TokenCriteria {
            min_validity_ms: self.request.min_validity_ms,
            force_refresh: self.request.force_refresh,
        }
    }

    fn cached(&self) -> Option<Arc<Token>> {
        let token = self.context.cached(&self.key_ref, self.criteria());
        if log::is_on(Level::Debug) {
            self.log_lookup(token.as_deref());
        }
        token
    }

    #[cold]
    fn log_lookup(&self, found: Option<&Token>) {
        let what = self.words.what;
        if let Some(token) = found {
            log::debug!("{what}: cache hit{}", until(token, self.context));
        } else {
            let why = self.context.miss_reason(&self.key_ref, self.criteria());
            log::debug!("{what}: cache miss, {why}");
            log::debug!("{}", self.environment.names());
        }
    }

    /// Obtains a token that is not cached. The request's cancel callback may replace itself, so the call holds its own.
    fn obtain(&self) -> Result<Arc<Token>, Error> {
        let key = self.key_ref.to_key()?;
        let (timeout, cancelled) = (self.request.timeout, self.request.cancelled.clone());
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            let old = self.context.old_token(&key, self.criteria());
            return old.ok_or_else(no_time_left);
        }
        let ask = cancelled.map(|cancelled| move || ask_unless_asking(&cancelled));
        let options = WaitOptions {
            criteria: self.criteria(),
            timeout,
            cancelled: ask.as_ref().map(|ask| ask as &(dyn Fn() -> bool + Send + Sync)),
        };
        self.context.obtain(key, &options)
    }

    /// Starts the exchange for a token that is not cached.
    fn begin(&self) -> Result<Started, Error> {
        let key = self.key_ref.to_key_without_files()?;
        let timeout = self.request.timeout;
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            let old = self.context.old_token(&key, self.criteria());
            return old.map(Started::Done).ok_or_else(no_time_left);
        }
        self.context.start(key, timeout, self.criteria())
    }
}

#[inline]
pub(super) fn get(call: &Call<'_>) -> Result<Arc<Token>, Error> {
    if let Some(token) = call.cached() {
        return Ok(token);
    }
    let what = call.words.what;
    call.obtain()
        .inspect(|token| log::info!("{what}: obtained{}", until(token, call.context)))
        .map_err(|why| in_words(why, call.words))
}

pub(super) fn start(call: &Call<'_>) -> Result<StartedCall, Error> {
    if let Some(token) = call.cached() {
        return Ok(StartedCall::done(token));
    }
    match call.begin().map_err(|why| in_words(why, call.words))? {
        Started::Done(token) => Ok(StartedCall::done(token)),
        Started::Pending(pending) => Ok(StartedCall::pending(call.words, pending)),
    }
}

/// The request's value, else the environment's.
#[inline(always)]
pub(super) fn given_or<'a>(given: &'a Option<Hashed>, ambient: impl FnOnce() -> Part<'a>) -> Part<'a> {
    match given {
        Some(given) => given.part(),
        None => ambient(),
    }
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

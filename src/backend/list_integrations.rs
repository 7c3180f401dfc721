//! Asks the Connect server which integrations are associated with the content.

#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::integration_lists::{Freshness, List, ListKey, Listed, Lists, Lookup, Step};
use super::retry::{attempt, until_given_up};
use super::{jitter, silence};
use crate::cache::store::InFlightExchange;
use crate::env::{CONTENT_GUID, EnvSnapshot};
use crate::error::{Error, ErrorKind, HostOption};
use crate::http::error::Failure;
use crate::http::{self, Request};
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::integrations::Integration;
use crate::platform::clock::Moment;
use crate::platform::per_process::PerProcess;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;
use crate::text::validate::validate;

const CANNOT_LIST: &str = "Cannot list the integrations of this content.";
const NEEDS_RIGHTS: &str = "Listing them needs an API key with a publisher's rights, as Connect gives it to content. An \
     integration's GUID needs no list.";
const NO_LIST: &str = "The server does not know the content, or is too old to list integrations. An integration's GUID \
     needs no list.";
const NO_KEY: &str = "Listing them needs an API key.";
const NO_KEY_HINT: &str = "Set the environment variable CONNECT_API_KEY, or {set}.";

/// This process's lists. A forked child looks up its own.
static LISTS: PerProcess<Mutex<Lists>> = PerProcess::new(Mutex::default);

fn lists() -> MutexGuard<'static, Lists> {
    LISTS.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// All that a lookup is made from.
#[derive(Clone)]
pub(crate) struct ListInputs {
    pub server: CredentialEndpoint,
    pub api_key: Option<Secret>,
    /// The content's GUID, as the environment has it.
    pub content: Vec<u8>,
    pub env: Arc<EnvSnapshot>,
    /// Progress is recorded on it.
    pub in_flight: Arc<InFlightExchange>,
}

impl ListInputs {
    /// Returns whose list is meant.
    ///
    /// # Errors
    ///
    /// [`NoApiKey`](ErrorKind::NoApiKey); [`NotSupported`](ErrorKind::NotSupported) when the content's GUID is unknown.
    pub fn key(&self) -> Result<ListKey, Error> {
        let api_key = self.api_key.clone().ok_or_else(|| {
            let error = Error::new(ErrorKind::NoApiKey, CANNOT_LIST).because(NO_KEY);
            error.with_hint(NO_KEY_HINT, HostOption::ApiKey)
        })?;
        let content = validate(&self.content, CONTENT_GUID.name())?.ok_or_else(|| {
            let what = format!(
                "{} is not set, which Connect sets for content.",
                CONTENT_GUID.name()
            );
            let error = Error::new(ErrorKind::NotSupported, CANNOT_LIST).because(what);
            error
                .because("An integration's GUID needs no list.")
                .not_about_tokens()
        })?;
        Ok(ListKey {
            url: self.server.associations(content),
            api_key,
        })
    }
}

/// Returns the list, as long as a caller waits for it; `None` when it was given up.
pub(crate) async fn list_for_caller(
    inputs: ListInputs,
    freshness: Freshness<'static>,
) -> Option<Result<Listed, Error>> {
    let in_flight = inputs.in_flight.clone();
    until_given_up(&in_flight, list(&inputs, freshness)).await
}

/// Returns the list: a kept one, that of another exchange which is asking, or a new one.
pub(super) async fn list(inputs: &ListInputs, freshness: Freshness<'_>) -> Result<Listed, Error> {
    let key = inputs.key()?;
    loop {
        let step = lists().enter(&key, freshness, Moment::now());
        let lookup = match step {
            Step::Use(list) => return Ok(Listed { list, was_kept: true }),
            Step::Join(lookup) => {
                match poll_fn(|context| lookup.poll(context)).await {
                    Some(result) => return result.map(new),
                    // It was dropped with its exchange: this one asks.
                    None => continue,
                }
            }
            Step::Lead(lookup) => lookup,
        };
        let asking = Asking(lookup);
        let asked = Moment::now();
        let result = ask(inputs, &key).await.map(Arc::new);
        lists().finish(&key, &asking.0, result.as_ref().ok(), freshness, asked);
        asking.0.complete(Some(result.clone()));
        return result.map(new);
    }
}

fn new(list: List) -> Listed {
    Listed {
        list,
        was_kept: false,
    }
}

/// The exchange that asks. Whatever becomes of it, those that wait for its list go on.
struct Asking(Arc<Lookup>);

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.0.is_completed() {
            lists().abandon(&self.0);
            self.0.complete(None);
        }
    }
}

async fn ask(inputs: &ListInputs, key: &ListKey) -> Result<Vec<Integration>, Error> {
    let once = || ask_once(inputs, key);
    let result = attempt(&inputs.server.address(), &inputs.in_flight, jitter, once).await;
    result.map_err(in_words)
}

async fn ask_once(inputs: &ListInputs, key: &ListKey) -> Result<Vec<Integration>, Failure> {
    let asked = Moment::now();
    let redactor = Redactor::new(std::iter::once(key.api_key.expose()));
    let request = Request {
        url: &key.url,
        api_key: Some(&key.api_key),
        form: None,
        redactor: &redactor,
        env: &inputs.env,
    };
    let response = http::send(request).await?;
    silence::ended(&inputs.server);
    Ok(response.read_integrations(asked.unix_s(), &redactor)?)
}

/// Returns the error of a lookup below what could not be done. It says nothing about tokens that are cached.
pub(crate) fn in_words(why: Error) -> Error {
    let help = match why.http_status() {
        Some(401 | 403) => Some(NEEDS_RIGHTS),
        Some(404 | 405) => Some(NO_LIST),
        _ => None,
    };
    let why = why.with_headline(CANNOT_LIST).not_about_tokens();
    match help {
        Some(help) => why.because(help),
        None => why,
    }
}

/// Drops all lists.
pub(crate) fn clear() {
    lists().clear();
}

/// Returns a kept list for a caller that cannot wait.
pub(crate) fn kept(inputs: &ListInputs) -> Result<Option<List>, Error> {
    let key = inputs.key()?;
    Ok(lists().find(&key, Freshness::Kept, Moment::now()))
}

/// Returns the lists that are kept, for a report.
pub(crate) fn all_kept() -> Vec<List> {
    lists().all(Moment::now())
}

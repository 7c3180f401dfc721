//! The integrations of a mock: given by its host, or listed by its function.

#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};

use super::backend::{MockBackend, Responder};
use super::environment_of_backend;
use super::request::MockRequest;
use crate::backend::exchange::{Answers, ServerExchange};
use crate::backend::integration_lists::{Freshness, List, Listed};
use crate::backend::list_integrations::{self, ListInputs};
use crate::cache::store::Issued;
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::integrations::Integration;
use crate::oauth::token_exchange::FormBody;
use crate::text::redact::Redactor;
use crate::text::validate::validate;

/// An integration that a [`Mock`](crate::Mock) lists, see [`Mock::set_integrations`](crate::Mock::set_integrations). What
/// is empty is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct MockIntegration<'a> {
    /// Required.
    pub guid: &'a str,
    /// Names need not be unique.
    pub name: &'a str,
    /// The administrator's description.
    pub description: &'a str,
    /// `databricks`, `aws` and so on.
    pub template: &'a str,
    /// `Viewer`, `Service Account` and so on.
    pub auth_type: &'a str,
}

impl MockIntegration<'_> {
    pub(super) fn to_integration(self) -> Result<Integration, Error> {
        let text = |value: &str, what: &str| -> Result<Option<String>, Error> {
            Ok(validate(value.as_bytes(), what)?.map(ToOwned::to_owned))
        };
        Ok(Integration {
            guid: text(self.guid, "mocked integration's GUID")?
                .ok_or_else(|| Error::invalid_argument("A mocked integration needs a GUID."))?,
            name: text(self.name, "mocked integration's name")?,
            description: text(self.description, "mocked integration's description")?,
            template: text(self.template, "mocked integration's template")?,
            auth_type: text(self.auth_type, "mocked integration's kind")?,
        })
    }
}

/// A request that a mock function let through.
pub(super) enum LetOut {
    List,
    Exchange(FormBody),
}

/// A mock that answers an exchange.
pub(super) struct MockAnswers<'a> {
    pub backend: &'a MockBackend,
    pub exchange: &'a ServerExchange,
    /// The request that it let through, which ends the exchange here.
    pub let_out: Mutex<Option<LetOut>>,
}

impl MockAnswers<'_> {
    fn let_out(&self, what: LetOut) -> Error {
        let mut let_out = self.let_out.lock().unwrap_or_else(PoisonError::into_inner);
        *let_out = Some(what);
        Error::new(ErrorKind::Internal, "The mock let the request through.")
    }
}

impl Answers for MockAnswers<'_> {
    async fn exchange(&self, form: &FormBody) -> Result<Issued, Error> {
        let answered = super::backend::request(self.backend, self.exchange, form);
        answered.unwrap_or_else(|| Err(self.let_out(LetOut::Exchange(form.clone()))))
    }

    async fn list(&self, freshness: Freshness<'_>) -> Result<Listed, Error> {
        let listed = list(self.backend, &self.exchange.list_inputs(), freshness);
        listed.unwrap_or_else(|| Err(self.let_out(LetOut::List)))
    }

    /// Only those that the host gave: a mock function is not asked what its host does not expect.
    async fn choices(&self) -> Option<List> {
        environment_of_backend(self.backend).integrations()
    }
}

/// Has the mock list the integrations; `None` lets the request out.
pub(crate) fn list(
    backend: &MockBackend,
    inputs: &ListInputs,
    freshness: Freshness<'_>,
) -> Option<Result<Listed, Error>> {
    let key = match inputs.key() {
        Ok(key) => key,
        Err(why) => return Some(Err(why)),
    };
    let listed = |list, was_kept| Some(Ok(Listed { list, was_kept }));
    if let Some(given) = environment_of_backend(backend).integrations() {
        return listed(given, false);
    }
    if !matches!(backend.responder(), Responder::Function(_)) {
        return listed(List::default(), false);
    }
    let asked = backend.time();
    if let Some(kept) = backend.with_lists(|lists| lists.find(&key, freshness, asked)) {
        return listed(kept, true);
    }
    let response = match backend.answer(&MockRequest::list(&key)) {
        Ok(response) => response?,
        Err(why) => return Some(Err(why)),
    };
    log::info!("The mock lists integrations: HTTP {}", response.status());
    let redactor = Redactor::for_mock(std::iter::once(key.api_key.expose()));
    let read = response
        .into_answer()
        .read_integrations(asked.unix_s(), &redactor);
    match read.map(Arc::new) {
        Ok(list) => {
            backend.with_lists(|lists| lists.keep(&key, &list, freshness, asked));
            listed(list, false)
        }
        Err(why) => Some(Err(list_integrations::in_words(why))),
    }
}

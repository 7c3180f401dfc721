//! One exchange with a Connect server: a renewal by refresh token where there is one, else a token exchange.

#![forbid(unsafe_code)]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::integration_lists::{Freshness, List, Listed};
use super::list_integrations::{ListInputs, list};
use super::retry::{attempt, until_given_up};
use super::{jitter, silence};
use crate::cache::backend::ExchangeInputs;
use crate::cache::store::{InFlightExchange, Issued};
use crate::cache::wait::timed_out;
use crate::config;
use crate::driver;
use crate::env::{CONTENT_GUID, EnvSnapshot};
use crate::error::{Error, ErrorKind};
use crate::http::error::Failure;
use crate::http::{self, Request};
use crate::log;
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::integration_choice::{CallKind, choose, with_choices};
use crate::oauth::response::NO_INTEGRATION;
use crate::oauth::token_exchange::{FormBody, refresh_form, with_audience};
use crate::platform::clock::Moment;
use crate::platform::sync::Instant;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;

/// How long the message of a refusal waits for the list of integrations.
const CHOICES: Duration = Duration::from_secs(2);

/// Performs an exchange, as long as a caller waits for it or it may go on without one.
pub(super) async fn perform(inputs: ExchangeInputs) -> Result<Issued, Error> {
    driver::prepare()?;
    let exchange = ServerExchange::new(&inputs)?;
    let in_flight = inputs.in_flight.clone();
    match until_given_up(&in_flight, exchange.perform()).await {
        Some(result) => result,
        None => Err(timed_out(&inputs.key, config::timeout(), &in_flight)),
    }
}

/// All that an exchange sends.
pub(crate) struct ServerExchange {
    pub server: CredentialEndpoint,
    pub api_key: Option<Secret>,
    /// Without the audience that a lookup gives.
    pub exchange: FormBody,
    /// The integration, when it has to be looked up.
    pub integration: Option<String>,
    /// Whether an integration could have been chosen, and was not.
    pub leaves_integration_open: bool,
    pub call_kind: CallKind,
    /// The content's GUID, as the environment has it.
    pub content: Vec<u8>,
    /// Sent first.
    pub renewal: Option<FormBody>,
    /// Secrets that no message may contain.
    pub secrets: Vec<Secret>,
    pub env: Arc<EnvSnapshot>,
    /// Progress is recorded on it.
    pub in_flight: Arc<InFlightExchange>,
}

impl ServerExchange {
    /// Reads the content token's file.
    pub fn new(inputs: &ExchangeInputs) -> Result<Self, Error> {
        let (key, refresh_token) = (&inputs.key, inputs.refresh_token.clone());
        let exchange = key.exchange()?;
        Ok(Self {
            server: key.endpoint().clone(),
            api_key: key.api_key().cloned(),
            exchange: exchange.form(),
            integration: key.params().integration_to_look_up().map(ToOwned::to_owned),
            leaves_integration_open: key.params().leaves_integration_open(),
            call_kind: key.call_kind(),
            content: inputs.env.get(CONTENT_GUID).to_vec(),
            renewal: refresh_token
                .as_ref()
                .map(|token| refresh_form(token, key.params().scope())),
            secrets: exchange
                .secrets()
                .map(Secret::new)
                .chain(key.api_key().cloned())
                .chain(refresh_token)
                .collect(),
            env: inputs.env.clone(),
            in_flight: inputs.in_flight.clone(),
        })
    }

    pub async fn perform(self) -> Result<Issued, Error> {
        let mut refresh_token_refused = false;
        if let Some(renewal) = &self.renewal {
            match self.attempt(renewal).await {
                Err(why) if is_no_renewal(&why) => {
                    log::info!("Refresh token rejected, falling back to a full token exchange: {why}");
                    refresh_token_refused = true;
                }
                result => return result,
            }
        }
        let issued = self.exchange_with(&self).await?;
        Ok(Issued {
            refresh_token_refused,
            ..issued
        })
    }

    /// Exchanges the subject token, for the integration that the call names.
    pub async fn exchange_with(&self, server: &impl Answers) -> Result<Issued, Error> {
        if let Some(integration) = &self.integration {
            return self.exchange_for(integration, server).await;
        }
        let result = server.exchange(&self.exchange).await;
        let Err(why) = &result else { return result };
        if !self.may_be_for_want_of_a_choice(why) {
            return result;
        }
        match server.choices().await {
            Some(list) if list.len() > 1 => Err(with_choices(why.clone(), &list)),
            _ => result,
        }
    }

    /// Exchanges for the integration that `integration` means. A kept list that leads to nothing is looked up once more: the
    /// integration may have been renamed or replaced since.
    async fn exchange_for(&self, integration: &str, server: &impl Answers) -> Result<Issued, Error> {
        let listed = server.list(Freshness::Kept).await?;
        let (why, refused) = match choose(&listed.list, integration, self.call_kind) {
            Err(why) => (why, None),
            Ok(chosen) => {
                let form = with_audience(&self.exchange, &chosen.guid);
                match server.exchange(&form).await {
                    Err(why) if why.kind() == ErrorKind::Refused && !why.is_retryable() => {
                        (why, Some(&chosen.guid))
                    }
                    result => return result,
                }
            }
        };
        if !listed.was_kept {
            return Err(why);
        }
        let Ok(again) = server.list(Freshness::OtherThan(&listed.list)).await else {
            return Err(why);
        };
        let chosen = choose(&again.list, integration, self.call_kind)?;
        if refused == Some(&chosen.guid) {
            return Err(why);
        }
        log::info!("The integration has another GUID than when it was looked up before");
        server
            .exchange(&with_audience(&self.exchange, &chosen.guid))
            .await
    }

    /// Whether the server may have refused because the content has several integrations.
    fn may_be_for_want_of_a_choice(&self, why: &Error) -> bool {
        let by_key = matches!(why.http_status(), Some(401 | 403));
        let is_open = self.leaves_integration_open && self.call_kind != CallKind::Exchange;
        is_open
            && why.is_final()
            && !by_key
            && why.connect_code() != Some(NO_INTEGRATION)
            && !self.content.is_empty()
    }

    /// Returns the inputs of a lookup for this exchange.
    pub fn list_inputs(&self) -> ListInputs {
        ListInputs {
            server: self.server.clone(),
            api_key: self.api_key.clone(),
            content: self.content.clone(),
            env: self.env.clone(),
            in_flight: self.in_flight.clone(),
        }
    }

    async fn attempt(&self, form: &FormBody) -> Result<Issued, Error> {
        let once = || self.post(form.clone());
        attempt(&self.server.address(), &self.in_flight, jitter, once).await
    }

    async fn post(&self, form: FormBody) -> Result<Issued, Failure> {
        // Before the request is sent: a slow response makes a token look older and never younger.
        let asked = Moment::now();
        let redactor = Redactor::new(self.secrets.iter().map(Secret::expose));
        let request = Request {
            url: self.server.endpoint(),
            api_key: self.api_key.as_ref(),
            form: Some(form),
            redactor: &redactor,
            env: &self.env,
        };
        let response = http::send(request).await?;
        silence::ended(&self.server);
        let token = response.read(asked.unix_s(), &redactor)?;
        Ok(Issued {
            token,
            asked,
            refresh_token_refused: false,
        })
    }
}

/// The responder to an exchange's requests: a server, or a mock.
pub(crate) trait Answers: Sync {
    fn exchange(&self, form: &FormBody) -> impl Future<Output = Result<Issued, Error>> + Send;

    fn list(&self, freshness: Freshness<'_>) -> impl Future<Output = Result<Listed, Error>> + Send;

    /// The integrations, for the message of a refusal, if they can be listed without much ado.
    fn choices(&self) -> impl Future<Output = Option<List>> + Send;
}

impl Answers for ServerExchange {
    async fn exchange(&self, form: &FormBody) -> Result<Issued, Error> {
        self.attempt(form).await
    }

    async fn list(&self, freshness: Freshness<'_>) -> Result<Listed, Error> {
        list(&self.list_inputs(), freshness).await
    }

    /// The refusal must not get lost because the list comes late.
    async fn choices(&self) -> Option<List> {
        let left = self.in_flight.until().saturating_duration_since(Instant::now());
        let inputs = self.list_inputs();
        let listed = timeout(CHOICES.min(left / 2), list(&inputs, Freshness::Kept)).await;
        Some(listed.ok()?.ok()?.list)
    }
}

/// Whether a server that answered so does not renew tokens, or not by this refresh token.
fn is_no_renewal(why: &Error) -> bool {
    matches!(why.kind(), ErrorKind::Refused | ErrorKind::BadResponse) && !why.is_retryable()
}

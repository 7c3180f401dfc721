//! One exchange with a Connect server: a renewal by refresh token where there is one, else a token exchange.

#![forbid(unsafe_code)]

use std::future::Future;
use std::sync::Arc;

use tokio::time::timeout;

use super::retry::attempt;
use super::{jitter, silence};
use crate::cache::backend::ExchangeInputs;
use crate::cache::store::{InFlightExchange, Issued};
use crate::cache::wait::timed_out;
use crate::config;
use crate::driver;
use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::http::error::Failure;
use crate::http::{self, Request};
use crate::log;
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::token_exchange::{FormBody, refresh_form};
use crate::platform::clock::Moment;
use crate::platform::sync::Instant;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;

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

/// `None` when the exchange was given up.
async fn until_given_up<T>(in_flight: &InFlightExchange, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let left = in_flight.until().saturating_duration_since(Instant::now());
        match timeout(left, &mut work).await {
            Ok(done) => return Some(done),
            Err(_elapsed) if in_flight.give_up(Instant::now()) => return None,
            Err(_elapsed) => {}
        }
    }
}

/// All that an exchange sends.
pub(crate) struct ServerExchange {
    pub server: CredentialEndpoint,
    pub api_key: Option<Secret>,
    pub exchange: FormBody,
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
        let issued = self.attempt(&self.exchange).await?;
        Ok(Issued {
            refresh_token_refused,
            ..issued
        })
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

/// Whether a server that answered so does not renew tokens, or not by this refresh token.
fn is_no_renewal(why: &Error) -> bool {
    matches!(why.kind(), ErrorKind::Refused | ErrorKind::BadResponse) && !why.is_retryable()
}

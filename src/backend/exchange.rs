//! One exchange with a Connect server: the form is assembled, sent, and renewed by refresh token where there is one.

#![forbid(unsafe_code)]

use std::sync::Arc;

use super::jitter;
use super::retry::attempt;
use crate::cache::backend::PendingExchange;
use crate::cache::key::CacheKey;
use crate::cache::store::{InFlightExchange, Issued};
use crate::error::{Error, ErrorKind};
use crate::http::client_pool::{BlockingTask, ClientPool};
use crate::http::error::Failure;
use crate::http::{self, Post};
use crate::log;
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::token_exchange::{FormBody, refresh_form};
use crate::platform::clock::Moment;
use crate::text::redact::Redactor;
use crate::text::secret::Secret;

/// All that it takes to ask the server.
pub(crate) struct ServerExchange {
    pub server: CredentialEndpoint,
    pub api_key: Option<Secret>,
    pub exchange: FormBody,
    /// What is tried first.
    pub renewal: Option<FormBody>,
    /// What must not stand in a message.
    pub secrets: Vec<Secret>,
    /// Where it is told how it fares.
    pub in_flight: Arc<InFlightExchange>,
}

impl ServerExchange {
    /// Asks for the answer to `key`. Reads the content token's file.
    pub fn new(
        key: &CacheKey,
        refresh_token: Option<Secret>,
        in_flight: &Arc<InFlightExchange>,
    ) -> Result<Self, Error> {
        let exchange = key.exchange()?;
        Ok(Self {
            server: key.endpoint().clone(),
            api_key: key.api_key().cloned(),
            exchange: exchange.form(),
            renewal: refresh_token
                .as_ref()
                .map(|token| refresh_form(token, key.wanted().scope())),
            secrets: exchange
                .secrets()
                .map(Secret::new)
                .chain(key.api_key().cloned())
                .chain(refresh_token)
                .collect(),
            in_flight: in_flight.clone(),
        })
    }

    pub fn begin(self) -> Result<Box<dyn PendingExchange>, Error> {
        Ok(Box::new(BlockingTask::new(|clients| self.response(clients))?))
    }

    async fn response(self, clients: Arc<ClientPool>) -> Result<Issued, Error> {
        let mut refresh_token_refused = false;
        if let Some(renewal) = &self.renewal {
            match self.attempt(&clients, renewal).await {
                Err(why) if why.kind() == ErrorKind::Refused => {
                    log::info!("The refresh token was refused, a token is asked for from scratch: {why}");
                    refresh_token_refused = true;
                }
                with_response => return with_response,
            }
        }
        let issued = self.attempt(&clients, &self.exchange).await?;
        Ok(Issued {
            refresh_token_refused,
            ..issued
        })
    }

    async fn attempt(&self, clients: &ClientPool, form: &FormBody) -> Result<Issued, Error> {
        let once = || self.post(clients, form.clone());
        attempt(&self.server.address(), &self.in_flight, jitter, once).await
    }

    async fn post(&self, clients: &ClientPool, form: FormBody) -> Result<Issued, Failure> {
        // Before the request is sent: a slow answer makes a token look older and never younger.
        let asked = Moment::now();
        let redactor = Redactor::new(self.secrets.iter().map(Secret::expose));
        let post = Post {
            endpoint: self.server.endpoint(),
            api_key: self.api_key.as_ref(),
            form,
            redactor: &redactor,
        };
        let response = http::send(clients, post).await?;
        let token = response.read(asked.unix_s(), &redactor)?;
        Ok(Issued {
            token,
            asked,
            refresh_token_refused: false,
        })
    }
}

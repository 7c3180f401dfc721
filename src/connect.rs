//! The world as it is: exchanges with a Connect server, the system's clocks, chance.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::broker::{Broker, Work, World};
use crate::cache::{Exchanging, Issued};
use crate::clock::Moment;
use crate::error::{Error, ErrorKind};
use crate::exchange::{Form, refresh_form};
use crate::hash::combine;
use crate::log;
use crate::process::{self, HoldOverFork, Place};
use crate::question::Key;
use crate::quote::Quoter;
use crate::secret::Secret;
use crate::server::Server;
use crate::transport::attempts::{Failure, attempt};
use crate::transport::driver::{Clients, Job, building};
use crate::transport::{self, Post};

/// The broker of this process, and with it the cache that all hosts in it share.
static BROKER: Broker<Connect> = Broker::new(Connect);

pub(crate) fn broker() -> &'static Broker<Connect> {
    process::hold_over_fork(Place::Broker, &LOCK);
    &BROKER
}

/// Held at each fork, so that a child finds the cache whole, and nothing half built.
static LOCK: &dyn HoldOverFork = &BrokerLock;

struct BrokerLock;

impl HoldOverFork for BrokerLock {
    fn hold(&'static self) -> Box<dyn std::any::Any> {
        Box::new((building(), BROKER.hold()))
    }
}

pub(crate) struct Connect;

impl World for Connect {
    fn begin(
        &self,
        key: &Key,
        refresh_token: Option<Secret>,
        flight: &Arc<Exchanging>,
    ) -> Result<Box<dyn Work>, Error> {
        Ask::new(key, refresh_token, flight)?.begin()
    }

    fn now(&self) -> Moment {
        Moment::now()
    }

    fn jitter(&self) -> f64 {
        jitter()
    }
}

/// From 0 to 1.
fn jitter() -> f64 {
    // Processes that started together differ by their ids.
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
    let now = Moment::now();
    let mixed = combine([
        drawn,
        u64::from(std::process::id()),
        now.wall_ms as u64,
        now.monotonic_ms as u64,
    ]);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

impl Work for Job<Result<Issued, Error>> {
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>> {
        Job::advance(self, at_most)
    }
}

/// All that it takes to ask the server.
pub(crate) struct Ask {
    pub server: Server,
    pub api_key: Option<Secret>,
    pub exchange: Form,
    /// What is tried first.
    pub renewal: Option<Form>,
    /// What must not stand in a message.
    pub secrets: Vec<Secret>,
    /// Where it is told how it fares.
    pub flight: Arc<Exchanging>,
}

impl Ask {
    /// Asks for the answer to `key`. Reads the content token's file.
    pub fn new(key: &Key, refresh_token: Option<Secret>, flight: &Arc<Exchanging>) -> Result<Self, Error> {
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
            flight: flight.clone(),
        })
    }

    pub fn begin(self) -> Result<Box<dyn Work>, Error> {
        Ok(Box::new(Job::new(|clients| self.answer(clients))?))
    }

    async fn answer(self, clients: Arc<Clients>) -> Result<Issued, Error> {
        let mut refresh_token_refused = false;
        if let Some(renewal) = &self.renewal {
            match self.attempt(&clients, renewal).await {
                Err(why) if why.kind() == ErrorKind::Refused => {
                    log::info!("The refresh token was refused, a token is asked for from scratch: {why}");
                    refresh_token_refused = true;
                }
                answered => return answered,
            }
        }
        let issued = self.attempt(&clients, &self.exchange).await?;
        Ok(Issued {
            refresh_token_refused,
            ..issued
        })
    }

    async fn attempt(&self, clients: &Clients, form: &Form) -> Result<Issued, Error> {
        let once = || self.post(clients, form.clone());
        attempt(&self.server.address(), &self.flight, jitter, once).await
    }

    async fn post(&self, clients: &Clients, form: Form) -> Result<Issued, Failure> {
        // Before the request is sent: a slow answer makes a token look older and never younger.
        let asked = Moment::now();
        let quoter = Quoter::new(self.secrets.iter().map(Secret::expose));
        let post = Post {
            endpoint: self.server.endpoint(),
            api_key: self.api_key.as_ref(),
            form,
            quoter: &quoter,
        };
        let answer = transport::send(clients, post).await?;
        let token = answer.read(asked.unix_s(), &quoter)?;
        Ok(Issued {
            token,
            asked,
            refresh_token_refused: false,
        })
    }
}

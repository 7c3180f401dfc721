//! The process's HTTP clients, one for each way to reach a server, with their connections.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

use super::connector::ConnectionCounter;
use super::dns::Resolver;
use super::proxy::Route;
use super::tls::Trust;
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::oauth::token_exchange::USER_AGENT;
use crate::platform::fork::Place;
use crate::platform::fork_safe_mutex::{ForkSafeMutex, Locked};
use crate::platform::per_process::PerProcess;

/// How many clients are kept: http and https, direct and through a proxy.
const CLIENTS: usize = 4;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);
/// How many unused connections to a server are kept.
const IDLE_CONNECTIONS: usize = 8;

static POOL: PerProcess<ClientPool> = PerProcess::new(ClientPool::default);

static BUILDING: ForkSafeMutex<()> = ForkSafeMutex::new(Place::Building, (), || ());

/// Held while a runtime or a client is built, and while the process forks: libraries below initialise process-wide values
/// on first use, which a child must not find half made.
pub(crate) fn building() -> Locked<()> {
    BUILDING.lock()
}

/// The settings that a client is built from. When the configuration changes, later exchanges use another client.
#[derive(PartialEq)]
struct Setup {
    /// `None`: plain http needs no roots.
    trust: Option<Trust>,
    route: Route,
    connect_timeout: Duration,
}

/// The clients, each built when it is first needed; the most recently used is the last.
#[derive(Default)]
pub(crate) struct ClientPool {
    built: Mutex<VecDeque<(Setup, Client)>>,
}

/// The pool of this process.
pub(crate) fn pool() -> &'static ClientPool {
    POOL.get()
}

impl ClientPool {
    /// The client for a URL's scheme and the route to it, as configured now. May read certificate files.
    pub fn client(&self, scheme: &str, route: &Route, env: &EnvSnapshot) -> Result<Client, Error> {
        let setup = Setup {
            // Reads files: before any lock is taken.
            trust: route.needs_tls(scheme).then(|| Trust::current(env)).transpose()?,
            route: route.clone(),
            connect_timeout: config::CONNECT_TIMEOUT_MS.duration(),
        };
        let mut built = locked(&self.built);
        let known = built.iter().position(|(known, _)| *known == setup);
        let client = match known.and_then(|at| built.remove(at)) {
            Some((_, client)) => client,
            None => setup.client()?,
        };
        built.push_back((setup, client.clone()));
        let unused = if built.len() > CLIENTS {
            built.pop_front()
        } else {
            None
        };
        drop(built);
        drop(unused);
        Ok(client)
    }

    /// Drops all clients. Their unused connections close when the runtime next runs.
    pub fn clear(&self) {
        drop(std::mem::take(&mut *locked(&self.built)));
    }
}

impl Setup {
    fn client(&self) -> Result<Client, Error> {
        let _building = building();
        let trust = match &self.trust {
            Some(trust) => trust.clone(),
            None => Trust::nobody(),
        };
        // The route was chosen before: the client itself does not read the environment.
        let mut builder = Client::builder().no_proxy();
        if let Route::Proxied(proxy) = &self.route {
            builder = builder.proxy(proxy.proxy()?);
        }
        builder
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .connect_timeout(self.connect_timeout)
            .connector_layer(ConnectionCounter)
            .dns_resolver(Arc::new(Resolver))
            .tls_backend_preconfigured(trust.config()?)
            .build()
            .map_err(|why| {
                Error::new(
                    ErrorKind::Internal,
                    format!("Could not build an HTTP client: {why}."),
                )
            })
    }
}

/// A panic elsewhere does not poison what is here: each lock guards a single step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! HTTP clients and what drives them: the calling thread.
//!
//! reqwest's asynchronous client runs on a runtime without threads of its own, which makes progress while a call
//! is in it. The blocking client keeps a thread that a forked child lacks (the child hangs, and panics when it drops
//! the client), and can not abandon an answer that never ends; a future that is dropped is abandoned at once.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::runtime::Runtime;

use super::connection_counter::ConnectionCounter;
use super::dns::Resolver;
use super::proxy::Route;
use super::tls::Trust;
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::{Error, ErrorKind};
use crate::oauth::token_exchange::USER_AGENT;
use crate::platform::fork::generation;
use crate::platform::per_process::PerProcess;
use crate::platform::signals::NoSigpipe;

/// How many drivers, with their connections, are kept for later calls.
const IDLE_DRIVERS: usize = 8;
/// How many clients a driver keeps: http and https, straight and through a proxy.
const CLIENTS: usize = 4;
/// How long a thread that looked up a name stays for the next one.
const RESOLVER_KEEP_ALIVE: Duration = Duration::from_secs(1);
/// After how many steps of its tasks a runtime looks at the clock. A server that sends without end keeps a connection's
/// task busy for many at a time.
const STEPS: u32 = 1;

/// Those that no thread uses at the moment.
static IDLE: PerProcess<Mutex<Vec<PooledRuntime>>> = PerProcess::new(Mutex::default);

/// Work under way on a driver, which goes on only while [`advance`](Self::advance) is called.
pub(crate) struct BlockingTask<T> {
    generation: u64,
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    driver: Option<PooledRuntime>,
}

impl<T> BlockingTask<T> {
    /// Makes the work, with the clients of a driver.
    pub fn new<F>(work: impl FnOnce(Arc<ClientPool>) -> F) -> Result<Self, Error>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let driver = PooledRuntime::take()?;
        let work = Box::pin(work(driver.clients.clone()));
        Ok(Self {
            generation: generation(),
            work: Some(work),
            driver: Some(driver),
        })
    }

    /// Goes on with the work for `at_most`, on this thread, and gives its result when it is done.
    pub fn advance(&mut self, at_most: Duration) -> Option<T> {
        // Outlives every connection that is used or closed below.
        let _guard = NoSigpipe::new();
        let work = self.work.as_mut()?;
        let slice = async { tokio::time::timeout(at_most, work).await.ok() };
        let result = self.driver.as_ref()?.runtime.as_ref()?.block_on(slice)?;
        self.work = None;
        if let Some(driver) = self.driver.take() {
            driver.keep();
        }
        Some(result)
    }
}

impl<T> Drop for BlockingTask<T> {
    fn drop(&mut self) {
        let _guard = NoSigpipe::new();
        let work = self.work.take();
        if self.generation != generation() {
            // A forked child: the sockets, and what they are registered with, are the parent's.
            std::mem::forget(work);
        }
        self.driver = None;
    }
}

static BUILDING: Mutex<()> = Mutex::new(());

/// Taken while a runtime or a client is built, and while the process forks: libraries below set up values of the
/// process when they are first used, which a child must not find half made.
pub(crate) fn building() -> MutexGuard<'static, ()> {
    locked(&BUILDING)
}

/// A runtime, and the clients whose connections live on it; one thread at a time uses it.
struct PooledRuntime {
    generation: u64,
    clients: Arc<ClientPool>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl PooledRuntime {
    /// One that another call left, with its connections, else a new one.
    fn take() -> Result<Self, Error> {
        let left = locked(IDLE.get()).pop();
        left.map_or_else(Self::new, Ok)
    }

    fn new() -> Result<Self, Error> {
        let _building = building();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(STEPS)
            .thread_keep_alive(RESOLVER_KEEP_ALIVE)
            .build()
            .map_err(|why| Error::new(ErrorKind::Network, format!("No connection can be made: {why}.")))?;
        Ok(Self {
            generation: generation(),
            clients: Arc::default(),
            runtime: Some(runtime),
        })
    }

    /// Leaves the driver to later calls, with its connections.
    fn keep(self) {
        let mut idle = locked(IDLE.get());
        if idle.len() < IDLE_DRIVERS && self.generation == generation() {
            idle.push(self);
        }
    }
}

impl Drop for PooledRuntime {
    fn drop(&mut self) {
        let clients = std::mem::take(&mut self.clients);
        let runtime = self.runtime.take();
        if self.generation == generation() {
            drop(clients);
            // Does not wait for a name that is still being looked up.
            if let Some(runtime) = runtime {
                runtime.shutdown_background();
            }
        } else {
            // As above.
            std::mem::forget((clients, runtime));
        }
    }
}

/// All that a client is made from. When the configuration changes, later exchanges need another one.
#[derive(PartialEq)]
struct Setup {
    /// `None`: plain http needs no roots.
    trust: Option<Trust>,
    route: Route,
    connect_timeout: Duration,
}

/// The clients of a driver, each made when it is first needed, the last one used at the end.
#[derive(Default)]
pub(crate) struct ClientPool {
    made: Mutex<VecDeque<(Setup, Client)>>,
    connections: ConnectionCounter,
}

impl ClientPool {
    /// The client for a URL's scheme and the way to it, as configured now.
    pub fn of(&self, scheme: &str, route: &Route, env: &EnvSnapshot) -> Result<Client, Error> {
        // Before the lock: it reads files.
        let trust = route.needs_tls(scheme).then(|| Trust::current(env)).transpose()?;
        // Above the clients' lock, and taken for a moment: a fork waits for it.
        let _building = building();
        let setup = Setup {
            trust,
            route: route.clone(),
            connect_timeout: config::CONNECT_TIMEOUT_MS.duration(),
        };
        let mut made = locked(&self.made);
        let known = made.iter().position(|(known, _)| *known == setup);
        let client = match known.and_then(|at| made.remove(at)) {
            Some((_, client)) => client,
            None => setup.client(self.connections.clone())?,
        };
        made.push_back((setup, client.clone()));
        if made.len() > CLIENTS {
            made.pop_front();
        }
        Ok(client)
    }

    /// How many connections these clients have begun.
    pub fn connections(&self) -> u64 {
        self.connections.count()
    }
}

impl Setup {
    fn client(&self, connections: ConnectionCounter) -> Result<Client, Error> {
        let trust = match &self.trust {
            Some(trust) => trust.clone(),
            None => Trust::nobody(),
        };
        // The way was chosen before: the client itself does not look at the environment.
        let mut builder = Client::builder().no_proxy();
        if let Route::Through(proxy) = &self.route {
            builder = builder.proxy(proxy.proxy()?);
        }
        builder
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .connect_timeout(self.connect_timeout)
            .connector_layer(connections)
            .dns_resolver(Arc::new(Resolver))
            .tls_backend_preconfigured(trust.config()?)
            .build()
            .map_err(|why| Error::new(ErrorKind::Internal, format!("No HTTP client: {why}.")))
    }
}

/// A panic elsewhere does not poison what is here: each lock guards a single step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! HTTP clients and what drives them: the calling thread.
//!
//! reqwest's asynchronous client runs on a runtime without threads of its own, which makes progress while a call
//! is in it. The blocking client keeps a thread that a forked child lacks (the child hangs, and panics when it drops
//! the client), and can not abandon an answer that never ends; a future that is dropped is abandoned at once.

#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use tokio::runtime::Runtime;

use crate::dns::Resolver;
use crate::error::{Error, ErrorKind};
use crate::exchange::USER_AGENT;
use crate::process::{NoSigpipe, PerProcess, generation};
use crate::tls;

/// How long a connection may take to come about.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How many drivers, with their connections, are kept for later calls.
const IDLE_DRIVERS: usize = 8;
/// How long a thread that looked up a name stays for the next one.
const RESOLVER_KEEP_ALIVE: Duration = Duration::from_secs(1);

/// What all threads of this process share.
#[derive(Default)]
struct Shared {
    idle: Mutex<Vec<Driver>>,
    tls: Mutex<Option<ClientConfig>>,
}

static SHARED: PerProcess<Shared> = PerProcess::new(Shared::default);

/// Work under way on a driver, which goes on only while [`advance`](Self::advance) is called.
pub(crate) struct Job<T> {
    generation: u64,
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    driver: Option<Driver>,
}

impl<T> Job<T> {
    /// Makes the work, with the clients of a driver.
    pub fn new<F>(work: impl FnOnce(Arc<Clients>) -> F) -> Result<Self, Error>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let driver = Driver::take()?;
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

impl<T> Drop for Job<T> {
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
struct Driver {
    generation: u64,
    clients: Arc<Clients>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Driver {
    /// One that another call left, with its connections, else a new one.
    fn take() -> Result<Self, Error> {
        let left = locked(&SHARED.get().idle).pop();
        left.map_or_else(Self::new, Ok)
    }

    fn new() -> Result<Self, Error> {
        let _building = building();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
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
        let mut idle = locked(&SHARED.get().idle);
        if idle.len() < IDLE_DRIVERS && self.generation == generation() {
            idle.push(self);
        }
    }
}

impl Drop for Driver {
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

/// The clients of a driver. Each is made when it is first needed: plain http needs no roots.
#[derive(Default)]
pub(crate) struct Clients {
    http: OnceLock<Client>,
    https: OnceLock<Client>,
}

impl Clients {
    /// The client for a URL's scheme.
    pub fn of(&self, scheme: &str) -> Result<Client, Error> {
        let https = scheme == "https";
        let place = if https { &self.https } else { &self.http };
        if let Some(client) = place.get() {
            return Ok(client.clone());
        }
        let _building = building();
        let tls = if https {
            SHARED.get().tls()?
        } else {
            tls::without_roots()?
        };
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(Resolver))
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|why| Error::new(ErrorKind::Internal, format!("No HTTP client: {why}.")))?;
        Ok(place.get_or_init(|| client).clone())
    }
}

impl Shared {
    /// TLS with the system's roots. They are read at the first https call; a failure is not remembered, they may be
    /// installed later.
    fn tls(&self) -> Result<ClientConfig, Error> {
        let mut tls = locked(&self.tls);
        if let Some(config) = &*tls {
            return Ok(config.clone());
        }
        Ok(tls.insert(tls::with_system_roots()?).clone())
    }
}

/// A panic elsewhere does not poison what is here: each lock guards a single step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

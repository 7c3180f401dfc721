//! HTTP clients and what drives them: the calling thread.
//!
//! reqwest's asynchronous client runs on a runtime without threads of its own, which makes progress while a call
//! is in it. The blocking client keeps a thread that a forked child lacks (the child hangs, and panics when it drops
//! the client), and can not abandon an answer that never ends; a future that is dropped is abandoned at once.

#![forbid(unsafe_code)]

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use tokio::runtime::Runtime;

use crate::dns::Resolver;
use crate::error::{Error, ErrorKind};
use crate::process::{PerProcess, generation};
use crate::tls;

/// How long a connection may take to come about.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How many drivers, with their connections, are kept for later calls.
const IDLE_DRIVERS: usize = 8;
/// How long a thread that looked up a name stays for the next one.
const RESOLVER_KEEP_ALIVE: Duration = Duration::from_secs(1);

const USER_AGENT: &str = concat!("connectcreds/", env!("CARGO_PKG_VERSION"));

/// What all threads of this process share.
#[derive(Default)]
struct Shared {
    idle: Mutex<Vec<Driver>>,
    tls: Mutex<Option<ClientConfig>>,
}

static SHARED: PerProcess<Shared> = PerProcess::new(Shared::default);

/// A runtime, and the clients whose connections live on it; one thread at a time uses it.
pub(crate) struct Driver {
    generation: u64,
    /// `None` only while it is dropped.
    parts: Option<Parts>,
}

/// In the order in which they are dropped.
struct Parts {
    http: Option<Client>,
    https: Option<Client>,
    runtime: Runtime,
}

impl Driver {
    /// One that another call left, with its connections, else a new one.
    pub fn take() -> Result<Self, Error> {
        let left = locked(&SHARED.get().idle).pop();
        left.map_or_else(Self::new, Ok)
    }

    fn new() -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_keep_alive(RESOLVER_KEEP_ALIVE)
            .build()
            .map_err(|why| Error::new(ErrorKind::Network, format!("No connection can be made: {why}.")))?;
        Ok(Self {
            generation: generation(),
            parts: Some(Parts {
                http: None,
                https: None,
                runtime,
            }),
        })
    }

    /// The client for `http` or `https`. Each is made when it is first needed: plain http needs no roots.
    pub fn client(&mut self, scheme: &str) -> Result<Client, Error> {
        let parts = self.parts();
        let https = scheme == "https";
        let place = if https { &mut parts.https } else { &mut parts.http };
        if let Some(client) = place {
            return Ok(client.clone());
        }
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
        Ok(place.insert(client).clone())
    }

    /// Runs `work` to its end, and with it whatever lives on the runtime.
    pub fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        self.parts().runtime.block_on(work)
    }

    /// Leaves the driver to later calls, with its connections.
    pub fn keep(self) {
        let mut idle = locked(&SHARED.get().idle);
        if idle.len() < IDLE_DRIVERS && self.generation == generation() {
            idle.push(self);
        }
    }

    fn parts(&mut self) -> &mut Parts {
        self.parts
            .as_mut()
            .expect("a driver has its parts until it is dropped")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let parts = self.parts.take();
        if self.generation == generation() {
            if let Some(Parts { http, https, runtime }) = parts {
                drop((http, https));
                // Does not wait for a name that is still being looked up.
                runtime.shutdown_background();
            }
        } else {
            // A forked child: sockets and their registrations are the parent's.
            std::mem::forget(parts);
        }
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

/// A panic elsewhere does not poison what is here: both locks guard a single step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

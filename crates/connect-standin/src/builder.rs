//! Options of a server, and its start.

use crate::certificates::{self, Certificate, TlsVersion};
use crate::clock::Clock;
use crate::hold::Gate;
use crate::identity::Identity;
use crate::integrations::{Associations, Integration};
use crate::queue::Orders;
use crate::record::Ledger;
use crate::server::{self, Server};
use crate::standin::Standin;
use crate::vault::Vault;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime;
use tokio::sync::oneshot;

/// The options of a [`Standin`].
#[derive(Clone, Debug)]
pub struct Builder {
    tls: bool,
    tls_version: TlsVersion,
    certificate: Certificate,
    port: u16,
    lifetime: Duration,
    mount: String,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            tls: false,
            tls_version: TlsVersion::default(),
            certificate: Certificate::default(),
            port: 0,
            lifetime: Duration::from_secs(3600),
            mount: String::new(),
        }
    }
}

impl Builder {
    /// Serves HTTPS with a certificate of the server's private authority. Off by default.
    pub fn tls(mut self, tls: bool) -> Builder {
        self.tls = tls;
        self
    }

    /// Sets the TLS versions. The default is 1.2 and 1.3.
    pub fn tls_version(mut self, version: TlsVersion) -> Builder {
        self.tls_version = version;
        self
    }

    /// Sets the state of the certificate. The default is a valid one.
    pub fn certificate(mut self, certificate: Certificate) -> Builder {
        self.certificate = certificate;
        self
    }

    /// Sets the TCP port. With 0, the default, the system chooses one.
    pub fn port(mut self, port: u16) -> Builder {
        self.port = port;
        self
    }

    /// Sets the lifetime of tokens. The default is an hour.
    pub fn lifetime(mut self, lifetime: Duration) -> Builder {
        self.lifetime = lifetime;
        self
    }

    /// Sets the path under which Connect is mounted, such as `/rsc`. The default is none.
    pub fn mount(mut self, path: &str) -> Builder {
        let path = path.trim_matches('/');
        self.mount = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        self
    }

    /// Binds the port and serves on a new thread. Requests can be sent as soon as this returns.
    ///
    /// # Errors
    ///
    /// If the port is in use, or temporary files or the thread cannot be created.
    pub fn start(self) -> io::Result<Standin> {
        let tls = if self.tls {
            Some(certificates::make(self.certificate, self.tls_version)?)
        } else {
            None
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        listener.set_nonblocking(true)?;
        let scheme = if self.tls { "https" } else { "http" };
        let vault = Vault::new()?;
        let first = Integration {
            guid: vault.integration.clone(),
            ..Integration::new("Stand-in", "custom", "Service Account")
        };
        let server = Arc::new(Server {
            mount: self.mount,
            origin: format!("{scheme}://{}", listener.local_addr()?),
            lifetime: self.lifetime,
            clock: Clock::default(),
            vault,
            associations: Associations::new(first),
            identity: Identity::new(),
            ledger: Ledger::default(),
            orders: Orders::default(),
            gate: Arc::new(Gate::new()),
            list_orders: Orders::default(),
            list_gate: Arc::new(Gate::new()),
        });

        let (acceptor, authority) = tls.map(|tls| (tls.acceptor, tls.authority)).unzip();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _in_runtime = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let shared = server.clone();
        let thread = thread::Builder::new()
            .name("connect-standin".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = server::accept(shared, listener, acceptor) => {}
                        _ = stopped => {}
                    }
                });
                // Dropping the runtime closes every connection.
            })?;
        Ok(Standin::new(server, authority, stop, thread))
    }
}

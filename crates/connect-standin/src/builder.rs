//! Options, and the start.

use crate::certificates::{self, Certificate, TlsVersion};
use crate::clock::Clock;
use crate::hold::Gate;
use crate::identity::Identity;
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

/// What a [`Standin`] is to be like.
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
    /// HTTPS, under a certificate of the server's private authority. Off unless asked for.
    pub fn tls(mut self, tls: bool) -> Builder {
        self.tls = tls;
        self
    }

    /// Which TLS is spoken; both 1.2 and 1.3 unless told.
    pub fn tls_version(mut self, version: TlsVersion) -> Builder {
        self.tls_version = version;
        self
    }

    /// What is wrong with the certificate; nothing unless told.
    pub fn certificate(mut self, certificate: Certificate) -> Builder {
        self.certificate = certificate;
        self
    }

    /// The TCP port; 0, the default, lets the system choose.
    pub fn port(mut self, port: u16) -> Builder {
        self.port = port;
        self
    }

    /// How long tokens live; an hour unless told.
    pub fn lifetime(mut self, lifetime: Duration) -> Builder {
        self.lifetime = lifetime;
        self
    }

    /// The path Connect is mounted under, `/rsc` for example; none unless told.
    pub fn mount(mut self, path: &str) -> Builder {
        let path = path.trim_matches('/');
        self.mount = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        self
    }

    /// Binds, and serves from a thread of its own. Requests can be sent as soon as this returns.
    ///
    /// # Errors
    ///
    /// When the port is taken, or temporary files or the thread cannot be made.
    pub fn start(self) -> io::Result<Standin> {
        let tls = if self.tls {
            Some(certificates::make(self.certificate, self.tls_version)?)
        } else {
            None
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        listener.set_nonblocking(true)?;
        let scheme = if self.tls { "https" } else { "http" };
        let server = Arc::new(Server {
            mount: self.mount,
            origin: format!("{scheme}://{}", listener.local_addr()?),
            lifetime: self.lifetime,
            clock: Clock::default(),
            vault: Vault::new()?,
            identity: Identity::new(),
            ledger: Ledger::default(),
            orders: Orders::default(),
            gate: Arc::new(Gate::new()),
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
                // The runtime goes, and every connection with it.
            })?;
        Ok(Standin::new(server, authority, stop, thread))
    }
}

//! The state of a running server, and its accept loop.

use crate::clock::Clock;
use crate::connection;
use crate::hold::Gate;
use crate::identity::Identity;
use crate::integrations::Associations;
use crate::queue::Orders;
use crate::record::Ledger;
use crate::vault::Vault;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// State shared by the server's thread and the tests.
#[derive(Debug)]
pub(crate) struct Server {
    /// Empty, or a path that starts with a slash and does not end with one.
    pub(crate) mount: String,
    /// Scheme and authority, without the mount.
    pub(crate) origin: String,
    pub(crate) lifetime: Duration,
    pub(crate) clock: Clock,
    pub(crate) vault: Vault,
    pub(crate) identity: Identity,
    pub(crate) ledger: Ledger,
    pub(crate) associations: Associations,
    pub(crate) orders: Orders,
    pub(crate) gate: Arc<Gate>,
    /// Orders for lists of integrations, and the gate that holds them back.
    pub(crate) list_orders: Orders,
    pub(crate) list_gate: Arc<Gate>,
}

impl Server {
    /// Returns the value of `CONNECT_SERVER`.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.origin, self.mount)
    }
}

/// Accepts connections until the future is dropped.
pub(crate) async fn accept(server: Arc<Server>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                server.ledger.connected();
                tokio::spawn(connection::run(server.clone(), socket, tls.clone()));
            }
            // The client disconnected, or there is no free file descriptor. Both pass.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

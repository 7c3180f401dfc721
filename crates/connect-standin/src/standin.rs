//! The server as tests see it.

use crate::builder::Builder;
use crate::hold::Hold;
use crate::order::{ConnectionOrder, Order};
use crate::record::Recorded;
use crate::server::Server;
use crate::vault;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempPath;
use tokio::sync::oneshot;

/// A running server. Dropping it closes its connections, joins its thread and removes its files.
#[derive(Debug)]
pub struct Standin {
    server: Arc<Server>,
    content_token_file: PathBuf,
    authority: Option<TempPath>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Standin {
    /// Plain HTTP on 127.0.0.1, on a port the system chooses.
    ///
    /// # Panics
    ///
    /// When it cannot be started; [`Builder::start`] returns the error instead.
    pub fn start() -> Standin {
        Standin::builder().start().expect("the stand-in server starts")
    }

    /// HTTPS, under a certificate that [`Standin::ca_certificate_file`] vouches for.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start_tls() -> Standin {
        Standin::builder()
            .tls(true)
            .start()
            .expect("the stand-in server starts")
    }

    /// A server with options.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(
        server: Arc<Server>,
        authority: Option<TempPath>,
        stop: oneshot::Sender<()>,
        thread: JoinHandle<()>,
    ) -> Standin {
        let content_token_file = server.vault.content_token_file();
        Standin {
            server,
            content_token_file,
            authority,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What `CONNECT_SERVER` is to hold: scheme, address, port, and the mount if there is one.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Scheme, address and port, without the mount: where the status page is.
    pub fn origin(&self) -> &str {
        &self.server.origin
    }

    /// The private authority's certificate as PEM, in a file that goes with the server.
    ///
    /// # Panics
    ///
    /// On a server without TLS.
    pub fn ca_certificate_file(&self) -> &Path {
        self.authority
            .as_deref()
            .expect("only a server with TLS has a certificate authority")
    }

    /// The one API key that is accepted.
    pub fn api_key(&self) -> &str {
        &self.server.vault.api_key
    }

    /// The GUID of the one integration that `audience` may name.
    pub fn integration(&self) -> &str {
        &self.server.vault.integration
    }

    /// The content session token of the start, which a rotation retires.
    pub fn content_token(&self) -> &str {
        &self.server.vault.first_content_token
    }

    /// A user session token for that viewer, the same each time.
    pub fn viewer_token(&self, who: &str) -> String {
        vault::viewer_token(who)
    }

    /// A file that holds the accepted content session token and a line feed.
    pub fn content_token_file(&self) -> &Path {
        &self.content_token_file
    }

    /// Writes a new content session token to the file, in one step. Earlier ones are then refused.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn rotate_content_token(&self) {
        self.server
            .vault
            .rotate_content_token()
            .expect("the token file can be written");
    }

    /// The variables that Connect sets for content; over TLS also `SSL_CERT_FILE`.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("POSIT_PRODUCT", "CONNECT".to_owned()),
            ("CONNECT_SERVER", self.url()),
            ("CONNECT_API_KEY", self.api_key().to_owned()),
            ("CONNECT_CONTENT_SESSION_TOKEN", self.content_token().to_owned()),
        ];
        if let Some(path) = &self.authority {
            variables.push(("SSL_CERT_FILE", path.to_string_lossy().into_owned()));
        }
        variables
    }

    /// The next exchange gets this answer. Orders queue up, first in, first out.
    pub fn order(&self, answer: Order) {
        self.order_times(1, answer);
    }

    /// The next so many exchanges get this answer.
    pub fn order_times(&self, times: usize, answer: Order) {
        self.server.orders.push(times, answer);
    }

    /// Exchanges for which nothing is queued get this answer, until told `None`.
    pub fn order_always(&self, answer: Option<Order>) {
        self.server.orders.always(answer);
    }

    /// The next accepted connection is treated so. These queue up as well.
    pub fn order_connection(&self, order: ConnectionOrder) {
        self.server.orders.push_connection(1, order);
    }

    /// Moves the server's clock forward, by which tokens age.
    pub fn advance(&self, by: Duration) {
        self.server.clock.advance(by);
    }

    /// Every request in order, refused ones and those to wrong paths included; the latest 10,000.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.ledger.requests()
    }

    /// POST requests to the endpoint that arrived in full, whatever they were answered.
    pub fn exchanges(&self) -> usize {
        self.server.ledger.counts().exchanges
    }

    /// TCP connections accepted, those that only managed this server left out.
    pub fn connections(&self) -> usize {
        self.server.ledger.counts().connections
    }

    /// Forgets requests and counts. Orders, tokens and the clock stay.
    pub fn reset_counts(&self) {
        self.server.ledger.reset();
    }

    /// Exchanges that arrive while the returned value lives wait for their answers.
    pub fn hold(&self) -> Hold {
        Hold::new(self.server.gate.clone())
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        // Dropping the sender is the message.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic on the server's thread was printed there; a second one here would abort the
            // test.
            let _ = thread.join();
        }
    }
}

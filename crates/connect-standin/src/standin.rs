//! The API for tests.

use crate::builder::Builder;
use crate::hold::Hold;
use crate::integrations::{Integration, Listing};
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
    /// Starts a server with plain HTTP on 127.0.0.1, on a port that the system chooses.
    ///
    /// # Panics
    ///
    /// If it cannot be started; [`Builder::start`] returns the error instead.
    pub fn start() -> Standin {
        Standin::builder().start().expect("the stand-in server starts")
    }

    /// Starts a server with HTTPS, whose certificate the authority in [`Standin::ca_certificate_file`] signed.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start_tls() -> Standin {
        Standin::builder()
            .tls(true)
            .start()
            .expect("the stand-in server starts")
    }

    /// Returns a builder for a server with options.
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

    /// Returns the value for `CONNECT_SERVER`: scheme, address, port, and the mount if there is one.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns scheme, address and port without the mount, which is the address of the status page.
    pub fn origin(&self) -> &str {
        &self.server.origin
    }

    /// Returns the file with the private authority's certificate as PEM. Dropping the server removes it.
    ///
    /// # Panics
    ///
    /// If the server has no TLS.
    pub fn ca_certificate_file(&self) -> &Path {
        self.authority
            .as_deref()
            .expect("only a server with TLS has a certificate authority")
    }

    /// Returns the only API key that the server accepts.
    pub fn api_key(&self) -> &str {
        &self.server.vault.api_key
    }

    /// Returns the GUID of the content, of which the server lists the integrations.
    pub fn content(&self) -> &str {
        &self.server.vault.content
    }

    /// Sets the integrations that are associated with the content; exchanges have to name one where there are several. At
    /// first there is one, [`Standin::integration`].
    pub fn set_integrations(&self, integrations: impl IntoIterator<Item = Integration>) {
        let integrations = integrations.into_iter().collect();
        self.server.associations.set(integrations);
    }

    /// Sets whether the server lists integrations.
    pub fn set_listing(&self, listing: Listing) {
        self.server.associations.set_listing(listing);
    }

    /// Queues a response for one request for the list of integrations.
    pub fn order_list(&self, answer: Order) {
        self.server.list_orders.push(1, answer);
    }

    /// Holds back the responses to requests for the list of integrations until the returned value is dropped.
    pub fn hold_lists(&self) -> Hold {
        Hold::new(self.server.list_gate.clone())
    }

    /// Returns the number of requests for the list of integrations among the latest 10,000 requests.
    pub fn lists(&self) -> usize {
        let requests = self.requests();
        let lists = requests
            .iter()
            .filter(|request| request.path.ends_with("/associations"));
        lists.count()
    }

    /// Returns the GUID of the first integration, the only one that `audience` may name until others are set.
    pub fn integration(&self) -> &str {
        &self.server.vault.integration
    }

    /// Returns the initial content session token, which a rotation invalidates.
    pub fn content_token(&self) -> &str {
        &self.server.vault.first_content_token
    }

    /// Returns the user session token of that viewer, the same each time.
    pub fn viewer_token(&self, who: &str) -> String {
        vault::viewer_token(who)
    }

    /// Returns the file with the valid content session token and a line feed.
    pub fn content_token_file(&self) -> &Path {
        &self.content_token_file
    }

    /// Writes a new content session token to the file, atomically. Earlier ones are then rejected.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn rotate_content_token(&self) {
        self.server
            .vault
            .rotate_content_token()
            .expect("the token file can be written");
    }

    /// Returns the variables that Connect sets for content, and with TLS also `SSL_CERT_FILE`.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("POSIT_PRODUCT", "CONNECT".to_owned()),
            ("CONNECT_SERVER", self.url()),
            ("CONNECT_API_KEY", self.api_key().to_owned()),
            ("CONNECT_CONTENT_GUID", self.content().to_owned()),
            ("CONNECT_CONTENT_SESSION_TOKEN", self.content_token().to_owned()),
        ];
        if let Some(path) = &self.authority {
            variables.push(("SSL_CERT_FILE", path.to_string_lossy().into_owned()));
        }
        variables
    }

    /// Queues a response for one exchange. Orders are carried out first in, first out.
    pub fn order(&self, answer: Order) {
        self.order_times(1, answer);
    }

    /// Queues a response for a number of exchanges.
    pub fn order_times(&self, times: usize, answer: Order) {
        self.server.orders.push(times, answer);
    }

    /// Sets the response to exchanges for which nothing is queued; `None` restores the regular one.
    pub fn order_always(&self, answer: Option<Order>) {
        self.server.orders.always(answer);
    }

    /// Queues a fault for one connection that is accepted from now on.
    pub fn order_connection(&self, order: ConnectionOrder) {
        self.server.orders.push_connection(1, order);
    }

    /// Moves the server's clock forward, by which tokens expire.
    pub fn advance(&self, by: Duration) {
        self.server.clock.advance(by);
    }

    /// Returns the latest 10,000 requests in order, including rejected ones and those to wrong paths.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.ledger.requests()
    }

    /// Returns the form parameters of the latest request that this access token answered; `None` when the server has not
    /// issued it among the latest 50,000 tokens.
    pub fn question_of(&self, access_token: &str) -> Option<Vec<(String, String)>> {
        self.server.ledger.question_of(access_token)
    }

    /// Returns the number of POST requests to the endpoint that arrived in full, whatever the response.
    pub fn exchanges(&self) -> usize {
        self.server.ledger.counts().exchanges
    }

    /// Returns the number of accepted TCP connections, except those that only managed this server.
    pub fn connections(&self) -> usize {
        self.server.ledger.counts().connections
    }

    /// Clears requests and counts. Orders, tokens and the clock are unchanged.
    pub fn reset_counts(&self) {
        self.server.ledger.reset();
    }

    /// Holds back the responses to exchanges until the returned value is dropped.
    pub fn hold(&self) -> Hold {
        Hold::new(self.server.gate.clone())
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        // Dropping the sender stops the server.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic on the server's thread was printed there. A second one here would abort the test.
            let _ = thread.join();
        }
    }
}

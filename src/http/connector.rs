//! Tells a request that opened a connection from one that reused an idle connection, which the server may have closed.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::future::Future;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// How many connections the request that is being polled has begun.
    static BEGUN: Cell<u32>;
}

/// Runs `request`, which can ask [`reused_a_connection`] while it runs.
pub(crate) async fn counted<T>(request: impl Future<Output = T>) -> T {
    BEGUN.scope(Cell::new(0), request).await
}

/// Whether the current request began no connection of its own.
pub(crate) fn reused_a_connection() -> bool {
    BEGUN.try_with(|begun| begun.get() == 0).unwrap_or(false)
}

/// A layer that counts the connections that a client begins.
#[derive(Clone)]
pub(crate) struct ConnectionCounter;

#[derive(Clone)]
pub(crate) struct CountingConnector<S> {
    connector: S,
}

impl<S> Layer<S> for ConnectionCounter {
    type Service = CountingConnector<S>;

    fn layer(&self, connector: S) -> CountingConnector<S> {
        CountingConnector { connector }
    }
}

impl<R, S: Service<R>> Service<R> for CountingConnector<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, target: R) -> S::Future {
        let _ = BEGUN.try_with(|begun| begun.set(begun.get() + 1));
        self.connector.call(target)
    }
}

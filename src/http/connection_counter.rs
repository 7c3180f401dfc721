//! Counts the connections a client begins: a request during which none was begun went over one that was kept from an
//! earlier exchange, which the server may have closed meanwhile.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// How many connections were begun; all copies count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionCounter(Arc<AtomicU64>);

impl ConnectionCounter {
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connector whose connections are counted.
#[derive(Clone)]
pub(crate) struct CountingConnector<S> {
    connector: S,
    connections: ConnectionCounter,
}

impl<S> Layer<S> for ConnectionCounter {
    type Service = CountingConnector<S>;

    fn layer(&self, connector: S) -> CountingConnector<S> {
        CountingConnector {
            connector,
            connections: self.clone(),
        }
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
        self.connections.0.fetch_add(1, Ordering::Relaxed);
        self.connector.call(target)
    }
}

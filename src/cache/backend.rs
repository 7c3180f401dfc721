//! The trait that the broker calls to perform exchanges: implemented by the real server, by mocks and by tests.

#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::key::CacheKey;
use super::store::{InFlightExchange, Issued, Outcome};
use crate::config;
use crate::env::EnvSnapshot;
use crate::error::Error;
use crate::platform::clock::Moment;
use crate::text::secret::Secret;

/// A task, or an exchange in progress.
pub(crate) type BoxedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// All that an exchange is made from.
pub(crate) struct ExchangeInputs {
    pub key: Arc<CacheKey>,
    /// The environment as the call found it when it began.
    pub env: Arc<EnvSnapshot>,
    /// A renewal by this refresh token is tried first.
    pub refresh_token: Option<Secret>,
    /// Progress is recorded on it; it says until when callers wait.
    pub in_flight: Arc<InFlightExchange>,
}

/// Performs exchanges, and supplies the clock and the randomness.
pub(crate) trait Backend: Sync + 'static {
    /// The exchange, which begins when it is first polled. It must not block.
    fn exchange(&self, inputs: ExchangeInputs) -> BoxedFuture<Result<Issued, Error>>;

    /// Runs `task`, which completes `in_flight`, at once or when there is a place for it. It makes progress while a
    /// thread is in [`drive`](Self::drive), or by itself after [`unattended`](Self::unattended).
    fn spawn(&self, in_flight: &Arc<InFlightExchange>, task: BoxedFuture<()>);

    /// Blocks until `in_flight` is completed, for at most `at_most`, and drives whatever was spawned meanwhile.
    fn drive(&self, in_flight: &InFlightExchange, at_most: Duration) -> Option<Outcome>;

    /// Whether a thread of this library, and not a caller, may drive `in_flight`.
    fn unattended(&self, in_flight: &Arc<InFlightExchange>) -> Result<(), Error>;

    /// A caller joined `in_flight`, or left it with nothing waiting: it may go before others, or may be dropped.
    fn attention_changed(&self, _in_flight: &Arc<InFlightExchange>) {}

    /// Whether the calling thread may block.
    fn may_block(&self) -> Result<(), Error> {
        Ok(())
    }

    /// How long a call for `key` should wait at most, where the server was silent a moment ago.
    fn patience(&self, _key: &CacheKey) -> Option<Duration> {
        None
    }

    /// No response came for `key` before a call's deadline.
    fn was_silent(&self, _key: &CacheKey) {}

    fn now(&self) -> Moment;

    /// Random, from 0 to 1.
    fn jitter(&self) -> f64;

    /// Tells tokens of this backend from those of others.
    fn id(&self) -> u64 {
        0
    }

    /// Whether tokens are refreshed in the background before they expire.
    fn refreshes_in_background(&self) -> bool {
        config::background_refresh()
    }

    /// Whether an exchange goes on in the background when its last caller has left.
    fn goes_on_unattended(&self) -> bool {
        self.refreshes_in_background()
    }
}

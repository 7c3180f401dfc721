//! What the broker needs of a backend, and of an exchange in progress: the real server, a mock, a test.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use super::key::CacheKey;
use super::store::{InFlightExchange, Issued};
use crate::config;
use crate::error::Error;
use crate::platform::clock::Moment;
use crate::text::secret::Secret;

/// What the broker needs of the world: the server, the clock, chance. Tests have their own.
pub(crate) trait Backend: Sync + 'static {
    /// Begins the exchange that answers `key`: a renewal by `refresh_token`, if there is one. What can not be begun is
    /// an error of the exchange. How it fares is noted on `in_flight`, which says how long someone waits for it.
    fn begin(
        &self,
        key: &CacheKey,
        refresh_token: Option<Secret>,
        in_flight: &Arc<InFlightExchange>,
    ) -> Result<Box<dyn PendingExchange>, Error>;
    fn now(&self) -> Moment;
    /// From 0 to 1.
    fn jitter(&self) -> f64;
    /// Tells the tokens of this world from those of others.
    fn number(&self) -> u64 {
        0
    }
    /// Whether a token is renewed in the background before its end.
    fn refreshes_in_background(&self) -> bool {
        config::background_refresh()
    }
}

/// An exchange that goes on only while someone drives it.
pub(crate) trait PendingExchange: Send {
    /// Goes on for `at_most`; gives the result when there is one. Blocks.
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>>;
}

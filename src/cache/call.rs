//! A call that was started and is finished later.

#![forbid(unsafe_code)]

use std::sync::Arc;

use super::backend::Backend;
use super::broker::{Handle, Patience};
use super::key::CacheKey;
use super::store::{InFlightExchange, TokenCriteria};
use super::wait::{WaitEnd, WaitOptions};
use crate::env::EnvSnapshot;
use crate::error::Error;
use crate::oauth::token::Token;
use crate::platform::cancellation::NoCancellation;
use crate::platform::fork::generation;
use crate::platform::sync::Instant;

/// A call that waits for an exchange, without a thread. Dropping it leaves the exchange, as a cancelled call does.
pub(crate) struct PendingCall<H: Handle> {
    pub(super) broker: H,
    pub(super) key: Arc<CacheKey>,
    pub(super) env: Arc<EnvSnapshot>,
    pub(super) in_flight: Arc<InFlightExchange>,
    pub(super) criteria: TokenCriteria,
    pub(super) patience: Patience,
    pub(super) deadline: Instant,
}

impl<H: Handle> PendingCall<H> {
    /// Whether [`finish`](Self::finish) returns at once.
    pub fn is_done(&self) -> bool {
        // In a forked child the result is there, or the child asks again when it finishes the call.
        !self.in_flight.is_of(generation())
            || self.in_flight.is_completed()
            || Instant::now() >= self.deadline
    }

    /// The exchange that completes the call, and the deadline that ends it otherwise.
    pub fn awaited(&self) -> (&Arc<InFlightExchange>, Instant) {
        (&self.in_flight, self.deadline)
    }

    /// The result. Blocks until the call is done.
    pub fn finish(&self) -> Result<Arc<Token>, Error> {
        let _guard = NoCancellation::new();
        let waited = match self.in_flight.is_of(generation()) {
            false => self.in_flight.result_in_child().ok_or(WaitEnd::Forked),
            true => match self.in_flight.result() {
                Some(outcome) => Ok(outcome),
                None if Instant::now() >= self.deadline => Err(WaitEnd::TimedOut),
                None => {
                    self.broker.backend.may_block()?;
                    super::wait::wait(self.deadline, None, |at_most| {
                        self.broker.backend.drive(&self.in_flight, at_most)
                    })
                }
            },
        };
        let result = self
            .broker
            .conclude(waited, &self.key, self.criteria, self.patience, &self.in_flight);
        result.unwrap_or_else(|| self.ask_again())
    }

    /// In a forked child: a call of its own.
    fn ask_again(&self) -> Result<Arc<Token>, Error> {
        let options = WaitOptions {
            criteria: self.criteria,
            timeout: Some(self.patience.timeout),
            cancelled: None,
        };
        let key = CacheKey::clone(&self.key);
        self.broker.obtain(key, self.env.clone(), &options)
    }
}

impl<H: Handle> Drop for PendingCall<H> {
    fn drop(&mut self) {
        self.broker.leave(&self.in_flight);
    }
}

//! The broker: one cached token and at most one exchange per cache key.
//!
//! `broker` is the entry point. `key` is the cache key, `store` the table of `entry`s, `eviction` bounds it, `refresh_policy`
//! decides when a token is renewed, `background_refresh` renews it. `single_flight` shares an exchange, `leader` performs it, `wait` and `call` wait for it.
//! `backend` is the trait that the server, a mock and the tests implement.
//!
//! Imports `env`, `oauth` and everything below. Next: `backend/mod.rs`, which performs the exchange.

#![forbid(unsafe_code)]

pub(crate) mod backend;
mod background_refresh;
pub(crate) mod broker;
pub(crate) mod call;
mod entry;
mod eviction;
pub(crate) mod key;
mod leader;
pub(crate) mod refresh_policy;
pub(crate) mod single_flight;
pub(crate) mod store;
pub(crate) mod wait;

#[cfg(test)]
mod tests;

//! One cache and one exchange per cache key.

#![forbid(unsafe_code)]

pub(crate) mod backend;
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

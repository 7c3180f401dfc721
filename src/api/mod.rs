//! The public Rust API, on which the C ABI is built: calls, requests, configuration, the cache, the log, diagnosis.
//!
//! A call goes through here in this order:
//!
//! 1. `context` chooses the process's broker or the innermost mock's; `environment` reads what the request leaves unset.
//! 2. `credentials` checks what each kind of credentials requires. `perform` asks the cache, and otherwise has the broker
//!    obtain a token, or start to. `outcome` words the error and delivers the log.
//!
//! `request` holds the options of a call. `config`, `cache` and `log` are the process-wide functions; `diagnostics` is the
//! report for a bug ticket. This folder imports `mock`, `backend`, `cache` and everything below; only `ffi` imports it.
//! Next: `cache/broker.rs` for a token's trip, `mock/mod.rs` for tests.

#![forbid(unsafe_code)]

pub(crate) mod cache;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod credentials;
pub(crate) mod diagnostics;
pub(crate) mod environment;
pub(crate) mod integrations;
pub(crate) mod log;
mod outcome;
mod perform;
pub(crate) mod request;
pub(crate) mod started;

pub use cache::{CacheStats, cache_stats, clear_cache, forget_session, invalidate};
pub use credentials::{
    exchange_token, exchange_token_start, has_service_account_token, has_viewer_token, has_workload_token,
    running_on_connect, service_account_token, service_account_token_start, viewer_token, viewer_token_start,
    workload_token, workload_token_start,
};
pub use diagnostics::diagnose;
pub use integrations::integrations;
pub use log::{LogLevel, remove_log_callback, set_log_callback};
pub use started::StartedCall;

/// How the C ABI reads a string of its host: the same rules as for every other text that comes in.
pub(crate) use crate::text::validate::validate;

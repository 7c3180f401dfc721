//! OAuth credentials mediated by Posit Connect, for any language with a C FFI, and for Rust.
//!
//! Content deployed on Posit Connect exchanges the session credential that Connect gives it for an access token to a
//! third-party service ([RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)). The token belongs to a service account, to
//! the person viewing the content, or to the content itself (workload identity).
//!
//! ```no_run
//! # fn main() -> Result<(), connectcreds::Error> {
//! let mut request = connectcreds::Request::new();
//! request.set_resource("https://example.cloud.databricks.com")?;
//! let token = connectcreds::service_account_token(&request)?;
//! println!("expires at {:?}", token.expires_at());
//! // send it: `Authorization:`, token.authorization()
//! # Ok(()) }
//! ```
//!
//! Calls block, on the calling thread. Inside an asynchronous runtime, call from a thread that may block
//! (`tokio::task::spawn_blocking`), or start the call ([`viewer_token_start`]) and wait for its descriptor.
//!
//! # The source, in the order of imports
//!
//! A folder imports only folders below it in this table; `tests/layers.rs` fails otherwise. Each `mod.rs` says what is in
//! its folder.
//!
//! | module | contents |
//! | --- | --- |
//! | `ffi/` | the C ABI: one file per C type; parse, call, write out |
//! | `api/` | what a Rust caller uses: kinds of credentials, requests, configuration, statistics, log, diagnosis |
//! | `mock/` | responses in place of the server's, with an environment, a clock and a cache of their own |
//! | `backend/` | the real server behind the broker: an exchange and its attempts |
//! | `driver/` | the one background thread and the runtime that exchanges of a process share |
//! | `cache/` | the broker: cache entries, cache key, refresh policy, single flight, leader and waiters |
//! | `http/` | one POST and its response: client pool, redirects, proxies, TLS, trust roots, DNS |
//! | `env.rs` | the variables that Connect sets, the content token's file, and a snapshot for exchanges |
//! | `oauth/` | RFC 6749 and 8693: the form, the response, the token, its expiry, AWS credentials |
//! | `log.rs` | log lines: levels, the queue, delivery to the host |
//! | `settings.rs` | process-wide settings, as the library reads them |
//! | `text/` | strings: secrets that are wiped, redaction, validation, hashing |
//! | `error.rs` | the error type |
//! | `platform/` | the process and the system: fork, signals, clocks, locks, host callbacks |
//!
//! `interleavings/` is built for model checking only, `fleet.rs` for the simulation in `benches/fleet`.

#[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
compile_error!("connectcreds has no file for this system in src/platform/os");

#[cfg(panic = "abort")]
compile_error!("connectcreds catches panics at the C boundary: build it with panic = \"unwind\"");

mod api;
mod backend;
mod cache;
mod driver;
mod env;
mod error;
#[doc(hidden)]
pub mod ffi;
#[cfg(feature = "_fleet")]
#[doc(hidden)]
pub mod fleet;
mod http;
#[cfg(all(test, feature = "_shuttle"))]
mod interleavings;
mod log;
mod mock;
mod oauth;
mod platform;
mod settings;
mod text;

/// Settings of the whole process. Each applies to calls that begin after it was set, on any thread.
pub mod config {
    pub use crate::api::config::{
        set_attempt_timeout, set_background_refresh, set_ca_bundle, set_cache_bytes, set_cache_capacity,
        set_connect_timeout, set_default_lifetime, set_max_attempts, set_timeout,
    };
    // As the rest of the crate reads them.
    #[allow(unused_imports)]
    pub(crate) use crate::settings::*;
}

pub use api::request::Request;
pub use api::{
    CacheStats, LogLevel, StartedCall, cache_stats, clear_cache, diagnose, exchange_token,
    exchange_token_start, forget_session, has_service_account_token, has_viewer_token, has_workload_token,
    integrations, invalidate, remove_log_callback, running_on_connect, service_account_token,
    service_account_token_start, set_log_callback, viewer_token, viewer_token_start, workload_token,
    workload_token_start,
};
pub use error::{Error, ErrorKind};
pub use mock::Mock;
pub use mock::backend::MockResponse;
pub use mock::integrations::MockIntegration;
pub use mock::request::MockRequest;
pub use oauth::aws_credentials::AwsCredentials;
pub use oauth::integrations::Integration;
pub use oauth::token::Token;
pub use oauth::token_exchange::token_type;

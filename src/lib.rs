//! OAuth credentials mediated by Posit Connect, for any language with a C FFI, and for Rust.
//!
//! A program that runs on Posit Connect asks for a token for a third-party service: its service account's, the
//! viewer's, or a workload identity token. The session credential that Connect provides is exchanged for it
//! ([RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)).
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
//! Calls block, on the calling thread; do not call from within an asynchronous runtime.
//!
//! # The rooms
//!
//! Each imports only rooms below it.
//!
//! | room | what it knows |
//! | --- | --- |
//! | `ffi` | the C ABI: parse, call, write out |
//! | `credentials` | the kinds of credentials: who may ask, which subject token, which words on failure |
//! | `context` | where a call goes: to the process's broker and environment, or to the innermost mock's |
//! | `mock` | mocks that are alive (`script`: what one answers, by which clock; `request`: a request as a mock sees it) |
//! | `connect` | the world as it is: the process's broker, exchanges with a server |
//! | `broker` | get me a token: from the cache, from an exchange under way, from one of its own (`leader`: who makes that) |
//! | `cache`, `in_flight`, `freshness` | what is known of a question; one exchange and who waits for it; when a token is too old |
//! | `transport` | one POST and its answer, across redirects; below it |
//! | … `attempts`, `retry`, `redirect` | an exchange attempted again when that helps; when it does, and which redirects keep the key (pure) |
//! | … `driver`, `connections`, `dns` | clients, and the thread that drives them |
//! | … `proxy`, `tls`, `roots` | the way to a server; whom TLS trusts |
//! | … `explain` | why there is no answer |
//! | `response`, `lifetime`, `members` | what an answer means (pure) |
//! | `key_ref` | the whole question that a token answers |
//! | `exchange`, `wanted`, `redact` | the form that is sent; a server's words made fit for a message (pure) |
//! | `environment`, `request`, `config` | what the process was told, what the caller asks, what the host set |
//! | `log`, `report` | what a person needs to find out why there is no token |
//! | `running` | callbacks of the host: how not to call one that is gone |
//! | `process` | signals, `fork()`, and what the kernel says |
//! | `token`, `aws`, `server`, `error`, `secret`, `hash`, `text`, `clock`, `sync` | the leaves |

#[cfg(not(target_os = "linux"))]
compile_error!(
    "connectcreds is for Linux, where Connect runs: its clocks, signals and fork hooks are tested there"
);

#[cfg(panic = "abort")]
compile_error!("connectcreds catches panics at the C boundary: build it with panic = \"unwind\"");

mod api;
mod backend;
mod cache;
mod config;
mod driver;
mod env;
mod error;
#[doc(hidden)]
pub mod ffi;
mod http;
#[cfg(all(test, feature = "_shuttle"))]
mod interleavings;
mod log;
mod mock;
mod oauth;
mod platform;
mod text;

pub use api::request::Request;
pub use api::{
    clear_cache, diagnose, exchange_token, forget_session, has_service_account_token, has_viewer_token,
    has_workload_token, invalidate, running_on_connect, service_account_token, viewer_token, workload_token,
};
pub use error::{Error, ErrorKind};
pub use mock::Mock;
pub use mock::backend::MockResponse;
pub use mock::request::MockRequest;
pub use oauth::aws_credentials::AwsCredentials;
pub use oauth::token::Token;
pub use oauth::token_exchange::token_type;

//! A stand-in for Posit Connect's OAuth credential endpoint: a real HTTP server on loopback that
//! keeps the facts of the real one, and fails on order.
//!
//! ```
//! use connect_standin::{Order, Standin};
//!
//! let connect = Standin::start();
//! for (name, value) in connect.environment() {
//!     println!("{name}={value}"); // what Connect gives to content
//! }
//! connect.order(Order::ResetBeforeAnswer); // the next exchange finds its connection reset
//! assert_eq!(connect.exchanges(), 0);
//! ```
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`Standin`], [`Builder`] | the server as its tests see it |
//! | `server`, `connection`, `wire` | accepting, TLS, and the faults of a connection, down to single bytes |
//! | `service` | which request goes where, and answers on order |
//! | `exchange`, `form`, `refusal` | the endpoint: what Connect checks, and how it refuses |
//! | `vault`, `identity` | the tokens it accepts and issues |
//! | `order`, `queue` | failures on order |
//! | `record`, `hold`, `clock` | what tests observe and steer |
//! | `manage`, `page` | the status page, and orders over HTTP for hosts that are not written in Rust |
//! | [`cli`] | the same as a program |

#![forbid(unsafe_code)]

mod answer;
mod builder;
mod certificates;
pub mod cli;
mod clock;
mod connection;
mod exchange;
mod form;
mod hold;
mod identity;
mod manage;
mod order;
mod page;
mod queue;
mod record;
mod refusal;
mod server;
mod service;
mod standin;
mod vault;
mod wire;

pub use builder::Builder;
pub use certificates::{Authority, Certificate, Signed, TlsVersion};
pub use hold::Hold;
pub use order::{ConnectionOrder, Order};
pub use record::Recorded;
pub use standin::Standin;

/// The endpoint's path, below the mount.
pub const ENDPOINT: &str = "/__api__/v1/oauth/integrations/credentials";

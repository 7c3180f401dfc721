//! A stand-in for Posit Connect's OAuth credential endpoint: an HTTP server on loopback that behaves
//! like the real one, and that a test can order to fail.
//!
//! ```
//! use connect_standin::{Order, Standin};
//!
//! let connect = Standin::start();
//! for (name, value) in connect.environment() {
//!     println!("{name}={value}"); // the environment of content
//! }
//! connect.order(Order::ResetBeforeAnswer); // resets the connection of the next exchange
//! assert_eq!(connect.exchanges(), 0);
//! ```
//!
//! | module | content |
//! | --- | --- |
//! | [`Standin`], [`Builder`] | the API for tests |
//! | `server`, `connection`, `wire` | accepting connections, TLS, and faults of connections, down to single bytes |
//! | `service` | routing, and ordered responses |
//! | `exchange`, `form`, `refusal` | the endpoint: its checks and its error responses |
//! | `vault`, `identity` | the tokens that it accepts and issues |
//! | `integrations` | the integrations of the content, and their list |
//! | `order`, `queue` | orders |
//! | `record`, `hold`, `clock` | recorded requests, held responses, the clock |
//! | [`FaultyNetwork`] | a network in front of the server, with faults by a plan |
//! | `manage`, `page` | the status page, and orders over HTTP for tests that are not written in Rust |
//! | [`cli`] | the command line |

#![forbid(unsafe_code)]

mod answer;
mod builder;
mod certificates;
pub mod cli;
mod clock;
mod connection;
mod exchange;
mod faulty_network;
mod form;
mod hold;
mod identity;
mod integrations;
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
pub use faulty_network::{FaultPlan, FaultyNetwork};
pub use hold::Hold;
pub use integrations::{Integration, Listing};
pub use order::{ConnectionOrder, Order};
pub use record::Recorded;
pub use standin::Standin;

/// The path of the endpoint, below the mount.
pub const ENDPOINT: &str = "/__api__/v1/oauth/integrations/credentials";

//! Tries every order in which threads can meet in the broker, within bounds, and forks at every point.
//!
//! The library's own files are built here, with locks, threads and a clock in [`sync`] that leave each step to the
//! [`explorer`]: it goes through all the ways a play can go. What the threads do is in [`broker`](broker_plays),
//! [`flight`](flight_plays) and [`process`](process_plays); `tests/` runs them.
//!
//! The engine is shuttle, because the library's statics need locks with constant constructors, which loom's have not,
//! and because its schedulers are to be had as a trait: ours bounds preemptions, lets time pass where a wait has an
//! end, and leaves a forked child alone. In exchange all atomics are sequentially consistent: nothing here is seen of
//! what weaker orderings allow.

// The library's files bring their own tests, which are not for these locks.
#![cfg(not(test))]
#![allow(dead_code, reason = "the library's files have more in them than is explored")]
#![allow(unsafe_code, reason = "process.rs")]

#[path = "../../../src/broker/mod.rs"]
mod broker;
#[path = "../../../src/cache.rs"]
mod cache;
#[path = "../../../src/clock.rs"]
mod clock;
#[path = "../../../src/config.rs"]
mod config;
#[path = "../../../src/environment.rs"]
mod environment;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/exchange.rs"]
mod exchange;
#[path = "../../../src/flight.rs"]
mod flight;
#[path = "../../../src/freshness.rs"]
mod freshness;
#[path = "../../../src/hash.rs"]
mod hash;
#[path = "../../../src/process.rs"]
mod process;
#[path = "../../../src/question.rs"]
mod question;
#[path = "../../../src/secret.rs"]
mod secret;
#[path = "../../../src/server.rs"]
mod server;
#[path = "../../../src/text.rs"]
mod text;
#[path = "../../../src/token.rs"]
mod token;
#[path = "../../../src/wanted.rs"]
mod wanted;

mod explorer;
mod log;
mod scene;
mod sync;

pub mod broker_plays;
pub mod flight_plays;
pub mod process_plays;

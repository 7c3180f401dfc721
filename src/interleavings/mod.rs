//! Model checking: every order in which threads can interleave in the cache, within bounds, with a fork at every point.
//!
//! `cargo test --features _shuttle --lib interleavings::` builds the crate with the locks, threads and clock of
//! [`sync`], whose every step is a choice of the [`explorer`], and runs each scenario in every way.
//!
//! The engine is shuttle: the library's statics need locks with constant constructors, which loom lacks, and its
//! schedulers are a trait. Ours bounds preemptions, lets time pass where a wait can time out, and isolates a forked
//! child. All atomics are sequentially consistent here: weaker orderings are not explored.

mod broker;
mod explorer;
mod fixture;
mod fork;
mod single_flight;
pub(crate) mod sync;

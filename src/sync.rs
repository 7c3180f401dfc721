//! The locks of the single flight, in one place: the exploration in `tests/exploration` puts others here, which try
//! every order in which threads can meet.

#![forbid(unsafe_code)]

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

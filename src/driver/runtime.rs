//! The runtime that all exchanges of a process share.
//!
//! tokio's current-thread runtime may be entered by several threads at a time: one of them runs the tasks and waits for
//! sockets and timers, the others wait for their own future, and one of them takes over when the first leaves. So a
//! lone caller performs its exchange on its own thread, and no caller depends on another one coming back.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, ErrorKind};
use crate::http::client_pool::building;

/// After how many polls of tasks the runtime looks at its timers and sockets. A server that sends without end keeps a
/// connection's task busy for many polls.
const EVENT_INTERVAL: u32 = 1;

/// Built when it is first needed, and kept for the life of the process.
#[derive(Default)]
pub(super) struct SharedRuntime(Mutex<Option<&'static Runtime>>);

impl SharedRuntime {
    /// # Errors
    ///
    /// [`Network`](ErrorKind::Network) when there is no descriptor for it; the next call tries again.
    pub fn get(&self) -> Result<&'static Runtime, Error> {
        let mut built = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = *built {
            return Ok(runtime);
        }
        let runtime = {
            let _building = building();
            Builder::new_current_thread()
                .enable_all()
                .event_interval(EVENT_INTERVAL)
                .build()
        };
        let runtime = runtime.map_err(|why| {
            Error::new(
                ErrorKind::Network,
                format!("Could not prepare for a connection: {why}."),
            )
        })?;
        // Never dropped: a child forked from this process must not run its destructor.
        let runtime: &'static Runtime = Box::leak(Box::new(runtime));
        *built = Some(runtime);
        Ok(runtime)
    }

    pub fn existing(&self) -> Option<&'static Runtime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

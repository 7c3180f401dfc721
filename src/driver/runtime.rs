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
        #[cfg(target_os = "linux")]
        inherited::close();
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
        #[cfg(target_os = "linux")]
        inherited::mark(runtime);
        *built = Some(runtime);
        Ok(runtime)
    }

    pub fn existing(&self) -> Option<&'static Runtime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The descriptors of the parent's runtime, which a forked child has too: those of the runtime itself, and connections. They
/// are closed when the child needs a runtime of its own, so that a chain of forks does not collect them. The parent's own
/// copies stay open.
#[cfg(target_os = "linux")]
mod inherited {
    use std::sync::Mutex;

    use tokio::net::UnixDatagram;
    use tokio::runtime::{Handle, Runtime};

    use crate::platform::os::Marker;

    /// Watched by the runtime that was built last, here or in a parent. It is never waited for: another thread may have
    /// held the lock at a fork.
    static LAST: Mutex<Option<(Marker, &UnixDatagram)>> = Mutex::new(None);

    pub fn mark(runtime: &Runtime) {
        let _entered = runtime.enter();
        // Without a descriptor for it, children keep the descriptors that they inherit.
        let Ok(socket) = UnixDatagram::unbound() else {
            return;
        };
        if let Ok(mut last) = LAST.try_lock() {
            let socket: &'static _ = Box::leak(Box::new(socket));
            *last = Marker::new(socket).map(|marker| (marker, socket));
        }
    }

    pub fn close() {
        // A child that was forked inside the runtime goes back to it.
        if Handle::try_current().is_ok() {
            return;
        }
        if let Ok(mut last) = LAST.try_lock()
            && let Some((marker, _)) = last.take()
        {
            marker.close_all();
        }
    }
}

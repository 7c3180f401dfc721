//! Tells a host when a call is done, without a thread of its own.

#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::DRIVER;
use crate::cache::store::InFlightExchange;
use crate::error::Error;
use crate::platform::fork::generation;
use crate::platform::per_process::PerProcess;
use crate::platform::sync::Instant;

/// How many watches of this process have not ended.
static WATCHING: PerProcess<AtomicUsize> = PerProcess::new(AtomicUsize::default);

/// Dropping it ends the watch.
pub(crate) struct Watch {
    generation: u64,
    task: Option<AbortHandle>,
}

/// Calls `tell` once, on the background thread, when `in_flight` is completed or `deadline` has passed.
///
/// # Errors
///
/// [`Network`](crate::ErrorKind::Network) when there is no thread.
pub(crate) fn watch(
    in_flight: &Arc<InFlightExchange>,
    deadline: Instant,
    tell: impl FnOnce() + Send + 'static,
) -> Result<Watch, Error> {
    struct Watching;
    impl Drop for Watching {
        fn drop(&mut self) {
            WATCHING.get().fetch_sub(1, Ordering::Relaxed);
            DRIVER.get().thread.wake();
        }
    }
    let driver = DRIVER.get();
    let runtime = driver.runtime.get()?;
    WATCHING.get().fetch_add(1, Ordering::Relaxed);
    let (in_flight, watching) = (in_flight.clone(), Watching);
    let task = runtime.spawn(async move {
        let completed = poll_fn(|context| in_flight.poll(context));
        let left = deadline.saturating_duration_since(Instant::now());
        let _either = timeout(left, completed).await;
        tell();
        drop(watching);
    });
    let watch = Watch {
        generation: generation(),
        task: Some(task.abort_handle()),
    };
    // Without a thread the watch ends here.
    driver.ensure_thread()?;
    Ok(watch)
}

pub(super) fn is_watching() -> bool {
    WATCHING.get().load(Ordering::Relaxed) > 0
}

impl Drop for Watch {
    fn drop(&mut self) {
        // In a forked child the task is the parent's, and is left alone.
        match self.task.take() {
            Some(task) if self.generation == generation() => task.abort(),
            parents => std::mem::forget(parents),
        }
    }
}

//! The driver of exchanges: one runtime for the whole process, without threads of its own.
//!
//! An exchange is a task on the runtime. Whichever thread waits for one, in [`drive`], runs all of them. Where no caller
//! waits, one background thread does ([`unattended`]): refreshes, exchanges whose callers left, calls that do not block.
//! It starts when it is first needed and ends when it has nothing to do. [`places`] bounds how many exchanges are in
//! progress.
//!
//! A forked child has a driver of its own; what it inherits is abandoned, see `platform/per_process.rs`.
//!
//! Imports `cache` (for exchanges in flight), `http` (for its lock), and what is below them.

#![forbid(unsafe_code)]

mod places;
mod runtime;
mod thread;
mod watch;

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cache::backend::BoxedFuture;
use crate::cache::store::{InFlightExchange, Outcome};
use crate::error::Error;
use crate::log;
use crate::platform::per_process::PerProcess;
use crate::platform::signals::NoSigpipe;

use places::Queue;
use runtime::SharedRuntime;
use thread::BackgroundThread;

pub(crate) use watch::{Watch, watch};

static DRIVER: PerProcess<Driver> = PerProcess::new(Driver::default);

/// The driver of one process.
#[derive(Default)]
struct Driver {
    runtime: SharedRuntime,
    queue: Queue,
    thread: BackgroundThread,
}

thread_local! {
    /// Why the task that this thread polls is not on the runtime.
    static NOT_ON_RUNTIME: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Whether exchanges can be run: the runtime needs a few descriptors.
///
/// # Errors
///
/// [`Network`](crate::ErrorKind::Network) when there are none, or were none when the task that asks was to be spawned.
pub(crate) fn prepare() -> Result<(), Error> {
    let failure = NOT_ON_RUNTIME.try_with(RefCell::take).ok().flatten();
    match failure {
        Some(why) => Err(why),
        None => DRIVER.get().runtime.get().map(drop),
    }
}

/// Runs `task`, which completes `in_flight`, when there is a place for it.
pub(crate) fn spawn(in_flight: &Arc<InFlightExchange>, mut task: BoxedFuture<()>) {
    let driver = DRIVER.get();
    if let Err(why) = driver.runtime.get() {
        // It fails at once, with that error, see `prepare`. There may be descriptors again by then, but it would run outside
        // of the runtime.
        let _ = NOT_ON_RUNTIME.try_with(|failure| failure.replace(Some(why)));
        let _completed = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let _ = NOT_ON_RUNTIME.try_with(RefCell::take);
        return;
    }
    driver.queue.submit(in_flight.clone(), task);
    driver.start_exchanges();
}

/// Blocks until `in_flight` is completed, for at most `at_most`, and runs all tasks meanwhile.
pub(crate) fn drive(in_flight: &InFlightExchange, at_most: Duration) -> Option<Outcome> {
    if let Some(outcome) = in_flight.result() {
        return Some(outcome);
    }
    let driver = DRIVER.get();
    let Ok(runtime) = driver.runtime.get() else {
        return in_flight.wait(at_most);
    };
    if cannot_run_a_runtime() {
        return match driver.ensure_thread() {
            Ok(()) => in_flight.wait(at_most),
            Err(why) => {
                log::warning!("{why}");
                in_flight.wait(at_most)
            }
        };
    }
    // Outlives every connection that is used or closed below.
    let _guard = NoSigpipe::new();
    in_flight.driven(|| {
        runtime.block_on(async {
            let completed = poll_fn(|context| in_flight.poll(context));
            tokio::time::timeout(at_most, completed).await.ok()
        })
    })
}

/// A thread inside another runtime, and one that has no thread-locals left because it is exiting, wait for the background
/// thread instead.
fn cannot_run_a_runtime() -> bool {
    match Handle::try_current() {
        Ok(_another_runtime) => true,
        Err(why) => why.is_thread_local_destroyed(),
    }
}

/// Has the background thread run what no caller drives.
///
/// # Errors
///
/// [`Network`](crate::ErrorKind::Network) when there is no thread.
pub(crate) fn unattended() -> Result<(), Error> {
    DRIVER.get().ensure_thread()
}

/// A caller joined `in_flight`, or left it with nothing waiting.
pub(crate) fn attention_changed(in_flight: &Arc<InFlightExchange>) {
    let driver = DRIVER.get();
    if driver.queue.attention_changed(in_flight) {
        driver.start_exchanges();
        if in_flight.is_given_up() && !driver.thread.exists() {
            // No thread drops the task, which has a connection.
            driver.run_ready();
        }
    }
}

/// Closes connections that no exchange uses.
pub(crate) fn close_idle_connections() {
    crate::http::client_pool::pool().clear();
    // A connection's task ends when it is next polled.
    DRIVER.get().run_ready();
}

impl Driver {
    /// Polls the tasks that are ready, on this thread.
    fn run_ready(&self) {
        let Some(runtime) = self.runtime.existing() else {
            return;
        };
        if cannot_run_a_runtime() {
            return;
        }
        let _guard = NoSigpipe::new();
        runtime.block_on(async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        });
    }

    /// Starts what has a place, and drops what must make room. Tasks are dropped outside of the queue's lock: that
    /// completes their exchanges.
    fn start_exchanges(&'static self) {
        let Ok(runtime) = self.runtime.get() else { return };
        loop {
            let (ready, dropped) = self.queue.take_ready();
            drop(dropped);
            if ready.is_empty() {
                return;
            }
            for job in ready {
                let in_flight = job.in_flight.clone();
                let place = Place {
                    driver: self,
                    in_flight: job.in_flight,
                };
                let task = runtime.spawn(async move {
                    let _until_it_ends = place;
                    job.task.await;
                });
                self.queue.record_abort_handle(&in_flight, task.abort_handle());
            }
        }
    }
}

/// The place of an exchange in progress: whatever ends it, another one may begin.
struct Place {
    driver: &'static Driver,
    in_flight: Arc<InFlightExchange>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.driver.queue.finished(&self.in_flight);
        self.driver.start_exchanges();
        self.driver.thread.wake();
    }
}

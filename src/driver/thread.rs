//! The background thread: one, which runs what no caller drives.

#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::Driver;
use crate::error::{Error, ErrorKind};
use crate::platform::signals::without_signals;

/// How long the thread stays with nothing to do.
const IDLE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct BackgroundThread {
    is_running: Mutex<bool>,
    changed: Notify,
}

impl BackgroundThread {
    /// Has the thread look again whether there is something to do.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    pub fn exists(&self) -> bool {
        *self.is_running()
    }

    fn is_running(&self) -> MutexGuard<'_, bool> {
        self.is_running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// # Errors
    ///
    /// [`Network`](ErrorKind::Network) when no thread can be started.
    pub(super) fn ensure_thread(&'static self) -> Result<(), Error> {
        let mut is_running = self.thread.is_running();
        if !*is_running {
            let thread = thread::Builder::new().name("connectcreds".to_owned());
            // The host's signal handlers must not run on our thread.
            without_signals(|| thread.spawn(|| self.run_in_background())).map_err(|why| {
                Error::new(
                    ErrorKind::Network,
                    format!("Could not start the background thread: {why}."),
                )
            })?;
            *is_running = true;
        }
        self.thread.wake();
        Ok(())
    }

    fn run_in_background(&'static self) {
        /// Another thread can be started once this one has ended, whatever ended it.
        struct Ends(&'static BackgroundThread);
        impl Drop for Ends {
            fn drop(&mut self) {
                *self.0.is_running() = false;
            }
        }
        let Ok(runtime) = self.runtime.get() else {
            drop(Ends(&self.thread));
            return;
        };
        loop {
            let ends = Ends(&self.thread);
            runtime.block_on(self.until_idle());
            std::mem::forget(ends);
            let mut is_running = self.thread.is_running();
            if !self.has_work() {
                *is_running = false;
                return;
            }
        }
    }

    /// Exchanges that callers drive themselves do not keep the thread.
    async fn until_idle(&self) {
        let mut idle_until = None;
        loop {
            let changed = self.thread.changed.notified();
            let wait = if self.has_work() {
                idle_until = None;
                IDLE
            } else {
                let now = Instant::now();
                let until = *idle_until.get_or_insert(now + IDLE);
                if now >= until {
                    return;
                }
                until - now
            };
            let _either = timeout(wait, changed).await;
        }
    }

    fn has_work(&self) -> bool {
        self.queue.has_undriven() || super::watch::is_watching()
    }
}

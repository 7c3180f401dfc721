//! Holds back responses until a [`Hold`] is dropped, so that concurrency is tested without sleeping.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// The timeout of [`Hold::wait_for`]: far above what a loaded machine needs, and far below the
/// timeout of a test runner.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Gate {
    holds: watch::Sender<usize>,
    waiting: Mutex<usize>,
    arrived: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate {
            holds: watch::Sender::new(0),
            waiting: Mutex::new(0),
            arrived: Condvar::new(),
        }
    }

    /// Waits until no hold is in force.
    pub(crate) async fn pass(&self) {
        let mut holds = self.holds.subscribe();
        if *holds.borrow_and_update() == 0 {
            return;
        }
        let _place = Place::take(self);
        holds
            .wait_for(|holds| *holds == 0)
            .await
            .expect("the gate owns the sender");
    }

    fn add(&self, change: isize) {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        *waiting = waiting
            .checked_add_signed(change)
            .expect("each place is given back once");
        self.arrived.notify_all();
    }
}

/// A request's place in the queue. Dropping it returns the place, also when the client disconnects.
struct Place<'a>(&'a Gate);

impl Place<'_> {
    fn take(gate: &Gate) -> Place<'_> {
        gate.add(1);
        Place(gate)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// Until this is dropped, exchanges are read and recorded, and their responses are held back. See
/// [`crate::Standin::hold`].
#[derive(Debug)]
#[must_use = "answers are let go when the hold is dropped"]
pub struct Hold {
    gate: Arc<Gate>,
}

impl Hold {
    pub(crate) fn new(gate: Arc<Gate>) -> Hold {
        gate.holds.send_modify(|holds| *holds += 1);
        Hold { gate }
    }

    /// Blocks until at least `requests` requests are waiting for their responses.
    ///
    /// # Panics
    ///
    /// If they have not arrived after 30 seconds.
    pub fn wait_for(&self, requests: usize) {
        let waiting = self.gate.waiting.lock().expect("no holder panics");
        let (waiting, time) = self
            .gate
            .arrived
            .wait_timeout_while(waiting, PATIENCE, |waiting| *waiting < requests)
            .expect("no holder panics");
        let seen = *waiting;
        // Released before the panic, which would otherwise poison the lock and stop the server.
        drop(waiting);
        assert!(
            !time.timed_out(),
            "only {seen} of {requests} requests came within {PATIENCE:?}"
        );
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gate.holds.send_modify(|holds| *holds -= 1);
    }
}

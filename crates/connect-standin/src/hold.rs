//! Answers kept back while a [`Hold`] lives, so that concurrency is tested without sleeping.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// What [`Hold::wait_for`] allows for: far above what a loaded machine needs, far below a test
/// runner's patience.
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

    /// Returns once no hold is in force.
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

/// A request's place in the queue, given back also when its client hangs up and the request is
/// dropped.
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

/// While this lives, exchanges are read and recorded, and their answers wait. See
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

    /// Blocks until at least `requests` requests are waiting for their answers.
    ///
    /// # Panics
    ///
    /// When they have not come after 30 seconds.
    pub fn wait_for(&self, requests: usize) {
        let waiting = self.gate.waiting.lock().expect("no holder panics");
        let (waiting, time) = self
            .gate
            .arrived
            .wait_timeout_while(waiting, PATIENCE, |waiting| *waiting < requests)
            .expect("no holder panics");
        let seen = *waiting;
        // Released first: a panic that poisoned this lock would take the server down with the test.
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

//! One exchange in flight, and those who wait for it. Its result comes once and goes to all of them.

#![forbid(unsafe_code)]

use std::time::Duration;

use crate::error::Error;
use crate::platform::sync::{Condvar, Instant, Mutex, MutexGuard, PoisonError};

/// An exchange under way, shared by who makes it and by who waits. `T` is what it brings.
pub(crate) struct InFlight<T> {
    /// The process that it was begun in: in a forked child nobody is left to bring it to its end.
    generation: u64,
    /// How long it goes on with nobody waiting.
    orphan_deadline: Instant,
    state: Mutex<State<T>>,
    completed: Condvar,
}

struct State<T> {
    result: Option<T>,
    waiting: usize,
    /// The latest deadline of those who waited since nobody did.
    awaited_until: Option<Instant>,
    /// Nobody waited when its time was over: it lands without a result for those who come now.
    given_up: bool,
    trouble: Option<Progress>,
}

/// What went wrong with an exchange that goes on all the same.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// An attempt failed so, and it is not yet time for the next one.
    Waiting(Error),
    /// The attempt before this one failed so.
    Before(Error),
}

impl<T: Clone> InFlight<T> {
    pub fn new(generation: u64, orphan_deadline: Instant) -> Self {
        let state = State {
            result: None,
            waiting: 0,
            awaited_until: None,
            given_up: false,
            trouble: None,
        };
        Self {
            generation,
            orphan_deadline,
            state: Mutex::new(state),
            completed: Condvar::new(),
        }
    }

    pub fn is_of(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// Someone waits, until `deadline` at the most; to be followed by [`leave`](Self::leave). False when it was given up
    /// before: who comes then is not to be told that it took too long.
    pub fn join(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        if state.given_up {
            return false;
        }
        state.waiting += 1;
        state.awaited_until = state.awaited_until.max(Some(deadline));
        true
    }

    /// Gives it up if it is not worth going on with; from then on nobody joins.
    pub fn give_up(&self, now: Instant) -> bool {
        let mut state = self.state();
        let until = state.awaited_until.unwrap_or(self.orphan_deadline);
        state.given_up = now >= until.max(self.orphan_deadline);
        state.given_up
    }

    pub fn leave(&self) {
        let mut state = self.state();
        state.waiting -= 1;
        if state.waiting == 0 {
            state.awaited_until = None;
        }
    }

    /// Until when the exchange is worth going on with.
    pub fn until(&self) -> Instant {
        self.awaited_until().max(self.orphan_deadline)
    }

    /// Until when someone waits for it; when nobody does, until when it goes on alone.
    pub fn awaited_until(&self) -> Instant {
        self.state().awaited_until.unwrap_or(self.orphan_deadline)
    }

    /// Tells who waits how the exchange fares.
    pub fn note(&self, trouble: Progress) {
        self.state().trouble = Some(trouble);
    }

    /// What was last noted.
    pub fn trouble(&self) -> Option<Progress> {
        self.state().trouble.clone()
    }

    /// Waits for the result, for `at_most`.
    pub fn wait(&self, at_most: Duration) -> Option<T> {
        let deadline = Instant::now() + at_most;
        let mut state = self.state();
        while state.result.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (state, _) = self
                .completed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.result.clone()
    }

    /// Gives the result to all who wait, and to all who will. The first one stays.
    pub fn complete(&self, result: T) {
        self.state().result.get_or_insert(result);
        self.completed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

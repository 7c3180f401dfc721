//! How many exchanges are in progress at a time, and which begins next.
//!
//! Exchanges that a caller waits for go first and have the most places. Refreshes, and exchanges whose callers left, have
//! a few of their own; when they are too many, the one that has run longest is dropped. First come, first served.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::cache::backend::BoxedFuture;
use crate::cache::store::InFlightExchange;
use crate::config;
use crate::platform::sync::Instant;

/// How many exchanges that a caller waits for are in progress at most.
pub(super) const AWAITED: usize = 64;
/// How many others.
pub(super) const BACKGROUND: usize = 16;

/// An exchange and the task that performs it.
pub(super) struct Job {
    pub in_flight: Arc<InFlightExchange>,
    pub task: BoxedFuture<()>,
}

#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    /// In the order in which they began.
    in_progress: Vec<InProgress>,
    awaited: VecDeque<Job>,
    background: VecDeque<Job>,
    /// Those whose callers all left before they began.
    forsaken: Vec<Job>,
}

struct InProgress {
    in_flight: Arc<InFlightExchange>,
    abort: Option<AbortHandle>,
    /// Another exchange takes its place.
    is_dropped: bool,
}

impl Queue {
    pub fn submit(&self, in_flight: Arc<InFlightExchange>, task: BoxedFuture<()>) {
        let job = Job { in_flight, task };
        let mut state = self.state();
        match job.in_flight.is_awaited() {
            true => state.awaited.push_back(job),
            false => state.background.push_back(job),
        }
    }

    /// Whether there is an exchange that no caller's thread drives.
    pub fn has_undriven(&self) -> bool {
        let state = self.state();
        let in_progress = state.in_progress.iter().map(|it| &it.in_flight);
        let queued = state.awaited.iter().map(|job| &job.in_flight);
        !state.background.is_empty() || in_progress.chain(queued).any(|in_flight| !in_flight.is_driven())
    }

    /// Returns whether another exchange may begin, or has to be dropped.
    pub fn attention_changed(&self, in_flight: &Arc<InFlightExchange>) -> bool {
        let mut state = self.state();
        if !in_flight.is_started()
            && in_flight.is_awaited()
            && let Some(at) = state
                .background
                .iter()
                .position(|job| Arc::ptr_eq(&job.in_flight, in_flight))
            && let Some(job) = state.background.remove(at)
        {
            state.awaited.push_back(job);
            return true;
        }
        let is_awaited = in_flight.is_awaited();
        // Looked for by its caller that left, and not whenever an exchange begins: thousands may wait in the queue.
        if !in_flight.is_started()
            && !is_awaited
            && let Some(at) = state
                .awaited
                .iter()
                .position(|job| Arc::ptr_eq(&job.in_flight, in_flight))
            && in_flight.give_up_unless_awaited()
            && let Some(job) = state.awaited.remove(at)
        {
            state.forsaken.push(job);
        }
        !is_awaited
    }

    /// The jobs that begin now, and those that are dropped. To be called again until none begins.
    pub fn take_ready(&self) -> (Vec<Job>, Vec<Job>) {
        let mut state = self.state();
        let dropped = std::mem::take(&mut state.forsaken);
        let mut ready = Vec::new();
        let (mut awaited, mut background) = state.in_progress();
        while awaited < AWAITED
            && let Some(job) = state.awaited.pop_front()
        {
            awaited += 1;
            state.begin(job, &mut ready);
        }
        while background < BACKGROUND
            && let Some(job) = state.background.pop_front()
        {
            background += 1;
            state.begin(job, &mut ready);
        }
        state.abort(background.saturating_sub(BACKGROUND));
        (ready, dropped)
    }

    /// How a job that began can be dropped.
    pub fn record_abort_handle(&self, in_flight: &Arc<InFlightExchange>, abort: AbortHandle) {
        let mut state = self.state();
        let begun = state.in_progress.iter_mut();
        for it in begun.filter(|it| Arc::ptr_eq(&it.in_flight, in_flight)) {
            it.abort = Some(abort.clone());
        }
    }

    pub fn finished(&self, in_flight: &Arc<InFlightExchange>) {
        self.state()
            .in_progress
            .retain(|it| !Arc::ptr_eq(&it.in_flight, in_flight));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, job: Job, ready: &mut Vec<Job>) {
        job.in_flight.start(Instant::now() + config::timeout());
        self.in_progress.push(InProgress {
            in_flight: job.in_flight.clone(),
            abort: None,
            is_dropped: false,
        });
        ready.push(job);
    }

    /// How many exchanges in progress are awaited, and how many are not.
    fn in_progress(&self) -> (usize, usize) {
        let kept = self.in_progress.iter().filter(|it| !it.is_dropped);
        kept.fold((0, 0), |(awaited, background), it| {
            match it.in_flight.is_awaited() {
                true => (awaited + 1, background),
                false => (awaited, background + 1),
            }
        })
    }

    /// Aborts exchanges that were given up, and as many others as are too many, oldest first, unless a caller joins them.
    fn abort(&mut self, mut too_many: usize) {
        for it in self.in_progress.iter_mut().filter(|it| !it.is_dropped) {
            let Some(abort) = &it.abort else { continue };
            let given_up = it.in_flight.is_given_up();
            if given_up || (too_many > 0 && it.in_flight.give_up_unless_awaited()) {
                abort.abort();
                it.is_dropped = true;
                too_many = too_many.saturating_sub(1);
            }
        }
    }
}

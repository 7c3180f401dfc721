//! Single flight: one exchange per cache key, whose result goes to every caller that waits for it.

#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::platform::sync::{Condvar, Instant, Mutex, MutexGuard, PoisonError};

/// An exchange in flight, shared by the task that performs it and the callers that wait. `T` is its result.
pub(crate) struct InFlight<T> {
    /// The process that started it. In a forked child nothing completes it.
    generation: u64,
    /// Whether a place was found for it, see `driver`. Until then it waits in a queue.
    started: AtomicBool,
    /// How many threads drive it while they wait.
    driving: AtomicUsize,
    state: Mutex<State<T>>,
    completed: Condvar,
    /// The result in a forked child, where a thread that does not exist may hold the lock of `state` for good.
    in_child: OnceLock<T>,
}

struct State<T> {
    result: Option<T>,
    /// When it is given up if no caller waits.
    orphan_deadline: Instant,
    waiting: usize,
    /// The latest deadline of the callers that wait.
    awaited_until: Option<Instant>,
    /// No caller waited when its time was over: a caller that comes now starts another exchange.
    given_up: bool,
    progress: Option<Progress>,
    wakers: Vec<Waker>,
}

/// The last failure of an exchange that is still in progress.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// An attempt failed with this error, and the next one has not begun.
    Waiting(Error),
    /// The previous attempt failed with this error.
    Before(Error),
}

impl<T: Clone> InFlight<T> {
    pub fn new(generation: u64, orphan_deadline: Instant) -> Self {
        let state = State {
            result: None,
            orphan_deadline,
            waiting: 0,
            awaited_until: None,
            given_up: false,
            progress: None,
            wakers: Vec::new(),
        };
        Self {
            generation,
            started: AtomicBool::new(false),
            driving: AtomicUsize::new(0),
            state: Mutex::new(state),
            completed: Condvar::new(),
            in_child: OnceLock::new(),
        }
    }

    pub fn is_of(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// Records that a place was found. The time in the queue does not count: without a caller, it goes on until
    /// `orphan_deadline`.
    pub fn start(&self, orphan_deadline: Instant) {
        self.started.store(true, Ordering::Relaxed);
        self.state().orphan_deadline = orphan_deadline;
    }

    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Runs `drive` on a thread that drives the exchange meanwhile.
    pub fn driven<R>(&self, drive: impl FnOnce() -> R) -> R {
        self.driving.fetch_add(1, Ordering::Relaxed);
        let result = drive();
        self.driving.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Whether a caller's thread drives it.
    pub fn is_driven(&self) -> bool {
        self.driving.load(Ordering::Relaxed) > 0
    }

    /// Adds a caller that waits until `deadline` at most; [`leave`](Self::leave) removes it. Returns false when the
    /// exchange was given up: the caller must not be told that it took too long.
    pub fn join(&self, deadline: Instant) -> bool {
        let mut state = self.state();
        if state.given_up {
            return false;
        }
        state.waiting += 1;
        state.awaited_until = state.awaited_until.max(Some(deadline));
        true
    }

    /// Removes a caller. Returns whether nothing waits any more for an exchange that is still in progress.
    pub fn leave(&self) -> bool {
        let mut state = self.state();
        state.waiting -= 1;
        if state.waiting == 0 {
            state.awaited_until = None;
        }
        state.waiting == 0 && state.result.is_none()
    }

    pub fn is_awaited(&self) -> bool {
        self.state().waiting > 0
    }

    /// Gives the exchange up if its time is over. From then on no caller can join.
    pub fn give_up(&self, now: Instant) -> bool {
        let mut state = self.state();
        state.given_up |= now >= state.until();
        state.given_up
    }

    /// Gives the exchange up unless a caller waits for it.
    pub fn give_up_unless_awaited(&self) -> bool {
        let mut state = self.state();
        state.given_up |= state.waiting == 0;
        state.given_up
    }

    pub fn is_given_up(&self) -> bool {
        self.state().given_up
    }

    /// When the exchange is given up.
    pub fn until(&self) -> Instant {
        self.state().until()
    }

    /// Until when a caller waits; without one, until when the exchange goes on.
    pub fn awaited_until(&self) -> Instant {
        let state = self.state();
        state.awaited_until.unwrap_or(state.orphan_deadline)
    }

    pub fn record_progress(&self, progress: Progress) {
        self.state().progress = Some(progress);
    }

    pub fn progress(&self) -> Option<Progress> {
        self.state().progress.clone()
    }

    /// Whether an attempt failed for another reason than that no response came in time.
    pub fn was_answered(&self) -> bool {
        let state = self.state();
        let why = state.progress.as_ref().map(|progress| match progress {
            Progress::Waiting(why) | Progress::Before(why) => why.kind(),
        });
        why.is_some_and(|kind| kind != ErrorKind::Timeout)
    }

    pub fn result(&self) -> Option<T> {
        self.state().result.clone()
    }

    pub fn is_completed(&self) -> bool {
        self.state().result.is_some()
    }

    /// Blocks for the result, for at most `at_most`.
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

    /// The result, or registers the task to be woken by it.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.state();
        match &state.result {
            Some(result) => Poll::Ready(result.clone()),
            None => {
                let waker = context.waker();
                if !state.wakers.iter().any(|known| known.will_wake(waker)) {
                    state.wakers.push(waker.clone());
                }
                Poll::Pending
            }
        }
    }

    /// Gives the result to every caller that waits and to every one that asks later. The first result stays.
    pub fn complete(&self, result: T) {
        let wakers = {
            let mut state = self.state();
            state.result.get_or_insert(result);
            std::mem::take(&mut state.wakers)
        };
        self.completed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// [`complete`](Self::complete) in a child that the exchange's own thread forked.
    pub fn complete_in_child(&self, result: T) {
        let _ = self.in_child.set(result);
    }

    /// The result in such a child.
    pub fn result_in_child(&self) -> Option<T> {
        self.in_child.get().cloned()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn until(&self) -> Instant {
        self.awaited_until
            .map_or(self.orphan_deadline, |until| until.max(self.orphan_deadline))
    }
}

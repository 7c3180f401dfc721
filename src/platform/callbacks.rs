//! Host callbacks. A callback never runs after the call that removes it has returned, and removing a callback from inside
//! itself does not deadlock.

#![forbid(unsafe_code)]

use std::sync::Condvar;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use super::fork::Place;
use super::fork_safe_mutex::ForkSafeMutex;

/// The running callbacks, all in one list: which thread waits for which shows only there.
/// A forked child has only the thread that forked, and the callbacks that run on it.
static RUNS: ForkSafeMutex<Vec<ActiveCall>> = ForkSafeMutex::new(Place::Callbacks, Vec::new(), Vec::new)
    .in_child(|runs| {
        let me = thread::current().id();
        runs.retain(|run| run.thread == me);
    });
static ENDED: Condvar = Condvar::new();

/// A callback that is running.
struct ActiveCall {
    callback: u64,
    thread: ThreadId,
    /// The callback that this thread waits for, inside this one.
    waits_for: Option<u64>,
}

/// A callback of the host.
#[derive(Debug)]
pub(crate) struct CallbackSlot {
    number: u64,
    /// Changed under the lock.
    over: AtomicBool,
}

impl CallbackSlot {
    pub fn new() -> Self {
        static CALLBACKS: AtomicU64 = AtomicU64::new(0);
        Self {
            number: CALLBACKS.fetch_add(1, Ordering::Relaxed),
            over: AtomicBool::new(false),
        }
    }

    /// Returns a guard to hold while the callback runs on this thread; `None` when it was removed and must not be called.
    pub fn enter(&self) -> Option<EnterGuard> {
        let mut runs = RUNS.lock();
        if self.over.load(Ordering::Relaxed) {
            return None;
        }
        let thread = thread::current().id();
        runs.push(ActiveCall {
            callback: self.number,
            thread,
            waits_for: None,
        });
        Some(EnterGuard {
            callback: self.number,
            thread,
        })
    }

    /// Removes the callback and waits until it runs on no other thread. Of two threads that remove each other's callback
    /// inside their own, the second does not wait.
    pub fn end(&self) {
        let me = thread::current().id();
        let mut runs = RUNS.lock();
        self.over.store(true, Ordering::Relaxed);
        set_waiting(&mut runs, me, Some(self.number));
        let keeps = |runs: &[ActiveCall], run: &ActiveCall| {
            run.callback == self.number && run.thread != me && !waits_for(runs, run.thread, me)
        };
        while runs.iter().any(|run| keeps(&runs, run)) {
            runs = runs.wait(&ENDED);
        }
        set_waiting(&mut runs, me, None);
    }
}

fn set_waiting(runs: &mut [ActiveCall], thread: ThreadId, callback: Option<u64>) {
    let own = runs.iter_mut().filter(|run| run.thread == thread);
    own.for_each(|run| run.waits_for = callback);
}

/// Whether `thread` waits, by itself or through others, for a callback that runs on `on`.
fn waits_for(runs: &[ActiveCall], thread: ThreadId, on: ThreadId) -> bool {
    let waiting = runs.iter().filter(|run| run.thread == thread);
    waiting.filter_map(|run| run.waits_for).any(|callback| {
        runs.iter()
            .filter(|run| run.callback == callback && run.thread != thread)
            .any(|run| run.thread == on || waits_for(runs, run.thread, on))
    })
}

/// A callback is running.
#[derive(Debug)]
pub(crate) struct EnterGuard {
    callback: u64,
    thread: ThreadId,
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        let mut runs = RUNS.lock();
        let own = |run: &ActiveCall| run.callback == self.callback && run.thread == self.thread;
        if let Some(at) = runs.iter().rposition(own) {
            runs.remove(at);
        }
        ENDED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Returns once a thread waits for the end of `callback`.
    fn await_waiting(callback: &CallbackSlot) {
        let waits = |run: &ActiveCall| run.waits_for == Some(callback.number);
        while !RUNS.lock().iter().any(waits) {
            thread::yield_now();
        }
    }

    #[test]
    fn a_removed_callback_is_not_called() {
        let callback = CallbackSlot::new();
        assert!(callback.enter().is_some());
        callback.end();
        assert!(callback.enter().is_none());
    }

    #[test]
    fn removing_a_callback_waits_for_other_threads_inside_and_not_for_its_own() {
        let callback = CallbackSlot::new();
        let own = callback.enter();
        thread::scope(|threads| {
            let (entered, enters) = mpsc::channel();
            let (leave, leaves) = mpsc::channel::<()>();
            let callback = &callback;
            let other = threads.spawn(move || {
                let _inside = callback.enter();
                entered.send(()).unwrap();
                leaves.recv().unwrap();
                "it was inside"
            });
            enters.recv().unwrap();
            let first = threads.spawn(move || {
                await_waiting(callback);
                leave.send(()).unwrap();
            });
            callback.end();
            first.join().unwrap();
            assert_eq!(other.join().unwrap(), "it was inside");
        });
        drop(own);
    }

    #[test]
    fn two_threads_that_remove_each_others_callback_both_return() {
        let (one, two) = (CallbackSlot::new(), CallbackSlot::new());
        let both = std::sync::Barrier::new(2);
        thread::scope(|threads| {
            for (own, others) in [(&one, &two), (&two, &one)] {
                let both = &both;
                threads.spawn(move || {
                    let _inside = own.enter();
                    both.wait();
                    others.end();
                });
            }
        });
        assert!(one.enter().is_none() && two.enter().is_none());
    }

    #[test]
    fn a_wait_is_found_through_other_threads() {
        let thread = || thread::spawn(|| thread::current().id()).join().unwrap();
        let threads = [thread(), thread(), thread()];
        let run = |at: usize, waits_for| ActiveCall {
            callback: at as u64,
            thread: threads[at],
            waits_for,
        };
        let runs = [run(0, Some(1)), run(1, Some(2)), run(2, None)];
        assert!(waits_for(&runs, threads[0], threads[2]));
        assert!(!waits_for(&runs, threads[2], threads[0]));
    }
}

//! Callbacks of the host: none is called after the call that ended it has returned, and no thread waits for itself.

#![forbid(unsafe_code)]

use std::sync::Condvar;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use super::fork::Place;
use super::fork_safe_mutex::ForkSafeMutex;

/// What runs now, of all callbacks: who waits for whom can be seen only of all of them.
/// A forked child has only the thread that forked, and the callbacks that run on it.
static RUNS: ForkSafeMutex<Vec<ActiveCall>> =
    ForkSafeMutex::new(Place::Callbacks, Vec::new()).in_child(|runs| {
        let me = thread::current().id();
        runs.retain(|run| run.thread == me);
    });
static ENDED: Condvar = Condvar::new();

/// A callback that is running.
struct ActiveCall {
    callback: u64,
    thread: ThreadId,
    /// The callback whose end it waits for.
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

    /// To be held while the callback runs, on this thread; `None` when it is over and must not be called.
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

    /// From now on it is not called; waits until it runs on no other thread. Of two threads that would wait for each
    /// other, inside their callbacks, the one that comes second does not.
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

    /// Whether so many threads wait for `callback`'s end.
    fn await_waiting(callback: &CallbackSlot) {
        let waits = |run: &ActiveCall| run.waits_for == Some(callback.number);
        while !RUNS.lock().iter().any(waits) {
            thread::yield_now();
        }
    }

    #[test]
    fn a_callback_that_is_over_is_not_called() {
        let callback = CallbackSlot::new();
        assert!(callback.enter().is_some());
        callback.end();
        assert!(callback.enter().is_none());
    }

    #[test]
    fn who_ends_a_callback_waits_for_those_inside_and_not_for_itself() {
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
    fn two_that_end_each_others_callback_inside_their_own_both_come_back() {
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
    fn who_waits_is_known_through_others() {
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

//! Goes through all the ways a play can go: depth first, with a bound on how often a thread is interrupted in the
//! middle of what it does. Most bugs show within two interruptions (Musuvathi and Qadeer, "Iterative context bounding
//! for systematic testing of multithreaded programs", 2007).

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shuttle::rand::RngCore;
use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use shuttle::thread::JoinHandle;
use shuttle::{Config, FailurePersistence, Runner};

use crate::log::{self, Level};
use crate::platform::fork as platform_fork;

/// How far the exploration goes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bounds {
    /// How often a thread is interrupted. A thread that waits, sleeps or ends makes way for free.
    pub preemptions: usize,
    /// The number of injected faults: a wait that times out, a thread that cannot be started.
    pub mishaps: usize,
}

/// Runs `play` in every interleaving within the bounds and returns their number.
pub(crate) fn explore(bounds: Bounds, scenario: impl Fn() + Send + Sync + 'static) -> usize {
    // The statics of the library are there once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut config = Config::new();
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::None;
    config.stack_size = 256 * 1024;
    // One-time initialisation happens here, so that a scenario takes the same steps each time.
    let first_calls = || {
        log::is_on(Level::Debug);
    };
    Runner::new(Explorer::new(Bounds::default()), config.clone()).run(first_calls);
    let ways = Runner::new(Explorer::new(bounds), config).run(scenario);
    println!("{ways} ways");
    ways
}

thread_local! {
    /// The play that is on. All its threads are coroutines on one thread of the system.
    static EXPLORATION: RefCell<Exploration> = RefCell::default();
}

#[derive(Default)]
struct Exploration {
    now: Duration,
    mishaps: usize,
    fork: Fork,
    background: Vec<JoinHandle<()>>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Fork {
    #[default]
    NotYet,
    /// The play is that of a forked child, which has this thread only.
    Child(TaskId),
    /// The child has come to its end.
    Over,
}

/// Whether something goes wrong here: each of the two ways is gone.
pub(crate) fn mishap() -> bool {
    let left = EXPLORATION.with_borrow(|exploration| exploration.mishaps);
    if left == 0 || shuttle::rand::thread_rng().next_u64() == 0 {
        return false;
    }
    EXPLORATION.with_borrow_mut(|exploration| exploration.mishaps -= 1);
    true
}

/// Time since the play began.
pub(crate) fn now() -> Duration {
    EXPLORATION.with_borrow(|exploration| exploration.now)
}

pub(crate) fn pass_until(then: Duration) {
    EXPLORATION.with_borrow_mut(|exploration| exploration.now = exploration.now.max(then));
}

pub(crate) fn note_thread(thread: JoinHandle<()>) {
    EXPLORATION.with_borrow_mut(|exploration| exploration.background.push(thread));
}

/// Waits for the threads that the library has started.
pub(crate) fn join_background() {
    while let Some(thread) = EXPLORATION.with_borrow_mut(|exploration| exploration.background.pop()) {
        thread.join().expect("no panic");
    }
}

/// Forks, and goes on as the child: without the other threads, wherever they are. A child may fork again.
pub(crate) fn fork() {
    platform_fork::before_fork();
    let me = shuttle::current::me();
    EXPLORATION.with_borrow_mut(|exploration| exploration.fork = Fork::Child(me));
    platform_fork::in_child();
}

/// The child has come to its end, and the play with it.
pub(crate) fn leave() {
    EXPLORATION.with_borrow_mut(|exploration| exploration.fork = Fork::Over);
    shuttle::thread::yield_now();
}

struct Explorer {
    bounds: Bounds,
    /// The way that is gone now: at each fork in it, which branch, of how many.
    way: Vec<(usize, usize)>,
    step: usize,
    preemptions: usize,
    begun: bool,
}

impl Explorer {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            way: Vec::new(),
            step: 0,
            preemptions: 0,
            begun: false,
        }
    }

    fn choose(&mut self, of: usize) -> usize {
        if of == 1 {
            return 0;
        }
        if self.step == self.way.len() {
            self.way.push((0, of));
        }
        let (branch, branches) = self.way[self.step];
        assert_eq!(
            branches, of,
            "a play has to go the same way when the same is chosen"
        );
        self.step += 1;
        branch
    }
}

impl Scheduler for Explorer {
    fn new_execution(&mut self) -> Option<Schedule> {
        while let Some((branch, branches)) = self.way.pop() {
            if branch + 1 < branches {
                self.way.push((branch + 1, branches));
                break;
            }
        }
        if self.begun && self.way.is_empty() {
            return None;
        }
        EXPLORATION.set(Exploration {
            mishaps: self.bounds.mishaps,
            ..Exploration::default()
        });
        (self.begun, self.step, self.preemptions) = (true, 0, 0);
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, yields: bool) -> Option<TaskId> {
        let here = |id: TaskId| runnable.iter().any(|task| task.id() == id);
        match EXPLORATION.with_borrow(|exploration| exploration.fork) {
            Fork::NotYet => {}
            Fork::Child(child) => {
                assert!(here(child), "the child waits for a thread that it does not have");
                return Some(child);
            }
            Fork::Over => return None,
        }
        let Some(current) = current.filter(|&id| here(id) && !yields) else {
            return Some(runnable[self.choose(runnable.len())].id());
        };
        if self.preemptions == self.bounds.preemptions {
            return Some(current);
        }
        let others: Vec<_> = runnable
            .iter()
            .map(|task| task.id())
            .filter(|&id| id != current)
            .collect();
        match self.choose(1 + others.len()) {
            0 => Some(current),
            other => {
                self.preemptions += 1;
                Some(others[other - 1])
            }
        }
    }

    fn next_u64(&mut self) -> u64 {
        self.choose(2) as u64
    }
}

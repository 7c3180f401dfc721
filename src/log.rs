//! The log: what a person needs to find out why there is no token. One line an event; no secret in any.
//!
//! A line goes to the host's listener at a moment when its thread is inside a call and no lock is held, see
//! [`deliver`]; until then it waits in a queue. To standard error, and to the logger of a Rust program (the crate
//! `log`), it goes at once.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::platform::callbacks::CallbackSlot;
use crate::platform::fork::Place;
use crate::platform::fork_safe_mutex::ForkSafeMutex;
use crate::platform::os::{variable, write_to_standard_error};
use crate::platform::per_process::PerProcess;

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// A call failed.
    Error = 1,
    /// A potential problem, or a failure the library recovered from.
    Warning,
    /// What the library does: requests and responses, attempts, redirects, tokens.
    Info,
    /// How it decides: the environment, the cache, the route to the server.
    Debug,
}

macro_rules! line {
    ($level:expr, $($words:tt)+) => {
        if $crate::log::is_on($level) {
            $crate::log::write($level, format!($($words)+))
        }
    };
}
macro_rules! warning { ($($words:tt)+) => { $crate::log::line!($crate::log::Level::Warning, $($words)+) } }
macro_rules! info { ($($words:tt)+) => { $crate::log::line!($crate::log::Level::Info, $($words)+) } }
macro_rules! debug { ($($words:tt)+) => { $crate::log::line!($crate::log::Level::Debug, $($words)+) } }
pub(crate) use {debug, info, line, warning};

/// The variable that sends the log to standard error. It is looked at once, when the first line might be written.
const DEBUG: &std::ffi::CStr = c"CONNECTCREDS_DEBUG";

/// How many lines wait for a call that takes them; of more, the oldest go.
const QUEUE: usize = 1000;

/// What the host is told with: on threads that are inside a call, when no lock is held.
pub(crate) type Listener = Box<dyn Fn(Level, &str) + Send + Sync>;

struct Listening {
    max_level: Level,
    listener: Listener,
    callback: CallbackSlot,
}

/// A forked child keeps the listener.
static LISTENING: ForkSafeMutex<Option<Arc<Listening>>> = ForkSafeMutex::new(Place::Log, None);

/// Lines that no call has taken yet. A forked child begins with none: its parent tells its own.
static QUEUED: PerProcess<Mutex<Queue>> = PerProcess::new(Mutex::default);
static ARE_QUEUED: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
struct Queue {
    lines: VecDeque<(Level, String)>,
    lost: usize,
}

impl Queue {
    fn push(&mut self, level: Level, line: String) {
        if self.lines.len() == QUEUE {
            self.lines.pop_front();
            self.lost += 1;
        }
        self.lines.push_back((level, line));
    }

    /// The line that waits longest; before it, how many that had waited longer are gone.
    fn pop(&mut self) -> Option<(Level, String)> {
        match std::mem::take(&mut self.lost) {
            0 => self.lines.pop_front(),
            lost => Some((Level::Warning, format!("{lost} lines of the log were lost."))),
        }
    }
}

/// Up to which level someone other than a Rust program's logger listens; [`NOT_KNOWN`] before the environment was
/// looked at.
static WANTED: AtomicU8 = AtomicU8::new(NOT_KNOWN);
const NOT_KNOWN: u8 = u8::MAX;
static TO_STANDARD_ERROR: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// This thread is telling the listener: what its callback does with the library is not told.
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

/// Whether someone wants lines of this level.
#[inline]
pub(crate) fn is_on(level: Level) -> bool {
    let wanted = match WANTED.load(Ordering::Relaxed) {
        NOT_KNOWN => look_at_the_environment(),
        wanted => wanted,
    };
    level as u8 <= wanted || level.of_log() <= ::log::max_level()
}

#[cold]
fn look_at_the_environment() -> u8 {
    let listening = LISTENING.lock();
    let on = !matches!(variable(DEBUG), b"" | b"0");
    TO_STANDARD_ERROR.store(on, Ordering::Relaxed);
    want(&listening)
}

/// Stores, and gives, up to which level someone listens.
fn want(listening: &Option<Arc<Listening>>) -> u8 {
    let wanted = if TO_STANDARD_ERROR.load(Ordering::Relaxed) {
        Level::Debug as u8
    } else {
        listening.as_ref().map_or(0, |it| it.max_level as u8)
    };
    WANTED.store(wanted, Ordering::Relaxed);
    wanted
}

/// Puts a listener in the place of the one before, or none. When this returns, the one before is not running on another
/// thread and is never called again. Lines that it was not told yet are dropped.
pub(crate) fn listen(new: Option<(Level, Listener)>) {
    let new = new.map(|(max_level, listener)| {
        Arc::new(Listening {
            max_level,
            listener,
            callback: CallbackSlot::new(),
        })
    });
    if WANTED.load(Ordering::Relaxed) == NOT_KNOWN {
        look_at_the_environment();
    }
    let before = {
        let mut listening = LISTENING.lock();
        let before = std::mem::replace(&mut *listening, new);
        want(&listening);
        *queue() = Queue::default();
        before
    };
    if let Some(before) = before {
        before.callback.end();
    }
}

fn queue() -> MutexGuard<'static, Queue> {
    QUEUED.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line. To be called through the macros above, which ask first whether someone wants it.
#[cold]
pub(crate) fn write(level: Level, words: String) {
    let line = one_line(&words);
    ::log::log!(target: "connectcreds", level.of_log(), "{line}");
    if TO_STANDARD_ERROR.load(Ordering::Relaxed) {
        write_to_standard_error(&format!("connectcreds {}: {line}\n", level.name()));
    }
    let wanted = |listening: &Listening| level <= listening.max_level;
    if DELIVERING.get() || !LISTENING.lock().as_deref().is_some_and(wanted) {
        return;
    }
    queue().push(level, line);
    ARE_QUEUED.store(true, Ordering::Release);
}

/// Whether lines wait to be delivered, or may come to: who waits for something delivers in between.
pub(crate) fn is_listened_to() -> bool {
    !matches!(WANTED.load(Ordering::Relaxed), 0 | NOT_KNOWN)
}

/// Tells the listener the lines that wait. To be called inside a call of the library's, when this thread holds no lock.
#[inline]
pub(crate) fn deliver() {
    if ARE_QUEUED.load(Ordering::Acquire) {
        deliver_all();
    }
}

#[cold]
fn deliver_all() {
    struct Delivering;
    impl Drop for Delivering {
        fn drop(&mut self) {
            DELIVERING.set(false);
        }
    }
    if DELIVERING.replace(true) {
        return;
    }
    let _until_the_end = Delivering;
    // No more than there are now: other threads may go on writing.
    let waiting = queue().lines.len() + 1;
    for _ in 0..waiting {
        let Some(listening) = LISTENING.lock().clone() else {
            return;
        };
        // Who removes the listener waits for who has entered.
        let Some(_running) = listening.callback.enter() else {
            return;
        };
        let Some((level, line)) = next_line() else {
            return;
        };
        if level <= listening.max_level {
            (listening.listener)(level, &line);
        }
    }
}

fn next_line() -> Option<(Level, String)> {
    let mut queue = queue();
    let line = queue.pop();
    ARE_QUEUED.store(!queue.lines.is_empty(), Ordering::Release);
    line
}

/// An error's lines become one; what a terminal would act upon is made visible.
fn one_line(words: &str) -> String {
    let mut line = String::with_capacity(words.len());
    for each in words.chars() {
        match each {
            '\n' => line.push_str(" | "),
            _ if each.is_control() => line.extend(each.escape_default()),
            _ => line.push(each),
        }
    }
    line
}

impl Level {
    /// The level of that number; more than the most is everything, less than the least is nothing.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        match number {
            ..=0 => None,
            1 => Some(Self::Error),
            2 => Some(Self::Warning),
            3 => Some(Self::Info),
            4.. => Some(Self::Debug),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    fn of_log(self) -> ::log::Level {
        match self {
            Self::Error => ::log::Level::Error,
            Self::Warning => ::log::Level::Warn,
            Self::Info => ::log::Level::Info,
            Self::Debug => ::log::Level::Debug,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_lines_than_can_wait_the_oldest_go_and_that_is_said() {
        let mut queue = Queue::default();
        for number in 0..QUEUE + 3 {
            queue.push(Level::Debug, number.to_string());
        }
        let report_failure: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(
            report_failure[0],
            (Level::Warning, "3 lines of the log were lost.".to_owned())
        );
        assert_eq!(report_failure[1], (Level::Debug, "3".to_owned()));
        assert_eq!(report_failure.len(), QUEUE + 1);
    }

    #[test]
    fn an_event_is_one_line_that_no_terminal_acts_upon() {
        assert_eq!(one_line("a\nb\u{1b}[2J\r\u{9b}"), "a | b\\u{1b}[2J\\r\\u{9b}");
    }

    #[test]
    fn any_number_is_a_level_or_none() {
        let levels = [i32::MIN, 0, 1, 4, 5, i32::MAX].map(Level::from_number);
        let (error, debug) = (Some(Level::Error), Some(Level::Debug));
        assert_eq!(levels, [None, None, error, debug, debug, debug]);
    }
}

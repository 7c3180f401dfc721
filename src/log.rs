//! The log: one line for each event, none of which contains a secret.
//!
//! A line is delivered to the host's callback on a thread that is inside a call, while no lock is held, see [`deliver`];
//! until then it is queued. Standard error, and the logger of a Rust program (the crate `log`), receive it at once.

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
use crate::text::visible::push_visible;

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// A call failed.
    Error = 1,
    /// A potential problem, or a failure the library recovered from.
    Warning,
    /// Activity: requests and responses, attempts, redirects, tokens.
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

/// The variable that sends the log to standard error. It is read once, before the first line.
const DEBUG: &std::ffi::CStr = c"CONNECTCREDS_DEBUG";

/// The maximum number of queued lines. When more come, the oldest are dropped.
const QUEUE: usize = 1000;

/// The host's callback.
pub(crate) type Listener = Box<dyn Fn(Level, &str) + Send + Sync>;

struct Listening {
    max_level: Level,
    listener: Listener,
    callback: CallbackSlot,
}

/// A forked child keeps the listener.
static LISTENING: ForkSafeMutex<Option<Arc<Listening>>> = ForkSafeMutex::new(Place::Log, None, || None);

/// Lines not delivered yet. A forked child begins with none: its parent delivers its own.
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

    /// Removes the oldest line; before it, a line that says how many older ones were dropped.
    fn pop(&mut self) -> Option<(Level, String)> {
        match std::mem::take(&mut self.lost) {
            0 => self.lines.pop_front(),
            lost => Some((Level::Warning, format!("{lost} log lines were dropped."))),
        }
    }
}

/// The most detailed level that the callback or standard error receives; [`NOT_KNOWN`] until the environment is read.
static MAX_LEVEL: AtomicU8 = AtomicU8::new(NOT_KNOWN);
const NOT_KNOWN: u8 = u8::MAX;
static TO_STANDARD_ERROR: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// This thread is inside the callback: its own calls of the library are not logged to it.
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

/// Whether anything receives lines of this level.
#[inline]
pub(crate) fn is_on(level: Level) -> bool {
    let max_level = match MAX_LEVEL.load(Ordering::Relaxed) {
        NOT_KNOWN => read_environment(),
        max_level => max_level,
    };
    level as u8 <= max_level || level.of_log() <= ::log::max_level()
}

#[cold]
fn read_environment() -> u8 {
    let listening = LISTENING.lock();
    let on = !matches!(variable(DEBUG), b"" | b"0");
    TO_STANDARD_ERROR.store(on, Ordering::Relaxed);
    update_max_level(&listening)
}

/// Stores and returns the most detailed level that is received.
fn update_max_level(listening: &Option<Arc<Listening>>) -> u8 {
    let max_level = if TO_STANDARD_ERROR.load(Ordering::Relaxed) {
        Level::Debug as u8
    } else {
        listening.as_ref().map_or(0, |it| it.max_level as u8)
    };
    MAX_LEVEL.store(max_level, Ordering::Relaxed);
    max_level
}

/// Replaces the callback, or removes it. When this returns, the previous one is not running on another thread and is
/// never called again. Lines not yet delivered to it are dropped.
pub(crate) fn listen(new: Option<(Level, Listener)>) {
    let new = new.map(|(max_level, listener)| {
        Arc::new(Listening {
            max_level,
            listener,
            callback: CallbackSlot::new(),
        })
    });
    if MAX_LEVEL.load(Ordering::Relaxed) == NOT_KNOWN {
        read_environment();
    }
    let before = {
        let mut listening = LISTENING.lock();
        let before = std::mem::replace(&mut *listening, new);
        update_max_level(&listening);
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

/// Writes a line. Call it through the macros above, which first check whether anything receives it.
#[cold]
pub(crate) fn write(level: Level, words: String) {
    let line = one_line(&words);
    ::log::log!(target: "connectcreds", level.of_log(), "{line}");
    if TO_STANDARD_ERROR.load(Ordering::Relaxed) {
        write_to_standard_error(&format!("connectcreds {}: {line}\n", level.name()));
    }
    let receives = |listening: &Listening| level <= listening.max_level;
    if DELIVERING.get() || !LISTENING.lock().as_deref().is_some_and(receives) {
        return;
    }
    queue().push(level, line);
    ARE_QUEUED.store(true, Ordering::Release);
}

/// Whether lines are queued or may be: a thread that waits delivers them in between.
pub(crate) fn is_listened_to() -> bool {
    !matches!(MAX_LEVEL.load(Ordering::Relaxed), 0 | NOT_KNOWN)
}

/// Delivers queued lines. Call it inside a call of the library, while this thread holds no lock.
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
    // No more than are queued now: other threads may keep writing.
    let waiting = queue().lines.len() + 1;
    for _ in 0..waiting {
        let Some(listening) = LISTENING.lock().clone() else {
            return;
        };
        // A thread that removes the callback waits for those that have entered it.
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

/// Joins the lines of an error, and escapes characters that are not visible.
fn one_line(words: &str) -> String {
    let mut line = String::with_capacity(words.len());
    for each in words.chars() {
        match each {
            '\n' => line.push_str(" | "),
            _ => push_visible(&mut line, each),
        }
    }
    line
}

impl Level {
    /// Returns the level with this number; larger numbers are `Debug`, smaller ones `None`.
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
    fn when_the_queue_is_full_the_oldest_lines_are_dropped_and_counted() {
        let mut queue = Queue::default();
        for number in 0..QUEUE + 3 {
            queue.push(Level::Debug, number.to_string());
        }
        let lines: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(lines[0], (Level::Warning, "3 log lines were dropped.".to_owned()));
        assert_eq!(lines[1], (Level::Debug, "3".to_owned()));
        assert_eq!(lines.len(), QUEUE + 1);
    }

    #[test]
    fn an_event_is_one_line_of_visible_characters() {
        let words = "a\nb\u{1b}[2J\r\u{9b}\u{202e}\u{200b}";
        assert_eq!(one_line(words), r"a | b\u{1b}[2J\r\u{9b}\u{202e}\u{200b}");
    }

    #[test]
    fn any_number_is_a_level_or_none() {
        let levels = [i32::MIN, 0, 1, 4, 5, i32::MAX].map(Level::from_number);
        let (error, debug) = (Some(Level::Error), Some(Level::Debug));
        assert_eq!(levels, [None, None, error, debug, debug, debug]);
    }
}

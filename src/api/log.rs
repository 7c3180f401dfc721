//! The log as a caller receives it.

#![forbid(unsafe_code)]

use crate::log;

pub use crate::log::Level as LogLevel;

/// Sets the callback that receives log lines up to `max_level`, replacing any previous one.
///
/// A line describes one event; it has no line break and contains no secret. The callback runs on threads that are inside
/// a call of the library, while no lock is held. Lines from background work wait for the next call. The callback may
/// call the library; those calls are not logged to it.
///
/// When this returns, the previous callback is not running on another thread and is never called again. Lines not yet
/// delivered to it are dropped.
///
/// The same lines go to the crate `log`, whether a callback is set or not.
pub fn set_log_callback(max_level: LogLevel, callback: impl Fn(LogLevel, &str) + Send + Sync + 'static) {
    log::listen(Some((max_level, Box::new(callback))));
}

/// Removes the callback set by [`set_log_callback`]. When this returns, it is not running on another thread and is never
/// called again.
pub fn remove_log_callback() {
    log::listen(None);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_callback_receives_the_lines_of_a_call_until_it_is_removed() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = lines.clone();
        set_log_callback(LogLevel::Error, move |level, line| {
            heard.lock().unwrap().push((level, line.to_owned()));
        });
        let failing = || crate::exchange_token("", "", &crate::Request::new()).unwrap_err();
        failing();
        remove_log_callback();
        failing();
        let lines = lines.lock().unwrap();
        let expected = (LogLevel::Error, "A subject token is required.".to_owned());
        assert_eq!(
            lines.iter().filter(|line| **line == expected).count(),
            1,
            "{lines:?}"
        );
    }
}

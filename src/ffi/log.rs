//! The log, to a callback of the host's.

use std::ffi::{c_char, c_void};

use super::{c_string, shield};
use crate::log::{self, Level};

/// What went wrong: a call failed.
pub const CC_LOG_ERROR: i32 = 1;
/// What may go wrong, or went wrong and is made up for.
pub const CC_LOG_WARNING: i32 = 2;
/// What the library does: requests and their answers, attempts, redirects, tokens.
pub const CC_LOG_INFO: i32 = 3;
/// How it decides: the environment, the cache, the way to the server.
pub const CC_LOG_DEBUG: i32 = 4;

/// Is told a line of the log: one event, without a line break and without a secret. A server's words are data: print the
/// message with "%s", never as a format.
///
/// It is called on threads that are inside a call of the library, at a moment when no lock is held; lines of background
/// work wait for the next call. It may call the library, which then tells it nothing; it must return (no longjmp).
/// `message` is valid until it returns.
pub type cc_log_fn = Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

struct Callback {
    function: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the host was told that the callback is called on every thread that calls the library.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, level: Level, line: &str) {
        let message = c_string(line);
        // SAFETY: the host keeps the function and its data until the call that removes them has returned.
        unsafe { (self.function)(level as i32, message.as_ptr(), self.user_data) }
    }
}

/// Has the process's log told to a callback, in the place of the one before. When this returns, the one before is never
/// called again, and is running on no other thread: its data can be freed. Lines that it was not told yet are dropped.
/// CONNECTCREDS_DEBUG=1 in the environment sends the log to standard error, beside that.
///
/// @param max_level  up to which level: CC_LOG_ERROR, _WARNING, _INFO or _DEBUG; 0 or less: none
/// @param fn         NULL: none
/// @param user_data  given to the callback; may be NULL. Blocks while the one before runs on another thread.
#[unsafe(no_mangle)]
pub extern "C" fn cc_log_set_callback(max_level: i32, r#fn: cc_log_fn, user_data: *mut c_void) {
    shield((), || {
        let callback = r#fn.map(|function| Callback { function, user_data });
        let listener = Level::of(max_level).zip(callback);
        log::listen(listener.map(|(level, callback)| {
            let listener: log::Listener = Box::new(move |level, line| callback.call(level, line));
            (level, listener)
        }));
    });
}

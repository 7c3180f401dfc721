//! The log, to a callback of the host.

use std::ffi::{c_char, c_void};

use super::{c_string, shield};
use crate::api::log::{LogLevel, remove_log_callback, set_log_callback};

/// A call failed.
pub const CC_LOG_ERROR: i32 = 1;
/// A potential problem, or a failure the library recovered from.
pub const CC_LOG_WARNING: i32 = 2;
/// Activity: requests and responses, attempts, redirects, tokens.
pub const CC_LOG_INFO: i32 = 3;
/// How it decides: the environment, the cache, the route to the server.
pub const CC_LOG_DEBUG: i32 = 4;

/// Receives one line of the log: one event, without a line break and without a secret. Text from a
/// server is data: print the message with "%s", never as a format.
///
/// It is called on threads that are inside a call of the library, while no lock is held; lines of
/// background work wait for the next call. It may call the library, which logs nothing to it
/// meanwhile; it must not leave by longjmp(), a C++ exception or pthread_exit().
///
/// @param level      CC_LOG_ERROR, CC_LOG_WARNING, CC_LOG_INFO or CC_LOG_DEBUG
/// @param message    the line, valid until the callback returns
/// @param user_data  as it was given to cc_log_set_callback()
pub type cc_log_fn = Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

struct Callback {
    function: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the header says that the callback is called on every thread that calls the library.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, level: LogLevel, line: &str) {
        let message = c_string(line);
        // SAFETY: the host keeps the function and its data until the call that removes them has returned.
        unsafe { (self.function)(level as i32, message.as_ptr(), self.user_data) }
    }
}

/// Sets the callback that receives log lines, replacing any previous one. When this returns, the
/// previous callback is not running on another thread and is never called again: its data can be
/// freed. Lines not yet delivered to it are dropped. In addition, CONNECTCREDS_DEBUG=1 in the
/// environment sends the log to standard error.
///
/// @param max_level  the most detailed level to receive; 0 or less removes the callback
/// @param fn         the callback; NULL removes it
/// @param user_data  passed to the callback; may be NULL
///
/// Blocks while the previous callback runs on another thread.
#[unsafe(no_mangle)]
pub extern "C" fn cc_log_set_callback(max_level: i32, r#fn: cc_log_fn, user_data: *mut c_void) {
    shield((), || {
        let callback = r#fn.map(|function| Callback { function, user_data });
        match LogLevel::from_number(max_level).zip(callback) {
            Some((max_level, callback)) => {
                set_log_callback(max_level, move |level, line| callback.call(level, line));
            }
            None => remove_log_callback(),
        }
    });
}

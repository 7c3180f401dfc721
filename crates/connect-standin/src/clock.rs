//! The server's clock: the system's plus an offset that tests increase.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: Mutex<Duration>,
}

impl Clock {
    /// Returns the time since the Unix epoch by the server's clock.
    pub(crate) fn now(&self) -> Duration {
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the system's clock is past 1970");
        system + *self.ahead.lock().expect("no holder panics")
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.ahead.lock().expect("no holder panics") += by;
    }
}

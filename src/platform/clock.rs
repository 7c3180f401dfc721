//! The time by two clocks: the one that people set, and the one that only goes forward.

#![forbid(unsafe_code)]

use crate::platform::os::{monotonic_clock_ms, wall_clock_ms};

/// A moment on both clocks, in milliseconds. They are as coarse as the kernel's tick, and cheap to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since 1970 (Unix time).
    pub wall_ms: i64,
    /// Since some moment before the process began.
    pub monotonic_ms: i64,
}

impl Moment {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self {
            wall_ms: wall_clock_ms(),
            monotonic_ms: monotonic_clock_ms(),
        }
    }

    /// Returns Unix time in seconds.
    pub fn unix_s(self) -> i64 {
        self.wall_ms.div_euclid(1000)
    }

    /// Returns the moment that comes so much later.
    pub fn after_ms(self, milliseconds: i64) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add(milliseconds),
            monotonic_ms: self.monotonic_ms.saturating_add(milliseconds),
        }
    }

    /// Returns the time until `then`, by the clock that says less: nothing that has expired becomes valid again when the
    /// wall clock is set back.
    pub fn until_ms(self, then: Self) -> i64 {
        let wall = then.wall_ms.saturating_sub(self.wall_ms);
        wall.min(then.monotonic_ms.saturating_sub(self.monotonic_ms))
    }
}

//! What time it is, by two clocks: the one that people set, and the one that only goes forward.

#![forbid(unsafe_code)]

use crate::platform::os::{monotonic_clock_ms, wall_clock_ms};

/// A moment on both clocks, in milliseconds; as coarse as the kernel's tick, which is cheap to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since 1970 (Unix time).
    pub wall_ms: i64,
    /// Since some moment before the process began.
    pub monotonic_ms: i64,
}

impl Moment {
    pub fn now() -> Self {
        Self {
            wall_ms: wall_clock_ms(),
            monotonic_ms: monotonic_clock_ms(),
        }
    }

    /// Unix seconds.
    pub fn unix_s(self) -> i64 {
        self.wall_ms.div_euclid(1000)
    }

    pub fn after_ms(self, milliseconds: i64) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add(milliseconds),
            monotonic_ms: self.monotonic_ms.saturating_add(milliseconds),
        }
    }

    /// How long it is until `then`: by the clock that says less, so that setting the other one back brings nothing
    /// back to life.
    pub fn until_ms(self, then: Self) -> i64 {
        let wall = then.wall_ms.saturating_sub(self.wall_ms);
        wall.min(then.monotonic_ms.saturating_sub(self.monotonic_ms))
    }
}

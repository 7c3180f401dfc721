//! The process and the system: fork, signals, clocks, files, locks, host callbacks. Together with `ffi`, the only folder that
//! uses `unsafe`. It imports nothing from the rest of the crate.

pub(crate) mod callbacks;
pub(crate) mod cancellation;
pub(crate) mod clock;
#[cfg(target_os = "linux")]
pub(crate) mod copies;
#[cfg(unix)]
pub(crate) mod event;
pub(crate) mod files;
// Windows has no fork: nothing calls the hooks.
#[cfg_attr(windows, allow(dead_code))]
pub(crate) mod fork;
pub(crate) mod fork_safe_mutex;
pub(crate) mod os;
pub(crate) mod per_process;
pub(crate) mod read_mostly;
#[cfg(unix)]
pub(crate) mod signals;
pub(crate) mod sync;
#[cfg(feature = "wipe-freed-memory")]
mod wiping_allocator;

#[cfg(windows)]
pub(crate) use os::{event, signals};

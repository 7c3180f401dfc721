//! The process and the system: fork, signals, clocks, files, locks, host callbacks. Together with `ffi`, the only folder that
//! uses `unsafe`.
//!
//! `fork` runs the hooks around fork(), for `fork_safe_mutex`, `per_process` and `read_mostly`. `sync` names the locks, which
//! model checking replaces; `unlockable` is a mutex that a child can unlock. `callbacks` holds the rules for host callbacks. `clock`, `files`, `signals`, `event`,
//! `cancellation` and `os` wrap the system.
//!
//! Imports nothing from the rest of the crate. Next: `docs/architecture.md` for fork and threads.

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
pub(crate) mod unlockable;
#[cfg(feature = "wipe-freed-memory")]
mod wiping_allocator;

#[cfg(windows)]
pub(crate) use os::{event, signals};

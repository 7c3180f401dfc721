//! Servers that accepted a connection and sent nothing until a call's deadline. For a moment, the calls that follow wait for
//! one attempt only.

#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config;
use crate::oauth::endpoint::CredentialEndpoint;
use crate::platform::per_process::PerProcess;

/// How long the moment is.
const MOMENT: Duration = Duration::from_secs(10);
/// How many servers are remembered; a process talks to one.
const SERVERS: usize = 16;

static SILENT: PerProcess<Mutex<Vec<(String, Instant)>>> = PerProcess::new(Mutex::default);

/// Records that no response came.
pub(super) fn began(server: &CredentialEndpoint) {
    let (address, now) = (server.address(), Instant::now());
    let mut silent = silent();
    silent.retain(|(known, until)| *known != address && *until > now);
    if silent.len() < SERVERS {
        silent.push((address, now + MOMENT));
    }
}

/// Records that a response came.
pub(super) fn ended(server: &CredentialEndpoint) {
    let mut silent = silent();
    if !silent.is_empty() {
        let address = server.address();
        silent.retain(|(known, _)| *known != address);
    }
}

/// How long a call waits for a server that was silent a moment ago.
pub(super) fn patience(server: &CredentialEndpoint) -> Option<Duration> {
    let silent = silent();
    if silent.is_empty() {
        return None;
    }
    let (address, now) = (server.address(), Instant::now());
    let is_silent = silent
        .iter()
        .any(|(known, until)| *known == address && *until > now);
    is_silent.then(|| config::ATTEMPT_TIMEOUT_MS.duration())
}

fn silent() -> MutexGuard<'static, Vec<(String, Instant)>> {
    SILENT.get().lock().unwrap_or_else(PoisonError::into_inner)
}

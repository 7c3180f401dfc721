//! The variables that an exchange needs, copied when a call begins. Exchanges run on whatever thread drives them, and
//! `getenv` on another thread than the host's is a crash while the host calls `setenv`.

#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::Variable;
use crate::platform::per_process::PerProcess;

pub(crate) const HTTPS_PROXY: Variable = Variable(c"HTTPS_PROXY");
pub(crate) const HTTPS_PROXY_LOWER: Variable = Variable(c"https_proxy");
pub(crate) const HTTP_PROXY: Variable = Variable(c"HTTP_PROXY");
pub(crate) const HTTP_PROXY_LOWER: Variable = Variable(c"http_proxy");
pub(crate) const ALL_PROXY: Variable = Variable(c"ALL_PROXY");
pub(crate) const ALL_PROXY_LOWER: Variable = Variable(c"all_proxy");
pub(crate) const NO_PROXY: Variable = Variable(c"NO_PROXY");
pub(crate) const NO_PROXY_LOWER: Variable = Variable(c"no_proxy");
/// Set in a CGI program, where `HTTP_PROXY` is a header of the request.
pub(crate) const REQUEST_METHOD: Variable = Variable(c"REQUEST_METHOD");
/// A CA bundle, by the name that rsconnect uses.
pub(crate) const CA_CERTIFICATE: Variable = Variable(c"CONNECT_CA_CERTIFICATE");
/// What OpenSSL reads in place of the system's CA bundle.
pub(crate) const SSL_CERT_FILE: Variable = Variable(c"SSL_CERT_FILE");
/// What OpenSSL reads in place of the system's certificate directories.
pub(crate) const SSL_CERT_DIR: Variable = Variable(c"SSL_CERT_DIR");
/// Which content this process is.
pub(crate) const CONTENT_GUID: Variable = Variable(c"CONNECT_CONTENT_GUID");

const VARIABLES: [Variable; 13] = [
    HTTPS_PROXY,
    HTTPS_PROXY_LOWER,
    HTTP_PROXY,
    HTTP_PROXY_LOWER,
    ALL_PROXY,
    ALL_PROXY_LOWER,
    NO_PROXY,
    NO_PROXY_LOWER,
    REQUEST_METHOD,
    CA_CERTIFICATE,
    SSL_CERT_FILE,
    SSL_CERT_DIR,
    CONTENT_GUID,
];

/// The environment variables that an exchange needs, as they were when its call began. They are wiped on drop: a
/// proxy's variable holds a password.
#[derive(PartialEq, Eq)]
pub(crate) struct EnvSnapshot {
    values: [Zeroizing<Vec<u8>>; VARIABLES.len()],
}

/// The last snapshot that was taken. A forked child begins without one: its parent may have held the lock.
static LAST: PerProcess<Mutex<Option<Arc<EnvSnapshot>>>> = PerProcess::new(Mutex::default);

impl EnvSnapshot {
    /// Reads the environment, on the calling thread. Returns the snapshot taken before when nothing has changed since, so
    /// that any number of exchanges share one. Call it where a call begins, never on a thread of the library.
    pub fn take() -> Arc<Self> {
        let mut last = LAST.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && VARIABLES
                .iter()
                .zip(&last.values)
                .all(|(variable, value)| variable.bytes() == value.as_slice())
        {
            return last.clone();
        }
        let taken = Arc::new(Self {
            values: VARIABLES.map(|variable| Zeroizing::new(variable.bytes().to_vec())),
        });
        *last = Some(taken.clone());
        taken
    }

    /// The value of `variable`; empty when it was empty or not set.
    pub fn get(&self, variable: Variable) -> &[u8] {
        let at = VARIABLES.iter().position(|known| *known == variable);
        debug_assert!(at.is_some(), "{} is not part of a snapshot", variable.name());
        at.map_or(&[], |at| self.values[at].as_slice())
    }

    /// Returns the first of `variables` that was set to something, and its value.
    pub fn first_set(&self, variables: &[Variable]) -> Option<(Variable, &[u8])> {
        let set = variables.iter().map(|variable| (*variable, self.get(*variable)));
        set.into_iter().find(|(_, value)| !value.is_empty())
    }

    /// A snapshot of an environment in which only `variables` are set.
    #[cfg(test)]
    pub fn with(variables: &[(Variable, &[u8])]) -> Arc<Self> {
        let value = |variable: Variable| {
            let found = variables.iter().find(|(set, _)| *set == variable);
            Zeroizing::new(found.map_or_else(Vec::new, |(_, value)| value.to_vec()))
        };
        Arc::new(Self {
            values: VARIABLES.map(value),
        })
    }
}

/// The names of what is set; a value may hold a password.
impl fmt::Debug for EnvSnapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = VARIABLES.iter().zip(&self.values);
        let set = all.filter(|(_, value)| !value.is_empty());
        formatter
            .debug_set()
            .entries(set.map(|(variable, _)| variable.name()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_of_an_environment_that_stays_as_it_is_are_one() {
        assert!(Arc::ptr_eq(&EnvSnapshot::take(), &EnvSnapshot::take()));
    }

    #[test]
    fn a_snapshot_holds_what_was_set_and_shows_only_names() {
        let snapshot = EnvSnapshot::with(&[
            (HTTP_PROXY, b"http://user:hunter2@p:1"),
            (ALL_PROXY_LOWER, b"\xff"),
        ]);
        assert_eq!(snapshot.get(ALL_PROXY_LOWER), b"\xff");
        assert_eq!(snapshot.get(NO_PROXY), b"");
        let first = snapshot.first_set(&[NO_PROXY, ALL_PROXY, ALL_PROXY_LOWER]);
        assert_eq!(first, Some((ALL_PROXY_LOWER, &b"\xff"[..])));
        assert_eq!(format!("{snapshot:?}"), r#"{"HTTP_PROXY", "all_proxy"}"#);
    }
}

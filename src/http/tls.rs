//! TLS: the authorities that are trusted, and the errors of a handshake. The cryptography is ring's, handed over
//! explicitly: no provider is set for the process.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::roots::{Bundle, Certificate, chosen_bundle};
use super::system_roots::SystemRoots;
use crate::env::{CA_CERTIFICATE, EnvSnapshot, SSL_CERT_DIR, SSL_CERT_FILE};
use crate::error::{Error, ErrorKind, HostOption};
use crate::log;
use crate::platform::clock::Moment;
use crate::platform::files::Watched;
use crate::platform::os;
use crate::platform::per_process::PerProcess;

const TRUST_IT: &str = "If a private authority signed it, name that authority's certificate, a file in PEM form, in CONNECT_CA_CERTIFICATE, or {set}.";
const NO_AUTHORITY: &str = "No certificate authority is trusted: the system has none.";
const NO_AUTHORITY_HELP: &str = "Install ca-certificates, or name a file of certificates in PEM form in CONNECT_CA_CERTIFICATE, or {set}.";

/// How often the files in certificate directories are looked at for changes. There may be hundreds.
const DIRECTORIES_MS: i64 = 10_000;

/// The authorities that are trusted. Equal only to itself: a client is made for one.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    roots: Arc<RootCertStore>,
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.roots, &other.roots)
    }
}

/// Where authorities come from.
struct Sources {
    bundle: Option<Arc<Bundle>>,
    variables: [Vec<u8>; 3],
}

impl Sources {
    fn now(env: &EnvSnapshot) -> Self {
        Self {
            bundle: chosen_bundle(),
            variables: [CA_CERTIFICATE, SSL_CERT_FILE, SSL_CERT_DIR]
                .map(|variable| env.get(variable).to_vec()),
        }
    }

    fn are(&self, other: &Self) -> bool {
        let address = |bundle: &Option<Arc<Bundle>>| bundle.as_ref().map(Arc::as_ptr);
        address(&self.bundle) == address(&other.bundle) && self.variables == other.variables
    }

    /// Returns the bundle of the host, else that of the environment, and where it comes from. Reads a file.
    fn bundle(&self) -> Result<Option<(Arc<Bundle>, &'static str)>, Error> {
        if let Some(chosen) = &self.bundle {
            return Ok(Some((chosen.clone(), "the CA bundle")));
        }
        let [path, ..] = &self.variables;
        if path.is_empty() {
            return Ok(None);
        }
        let name = CA_CERTIFICATE.name();
        let bundle = Bundle::read(os::path(path), ErrorKind::Tls)
            .map_err(|why| why.because(format!("{name} names the file.")))?;
        Ok(Some((Arc::new(bundle), name)))
    }
}

/// Authorities, and what they were read from.
struct Loaded {
    sources: Sources,
    trust: Trust,
    /// How many come from where, for a person.
    words: String,
    /// The paths that the host named and that cannot be used, with the reason.
    faults: Vec<String>,
    /// Whether they may be used again while nothing changes.
    complete: bool,
    watched: Vec<Watched>,
    in_directories: Vec<Watched>,
    /// When the files in directories were last looked at, by the clock that only goes forward.
    looked_ms: AtomicI64,
}

impl Loaded {
    /// Reads the files that `sources` names.
    fn read(sources: Sources, env: &EnvSnapshot) -> Result<Self, Error> {
        let bundle = sources.bundle()?;
        let looked_ms = Moment::now().monotonic_ms.into();
        let mut system = SystemRoots::read(env)?;
        let mut certificates = std::mem::take(&mut system.certificates);
        let mut words = std::mem::take(&mut system.words);
        let mut watched = std::mem::take(&mut system.watched);
        if let Some((bundle, source)) = bundle {
            words.push(format!("{} from {source}", bundle.certificates().len()));
            certificates.extend_from_slice(bundle.certificates());
            // The host's bundle watches its own file.
            if sources.bundle.is_none() {
                watched.push(bundle.file().clone());
            }
        }
        let trust = Trust::of(certificates);
        if trust.roots.is_empty() {
            let none = Error::new(ErrorKind::Tls, NO_AUTHORITY);
            let none = system.faults.into_iter().fold(none, Error::because);
            return Err(none.with_hint(NO_AUTHORITY_HELP, HostOption::CaBundle));
        }
        Ok(Self {
            sources,
            trust,
            words: words.join(", "),
            faults: system.faults,
            complete: !system.incomplete,
            watched,
            in_directories: system.in_directories,
            looked_ms,
        })
    }

    /// Whether reading the files of `sources` again would bring the same. Looks at the files.
    fn is_current(&self, sources: &Sources) -> bool {
        if !self.complete || !self.sources.are(sources) || !self.watched.iter().all(Watched::is_unchanged) {
            return false;
        }
        let now_ms = Moment::now().monotonic_ms;
        let looked_ms = self.looked_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(looked_ms) < DIRECTORIES_MS {
            return true;
        }
        self.looked_ms.store(now_ms, Ordering::Relaxed);
        self.in_directories.iter().all(Watched::is_unchanged)
    }
}

/// The roots loaded last. Locked for a moment only; files are read without it.
static LAST: PerProcess<Mutex<Option<Arc<Loaded>>>> = PerProcess::new(Mutex::default);

fn last() -> MutexGuard<'static, Option<Arc<Loaded>>> {
    LAST.get().lock().unwrap_or_else(PoisonError::into_inner)
}

impl Trust {
    /// Returns the authorities that this process trusts now. Reads the files they come from when those have changed, or
    /// could not all be read before: an error is not remembered. Call it with no lock that a fork waits for.
    ///
    /// # Errors
    ///
    /// [`Tls`](ErrorKind::Tls) for a bundle that cannot be used, and when there is no authority at all;
    /// [`Network`](ErrorKind::Network), which is retryable, when a file could not be read for a reason that may pass.
    pub fn current(env: &EnvSnapshot) -> Result<Self, Error> {
        Ok(Self::load(env)?.trust.clone())
    }

    fn load(env: &EnvSnapshot) -> Result<Arc<Loaded>, Error> {
        let sources = Sources::now(env);
        let before = last().clone();
        if let Some(before) = &before
            && before.is_current(&sources)
        {
            return Ok(before.clone());
        }
        let mut loaded = Loaded::read(sources, env)?;
        let before = before.as_deref();
        if let Some(before) = before
            && before.trust.roots.roots == loaded.trust.roots.roots
        {
            // Connections that were made with them are still good.
            loaded.trust = before.trust.clone();
        }
        if before.is_none_or(|before| before.words != loaded.words || before.faults != loaded.faults) {
            log::debug!("Certificate authorities: {}", loaded.words);
            for fault in &loaded.faults {
                log::warning!("{fault}");
            }
        }
        let loaded = Arc::new(loaded);
        *last() = Some(loaded.clone());
        Ok(loaded)
    }

    /// Returns what the host named and could not be used when authorities were last read, and why.
    fn last_faults() -> Vec<String> {
        last().as_ref().map_or_else(Vec::new, |last| last.faults.clone())
    }

    /// Returns trust in no authority, for a client that speaks plain http.
    pub fn nobody() -> Self {
        Self::of(Vec::new())
    }

    fn of(certificates: Vec<Certificate>) -> Self {
        let mut roots = RootCertStore::empty();
        // One that cannot be used, as some of a system's are, takes nothing from the others.
        roots.add_parsable_certificates(certificates);
        Self {
            roots: Arc::new(roots),
        }
    }

    /// Makes the configuration of a client.
    pub fn config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| Error::new(ErrorKind::Internal, format!("TLS cannot be set up: {why}.")))?;
        Ok(builder
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth())
    }
}

/// Describes, in one line, how many authorities are trusted from where, and what cannot be used. Reads files.
pub(crate) fn authorities(env: &EnvSnapshot) -> Result<String, Error> {
    let loaded = Trust::load(env)?;
    let mut words = loaded.words.clone();
    for fault in &loaded.faults {
        words.push_str("; ");
        words.push_str(fault.trim_end_matches('.'));
    }
    Ok(words)
}

/// Returns the error of a TLS connection to `host` that failed with `why`, which the library puts as `quoted`.
pub(crate) fn explain(host: &str, why: &rustls::Error, quoted: String) -> Error {
    let line = |what: &str| Error::new(ErrorKind::Tls, format!("No secure connection to {host}: {what}."));
    match why {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                let error = line("its certificate is from an unknown issuer")
                    .with_hint(TRUST_IT, HostOption::CaBundle);
                Trust::last_faults().into_iter().fold(error, Error::because)
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                line("its certificate has expired").because(quoted)
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                line("its certificate is not valid yet").because(quoted)
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                line("its certificate is for another name").because(quoted)
            }
            _ => line(&quoted),
        },
        rustls::Error::InvalidMessage(_) => line("it does not speak TLS").because(quoted),
        _ => line(&quoted),
    }
}

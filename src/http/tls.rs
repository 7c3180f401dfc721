//! TLS: whom it trusts, and what went wrong with it. The cryptography is ring's, handed over explicitly: no
//! process-global provider is set.

#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::roots::{Bundle, chosen_bundle, roots};
use crate::env::{CA_CERTIFICATE, EnvSnapshot, SSL_CERT_DIR, SSL_CERT_FILE};
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::platform::per_process::PerProcess;

const TRUST_IT: &str = "Is its authority private? Name its certificate, a file in PEM form, by CONNECT_CA_CERTIFICATE or cc_config_set_ca_bundle().";

/// TLS with the authorities it trusts. Equal only to itself: a client is made for one.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    roots: Arc<RootCertStore>,
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.roots, &other.roots)
    }
}

/// Where the authorities come from. While that stays the same, no file is read again.
struct Sources {
    bundle: Option<Arc<Bundle>>,
    variables: [Option<OsString>; 3],
}

impl Sources {
    fn now(env: &EnvSnapshot) -> Self {
        let set = |variable| {
            let value = env.get(variable);
            (!value.is_empty()).then(|| OsStr::from_bytes(value).to_owned())
        };
        Self {
            bundle: chosen_bundle(),
            variables: [CA_CERTIFICATE, SSL_CERT_FILE, SSL_CERT_DIR].map(set),
        }
    }

    fn are(&self, other: &Self) -> bool {
        let address = |bundle: &Option<Arc<Bundle>>| bundle.as_ref().map(Arc::as_ptr);
        address(&self.bundle) == address(&other.bundle) && self.variables == other.variables
    }

    /// How many authorities there are, and where they come from, for a person.
    fn words(&self, count: usize) -> String {
        let [ca_certificate, file, directory] = self.variables.each_ref().map(Option::is_some);
        let system = match (file, directory) {
            (false, false) => "the system's".to_owned(),
            (true, false) => format!("those of {}", SSL_CERT_FILE.name()),
            (false, true) => format!("those of {}", SSL_CERT_DIR.name()),
            (true, true) => format!("those of {} and {}", SSL_CERT_FILE.name(), SSL_CERT_DIR.name()),
        };
        let beside = match (&self.bundle, ca_certificate) {
            (Some(_), _) => " and those of cc_config_set_ca_bundle()".to_owned(),
            (None, true) => format!(" and those of {}", CA_CERTIFICATE.name()),
            (None, false) => String::new(),
        };
        format!("{count}, {system}{beside}")
    }

    /// What the host chose, else what the environment names. Reads a file.
    fn bundle(&self) -> Result<Option<Arc<Bundle>>, Error> {
        match (&self.bundle, &self.variables[0]) {
            (Some(chosen), _) => Ok(Some(chosen.clone())),
            (None, Some(path)) => Bundle::read(path.as_ref())
                .map(|bundle| Some(Arc::new(bundle)))
                .map_err(|why| {
                    Error::new(ErrorKind::Tls, why)
                        .because(format!("{} names the file.", CA_CERTIFICATE.name()))
                }),
            (None, None) => Ok(None),
        }
    }
}

impl Trust {
    /// What this process trusts now. Reads files when that is asked first, or was changed; a failure is not remembered,
    /// what is missing may be installed later.
    pub fn current(env: &EnvSnapshot) -> Result<Self, Error> {
        static CURRENT: PerProcess<Mutex<Option<(Sources, Trust)>>> = PerProcess::new(Mutex::default);
        let mut current = CURRENT.get().lock().unwrap_or_else(PoisonError::into_inner);
        let sources = Sources::now(env);
        if let Some((before, trust)) = &*current
            && before.are(&sources)
        {
            return Ok(trust.clone());
        }
        let roots = roots(sources.bundle()?.as_deref(), env)?;
        let trust = Self::of(roots);
        log::debug!("Certificate authorities: {}", sources.words(trust.roots.len()));
        *current = Some((sources, trust.clone()));
        Ok(trust)
    }

    /// No one, for a client that speaks plain http.
    pub fn nobody() -> Self {
        Self::of(RootCertStore::empty())
    }

    fn of(roots: RootCertStore) -> Self {
        Self {
            roots: Arc::new(roots),
        }
    }

    /// Makes the configuration of a client.
    pub fn config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| Error::new(ErrorKind::Internal, format!("TLS can not be set up: {why}.")))?;
        Ok(builder
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth())
    }
}

/// Whom TLS trusts now, for a person. Reads files.
pub(crate) fn authorities(env: &EnvSnapshot) -> Result<String, Error> {
    let trust = Trust::current(env)?;
    Ok(Sources::now(env).words(trust.roots.len()))
}

/// What is wrong with a connection to `host`, in words that help. `quoted` is how the library says it.
pub(crate) fn explain(host: &str, why: &rustls::Error, quoted: String) -> Error {
    let line = |what: &str| Error::new(ErrorKind::Tls, format!("No secure connection to {host}: {what}."));
    match why {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                line("its certificate is from an unknown issuer").because(TRUST_IT)
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

//! Certificates in PEM files, and the CA bundle of the host.

#![forbid(unsafe_code)]

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use crate::error::{Error, ErrorKind};
use crate::log;
use crate::platform::files::{self, ReadError, Watched};
use crate::platform::fork::Place;
use crate::platform::fork_safe_mutex::{ForkSafeMutex, Locked};

/// The largest file that is read, in bytes. A system's bundle has a quarter of a megabyte.
pub(super) const LIMIT: u64 = 16 * files::MIB;

pub(super) type Certificate = CertificateDer<'static>;

/// Returns the certificates in the text of a PEM file; other sections are skipped.
pub(super) fn certificates(text: &[u8]) -> impl Iterator<Item = Result<Certificate, pem::Error>> {
    CertificateDer::pem_slice_iter(text)
}

/// Certificates to trust in addition to the system's.
#[derive(Debug)]
pub(crate) struct Bundle {
    certificates: Arc<[Certificate]>,
    file: Watched,
}

impl Bundle {
    /// Reads a file in PEM form.
    ///
    /// # Errors
    ///
    /// `kind` for a file that cannot be used. [`Network`](ErrorKind::Network), which is retryable, when reading it failed
    /// for a reason that may pass, such as too many open files.
    pub fn read(path: &Path, kind: ErrorKind) -> Result<Self, Error> {
        // It is looked at again when the host may have changed its working directory.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let contents = files::read(&absolute, LIMIT).map_err(|why| unreadable(path, &why, kind))?;
        let unusable = |why: String| {
            Error::new(
                kind,
                format!("The certificates in {path:?} cannot be used: {why}."),
            )
        };
        let certificates: Vec<_> = certificates(&contents.bytes)
            .collect::<Result<_, _>>()
            .map_err(|why| unusable(format!("they are not in PEM form ({why})")))?;
        if certificates.is_empty() {
            return Err(unusable("there is none in PEM form".to_owned()));
        }
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store
                .add(certificate.clone())
                .map_err(|why| unusable(format!("one is malformed ({why})")))?;
        }
        Ok(Self {
            certificates: certificates.into(),
            file: Watched::new(&absolute, Ok(contents.version)),
        })
    }

    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    pub fn file(&self) -> &Watched {
        &self.file
    }

    /// Reads the file again if it has changed. One that cannot be used now leaves the certificates as they are, which is
    /// warned of once.
    fn refreshed(&self) -> Option<Self> {
        if self.file.is_unchanged() {
            return None;
        }
        let now = Watched::now(self.file.path());
        match Self::read(self.file.path(), ErrorKind::Tls) {
            Ok(bundle) => {
                if bundle.certificates != self.certificates {
                    log::info!(
                        "The CA bundle {:?} has changed and was read again.",
                        self.file.path()
                    );
                }
                Some(bundle)
            }
            Err(why) if why.is_retryable() => None,
            Err(why) => {
                log::warning!("The CA bundle has changed and stays as it was: {}", why.message());
                Some(Self {
                    certificates: self.certificates.clone(),
                    file: now,
                })
            }
        }
    }
}

/// Returns the error of a certificate file that was not read.
pub(super) fn unreadable(path: &Path, why: &ReadError, kind: ErrorKind) -> Error {
    let kind = if why.is_transient() {
        ErrorKind::Network
    } else {
        kind
    };
    Error::new(
        kind,
        format!("The certificates in {path:?} cannot be read: {why}."),
    )
}

static CHOSEN: ForkSafeMutex<Option<Arc<Bundle>>> = ForkSafeMutex::new(Place::Roots, None, || None);

/// Returns the bundle that the host chose, as its file is now. Reads the file when it has changed.
pub(super) fn chosen_bundle() -> Option<Arc<Bundle>> {
    let before = chosen().clone()?;
    // Without the lock, which a fork waits for.
    let Some(refreshed) = before.refreshed() else {
        return Some(before);
    };
    let mut chosen = chosen();
    if chosen.as_ref().is_some_and(|now| Arc::ptr_eq(now, &before)) {
        *chosen = Some(Arc::new(refreshed));
    }
    chosen.clone()
}

/// Trusts `bundle` in addition to the system's roots, or no bundle, from the next exchange on.
pub(crate) fn choose_bundle(bundle: Option<Bundle>) {
    *chosen() = bundle.map(Arc::new);
}

fn chosen() -> Locked<Option<Arc<Bundle>>> {
    CHOSEN.lock()
}

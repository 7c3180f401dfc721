//! Certificate authorities: the system's, and a bundle of the host's.

#![forbid(unsafe_code)]

use std::any::Any;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use crate::env::{EnvSnapshot, SSL_CERT_DIR, SSL_CERT_FILE};
use crate::error::{Error, ErrorKind};
use crate::platform::fork::{HoldOverFork, Place, hold_over_fork};

/// The largest bundle that is read, in bytes; the system's is a quarter of a megabyte.
const BUNDLE_LIMIT: u64 = 16 * 1024 * 1024;

/// Certificates to trust beside the system's.
#[derive(Debug)]
pub(crate) struct Bundle(Vec<CertificateDer<'static>>);

impl Bundle {
    /// Reads a file in PEM form; the error says why it can not be used.
    pub fn read(path: &Path) -> Result<Self, String> {
        let refused = |why: String| format!("The certificates in {path:?} can not be used: {why}.");
        let mut pem = Vec::new();
        let read = File::open(path).and_then(|file| file.take(BUNDLE_LIMIT).read_to_end(&mut pem));
        match read {
            Ok(length) if length as u64 == BUNDLE_LIMIT => {
                return Err(refused("the file is larger than 16 MiB".to_owned()));
            }
            Ok(_) => {}
            Err(why) => return Err(refused(why.to_string())),
        }
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|why| refused(format!("they are not in PEM form ({why})")))?;
        if certificates.is_empty() {
            return Err(refused("there is none in PEM form".to_owned()));
        }
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store
                .add(certificate.clone())
                .map_err(|why| refused(format!("one is malformed ({why})")))?;
        }
        Ok(Self(certificates))
    }

    pub fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter()
    }
}

static CHOSEN: Mutex<Option<Arc<Bundle>>> = Mutex::new(None);

/// The bundle that the host chose.
pub(crate) fn chosen_bundle() -> Option<Arc<Bundle>> {
    chosen().clone()
}

/// Trusts `bundle` beside the system's roots, or no more, from the next exchange on.
pub(crate) fn choose_bundle(bundle: Option<Bundle>) {
    *chosen() = bundle.map(Arc::new);
}

fn chosen() -> MutexGuard<'static, Option<Arc<Bundle>>> {
    hold_over_fork(Place::Roots, &LOCK);
    CHOSEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Held at each fork: a child keeps the bundle.
static LOCK: &dyn HoldOverFork = &ChosenLock;

struct ChosenLock;

impl HoldOverFork for ChosenLock {
    fn hold(&'static self) -> Box<dyn Any> {
        Box::new(chosen())
    }
}

/// The roots as OpenSSL finds them: each variable replaces its own default, and leaves the other's alone. Reads files.
fn system_roots(env: &EnvSnapshot) -> Vec<CertificateResult> {
    let set = |variable| {
        let value = env.get(variable);
        (!value.is_empty()).then(|| OsStr::from_bytes(value))
    };
    let (file, directories) = match (set(SSL_CERT_FILE), set(SSL_CERT_DIR)) {
        (None, None) => return vec![load_native_certs()],
        (file, directories) => (file, directories),
    };
    let defaults = openssl_probe::probe();
    let file = file.map(Into::into).or(defaults.cert_file);
    let directories = match directories {
        Some(listed) => std::env::split_paths(listed).collect(),
        None => defaults.cert_dir,
    };
    let in_file = file.iter().map(|file| load_certs_from_paths(Some(file), None));
    in_file
        .chain(
            directories
                .iter()
                .map(|directory| load_certs_from_paths(None, Some(directory))),
        )
        .collect()
}

/// Whom TLS trusts: the system's roots, and `bundle`. Reads files.
///
/// # Errors
///
/// [`Tls`](ErrorKind::Tls), with what went wrong with the system's, when there is no one.
pub(crate) fn roots(bundle: Option<&Bundle>, env: &EnvSnapshot) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let mut why_fewer = Vec::new();
    for found in system_roots(env) {
        // One that can not be used, as among many of a system's some are, takes nothing from the others.
        roots.add_parsable_certificates(found.certs);
        why_fewer.extend(found.errors);
    }
    if let Some(bundle) = bundle {
        roots.add_parsable_certificates(bundle.certificates().cloned());
    }
    if !roots.is_empty() {
        return Ok(roots);
    }
    let none = Error::new(
        ErrorKind::Tls,
        "No certificate authority is trusted: the system has none.",
    );
    let none = why_fewer
        .iter()
        .fold(none, |error, why| error.because(why.to_string()));
    Err(none.because(
        "Install ca-certificates, or name a file in PEM form by CONNECT_CA_CERTIFICATE or cc_config_set_ca_bundle().",
    ))
}

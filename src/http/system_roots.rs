//! The system's certificate authorities, where OpenSSL finds them: `SSL_CERT_FILE` in place of the system's bundle,
//! `SSL_CERT_DIR` in place of its directories.

#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::roots::{Certificate, LIMIT, certificates, unreadable};
use crate::env::{EnvSnapshot, SSL_CERT_DIR, SSL_CERT_FILE};
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::platform::files::{self, ReadError, Watched};
use crate::platform::os;

/// The system's authorities, and the files that they came from.
#[derive(Default)]
pub(super) struct SystemRoots {
    pub certificates: Vec<Certificate>,
    /// How many come from where, for a person.
    pub words: Vec<String>,
    /// What the host named and cannot be used, and why.
    pub faults: Vec<String>,
    /// Files and directories by their names.
    pub watched: Vec<Watched>,
    /// The files in the directories.
    pub in_directories: Vec<Watched>,
    /// A file could not be read for a reason that may pass.
    pub incomplete: bool,
    seen_files: HashSet<(u64, u64)>,
    seen_certificates: HashSet<Certificate>,
}

impl SystemRoots {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`Network`](ErrorKind::Network), which is retryable, when a file or directory that is named could not be read for a
    /// reason that may pass, and when descriptors or memory ran out.
    pub fn read(env: &EnvSnapshot) -> Result<Self, Error> {
        let mut roots = Self::default();
        let (file, directories) = (env.get(SSL_CERT_FILE), env.get(SSL_CERT_DIR));
        if file.is_empty() && directories.is_empty() {
            roots.read_system_file()?;
            roots.read_system_directories()?;
            roots.count("the system", 0);
            return Ok(roots);
        }
        if file.is_empty() {
            roots.read_system_file()?;
            roots.count("the system's bundle", 0);
        } else {
            roots.read_named_file(os::path(file))?;
            roots.count(SSL_CERT_FILE.name(), 0);
        }
        let before = roots.certificates.len();
        if directories.is_empty() {
            roots.read_system_directories()?;
            roots.count("the system's directories", before);
        } else {
            for directory in os::paths(directories) {
                roots.read_named_directory(directory)?;
            }
            roots.count(SSL_CERT_DIR.name(), before);
        }
        Ok(roots)
    }

    /// Notes how many certificates beyond `before` come from `source`.
    fn count(&mut self, source: &str, before: usize) {
        let count = self.certificates.len() - before;
        self.words.push(format!("{count} from {source}"));
    }

    /// Reads the system's store, which is watched for no change.
    #[cfg(not(target_os = "linux"))]
    fn read_system_file(&mut self) -> Result<(), Error> {
        let (certificates, faults) = os::certificates();
        for certificate in certificates.into_iter().map(Certificate::from) {
            if self.seen_certificates.insert(certificate.clone()) {
                self.certificates.push(certificate);
            }
        }
        let faults = faults.into_iter();
        self.faults
            .extend(faults.map(|why| format!("the system's store: {why}.")));
        Ok(())
    }

    /// Does nothing: the store is all that there is.
    #[cfg(not(target_os = "linux"))]
    fn read_system_directories(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Reads the first bundle that there is of those of the distributions.
    #[cfg(target_os = "linux")]
    fn read_system_file(&mut self) -> Result<(), Error> {
        for path in os::CERTIFICATE_FILES.iter().map(Path::new) {
            match self.read_file(path, true) {
                Ok(()) => return Ok(()),
                Err(why) if why.is_missing() => {}
                Err(why) => return self.fault(path, why, "the system's bundle"),
            }
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn read_system_directories(&mut self) -> Result<(), Error> {
        for path in os::CERTIFICATE_DIRECTORIES.iter().map(Path::new) {
            match self.read_directory(path) {
                Err(why) if why.is_missing() => {}
                Err(why) => self.fault(path, why, "the system's directory")?,
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn read_named_file(&mut self, path: &Path) -> Result<(), Error> {
        let before = self.certificates.len();
        match self.read_file(path, true) {
            Err(why) => self.fault(path, why, SSL_CERT_FILE.name()),
            Ok(()) if self.certificates.len() == before => {
                let name = SSL_CERT_FILE.name();
                self.faults.push(format!(
                    "{name}: there is no certificate in PEM form in {path:?}."
                ));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn read_named_directory(&mut self, path: &Path) -> Result<(), Error> {
        match self.read_directory(path) {
            Err(why) => self.fault(path, why, SSL_CERT_DIR.name()),
            Ok(()) => Ok(()),
        }
    }

    /// Notes that `path` cannot be used. Others may do without it, unless that may pass.
    fn fault(&mut self, path: &Path, why: ReadError, source: &str) -> Result<(), Error> {
        let error = unreadable(path, &why, ErrorKind::Tls);
        if why.is_transient() {
            return Err(error.because(format!("They are those of {source}.")));
        }
        self.faults.push(format!("{source}: {}", error.message()));
        Ok(())
    }

    fn read_file(&mut self, path: &Path, by_name: bool) -> Result<(), ReadError> {
        let read = files::read(path, LIMIT);
        let watched = match &read {
            Ok(contents) => Watched::new(path, Ok(contents.version)),
            Err(_) => Watched::now(path),
        };
        let all = if by_name {
            &mut self.watched
        } else {
            &mut self.in_directories
        };
        all.push(watched);
        let contents = read?;
        // Directories hold a file under several names, as `openssl rehash` makes them.
        if !self.seen_files.insert(contents.version.identity) {
            return Ok(());
        }
        for certificate in certificates(&contents.bytes) {
            match certificate {
                Ok(certificate) if self.seen_certificates.insert(certificate.clone()) => {
                    self.certificates.push(certificate);
                }
                Ok(_) => {}
                // One that cannot be used takes nothing from the others.
                Err(why) => log::debug!("A certificate in {path:?} is not in PEM form: {why}."),
            }
        }
        Ok(())
    }

    fn read_directory(&mut self, path: &Path) -> Result<(), ReadError> {
        self.watched.push(Watched::now(path));
        let mut entries = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<PathBuf>, _>>()?;
        entries.sort_unstable();
        for entry in entries {
            let known =
                files::version(&entry).is_ok_and(|version| self.seen_files.contains(&version.identity));
            if known {
                continue;
            }
            match self.read_file(&entry, false) {
                Ok(()) | Err(ReadError::NotRegular("a directory")) => {}
                Err(why) if why.is_exhaustion() => return Err(why),
                // A link that leads nowhere.
                Err(why) if why.is_missing() => {}
                Err(why) => {
                    self.incomplete |= why.is_transient();
                    log::debug!("The certificates in {entry:?} cannot be read: {why}.");
                }
            }
        }
        Ok(())
    }
}

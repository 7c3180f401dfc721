//! The certificate authorities of macOS and Windows, which are in the system's store and in no file.

/// Returns the authorities that the system trusts, in DER, and what could not be read.
pub(crate) fn certificates() -> (Vec<Vec<u8>>, Vec<String>) {
    let found = rustls_native_certs::load_native_certs();
    let faults = found.errors.iter().map(ToString::to_string);
    let certificates = found.certs.iter().map(|certificate| certificate.to_vec());
    (certificates.collect(), faults.collect())
}

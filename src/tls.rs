//! Which servers TLS trusts. The cryptography is ring's, handed over explicitly: no process-global provider is set.

#![forbid(unsafe_code)]

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, ErrorKind};

/// TLS that trusts the system's roots, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Reads files.
pub(crate) fn with_system_roots() -> Result<ClientConfig, Error> {
    config(|builder| {
        let verifier = Verifier::new(builder.crypto_provider().clone())?;
        // "Dangerous" for verifiers in general; this is the platform's.
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier)))
    })
}

/// TLS that trusts no one, for a client that speaks plain http.
pub(crate) fn without_roots() -> Result<ClientConfig, Error> {
    config(|builder| Ok(builder.with_root_certificates(RootCertStore::empty())))
}

type Builder<Next> = ConfigBuilder<ClientConfig, Next>;

fn config(
    trust: impl FnOnce(Builder<WantsVerifier>) -> Result<Builder<WantsClientCert>, rustls::Error>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(trust)
        .map(Builder::with_no_client_auth)
        .map_err(|why| Error::new(ErrorKind::Tls, format!("TLS can not be set up: {why}.")))
}

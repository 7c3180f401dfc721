//! A private certificate authority and the server certificate it signs, both made at start.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use tempfile::{NamedTempFile, TempPath};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};

/// The state of the server's certificate. The private authority signs it in each case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Valid now, for 127.0.0.1, `::1`, `localhost` and `connect.example.test`.
    #[default]
    Good,
    /// Expired yesterday.
    Expired,
    /// Issued for another host.
    WrongName,
}

/// The server's names. Only the proxy of a test resolves the last one.
const NAMES: [&str; 4] = ["127.0.0.1", "::1", "localhost", "connect.example.test"];

/// The TLS versions of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2 and 1.3.
    #[default]
    Any,
    /// Only 1.2.
    Tls12,
    /// Only 1.3.
    Tls13,
}

impl TlsVersion {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            TlsVersion::Any => vec![&version::TLS13, &version::TLS12],
            TlsVersion::Tls12 => vec![&version::TLS12],
            TlsVersion::Tls13 => vec![&version::TLS13],
        }
    }
}

pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate; the file is removed on drop.
    pub(crate) authority: TempPath,
}

pub(crate) fn make(certificate: Certificate, version: TlsVersion) -> io::Result<Tls> {
    let authority = Authority::new()?;
    let signed = authority.sign(certificate)?;

    // Explicit, because the client in a test may install a process-wide default.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&version.supported())
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![signed.certificate.der().clone()],
            PrivatePkcs8KeyDer::from(signed.key.serialize_der()).into(),
        )
        .map_err(io::Error::other)?;

    let mut file = NamedTempFile::with_prefix("standin-ca-")?;
    file.write_all(authority.pem().as_bytes())?;
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: file.into_temp_path(),
    })
}

/// A private certificate authority for other servers of a test. No client trusts it by default.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and private key.
pub struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// Creates an authority with a new key.
    ///
    /// # Errors
    ///
    /// If no key can be generated.
    pub fn new() -> io::Result<Authority> {
        authority().map(Authority).map_err(io::Error::other)
    }

    /// Returns the authority's certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a server certificate.
    ///
    /// # Errors
    ///
    /// If no key can be generated.
    pub fn sign(&self, certificate: Certificate) -> io::Result<Signed> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = server(certificate)
            .and_then(|params| params.signed_by(&key, &self.0))
            .map_err(io::Error::other)?;
        Ok(Signed { certificate, key })
    }
}

impl Signed {
    /// Returns the certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns the private key as PEM (PKCS #8).
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Stand-in private CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(30);
    params.not_after = now + Duration::days(30);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn server(certificate: Certificate) -> Result<CertificateParams, rcgen::Error> {
    let names: &[&str] = match certificate {
        Certificate::WrongName => &["elsewhere.example.com"],
        Certificate::Good | Certificate::Expired => &NAMES,
    };
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Stand-in server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(10);
    params.not_after = match certificate {
        Certificate::Expired => now - Duration::days(1),
        Certificate::Good | Certificate::WrongName => now + Duration::days(10),
    };
    Ok(params)
}

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

/// What is wrong with the server's certificate. The private authority signs each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Nothing: 127.0.0.1, `::1`, `localhost` and `connect.example.test`, valid now.
    #[default]
    Good,
    /// It was valid until yesterday.
    Expired,
    /// It is for another host.
    WrongName,
}

/// What the server is called. The last is a name that only a test's proxy resolves.
const NAMES: [&str; 4] = ["127.0.0.1", "::1", "localhost", "connect.example.test"];

/// Which TLS the server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2 and 1.3.
    #[default]
    Any,
    /// 1.2 alone.
    Tls12,
    /// 1.3 alone.
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
    /// The authority's certificate; the file goes away with this.
    pub(crate) authority: TempPath,
}

pub(crate) fn make(certificate: Certificate, version: TlsVersion) -> io::Result<Tls> {
    let authority = Authority::new()?;
    let signed = authority.sign(certificate)?;

    // Named, not the process's default: in a test both the client and this server may install one.
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

/// A private certificate authority that nobody trusts unless told, for other servers of a test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and its key.
pub struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// A new one, made up.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn new() -> io::Result<Authority> {
        authority().map(Authority).map_err(io::Error::other)
    }

    /// Its certificate, as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate, signed.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn sign(&self, certificate: Certificate) -> io::Result<Signed> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = server(certificate)
            .and_then(|params| params.signed_by(&key, &self.0))
            .map_err(io::Error::other)?;
        Ok(Signed { certificate, key })
    }
}

impl Signed {
    /// The certificate, as PEM.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key, as PEM (PKCS #8).
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

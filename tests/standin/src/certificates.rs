//! A private certificate authority and the server certificate it signs, both made at start.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
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
    /// Nothing: 127.0.0.1, `::1` and `localhost`, valid now.
    #[default]
    Good,
    /// It was valid until yesterday.
    Expired,
    /// It is for another host.
    WrongName,
}

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
    let authority = authority().map_err(io::Error::other)?;
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let signed = server(certificate)
        .and_then(|params| params.signed_by(&key, &authority))
        .map_err(io::Error::other)?;

    // Named, not the process's default: in a test both the client and this server may install one.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&version.supported())
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![signed.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .map_err(io::Error::other)?;

    let mut file = NamedTempFile::with_prefix("standin-ca-")?;
    file.write_all(authority.pem().as_bytes())?;
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: file.into_temp_path(),
    })
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
        Certificate::Good | Certificate::Expired => &["127.0.0.1", "::1", "localhost"],
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

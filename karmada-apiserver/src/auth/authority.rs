//! The server's certificate authority and its keys.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};

use super::front_proxy::{FrontProxy, PeerVerifier};
use super::token::Signer;

const CA_CERT: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const TOKEN_KEY: &str = "service-account.key";
const CA_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);
const CLIENT_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);
/// rcgen keeps a distinguished name as a map: one attribute has two keys in it, so two values at most.
const MAX_GROUPS: usize = 2;
/// Clocks of other machines may be this far behind.
const SKEW: SignedDuration = SignedDuration::from_hours(1);
const SERVER_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Why keys or certificates could not be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    #[error("cannot make a signing key")]
    Key,
    #[error("a client certificate carries at most {MAX_GROUPS} groups, {asked} were asked for")]
    Groups { asked: usize },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error(
        "{path} holds no usable key; remove it and {other} to make new ones, and issue new client certificates"
    )]
    Unusable { path: PathBuf, other: &'static str, source: rcgen::Error },
    #[error("cannot set up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Issues the server's and its clients' certificates and signs service-account tokens.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
    signer: Signer,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No keys in logs.
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes an authority that lives as long as the process.
    pub fn ephemeral(name: &str) -> Result<Self, AuthError> {
        let key = KeyPair::generate().map_err(AuthError::Certificate)?;
        let certificate = ca_params(name)?.self_signed(&key).map_err(AuthError::Certificate)?;
        let signer = Signer::from_pkcs8(&Signer::generate().map_err(|_| AuthError::Key)?);
        Self::assemble(certificate.pem(), key, signer.map_err(|_| AuthError::Key)?)
    }

    /// Reads the authority of a directory, making it when there is none.
    ///
    /// # Errors
    /// When files cannot be read or written or hold no keys.
    pub fn in_directory(directory: &Path, name: &str) -> Result<Self, AuthError> {
        let (cert_path, key_path) = (directory.join(CA_CERT), directory.join(CA_KEY));
        let (pem, key) = if cert_path.exists() && key_path.exists() {
            let key = KeyPair::from_pem(&read(&key_path)?).map_err(|source| AuthError::Unusable {
                path: key_path,
                other: CA_CERT,
                source,
            })?;
            (read(&cert_path)?, key)
        } else {
            std::fs::create_dir_all(directory)
                .map_err(|source| AuthError::Write { path: directory.to_owned(), source })?;
            let key = KeyPair::generate().map_err(AuthError::Certificate)?;
            let pem = ca_params(name)?.self_signed(&key).map_err(AuthError::Certificate)?.pem();
            write(&key_path, &key.serialize_pem(), Access::Owner)?;
            write(&cert_path, &pem, Access::Everyone)?;
            (pem, key)
        };
        let token_path = directory.join(TOKEN_KEY);
        let document = if token_path.exists() {
            let key = KeyPair::from_pem(&read(&token_path)?).map_err(|source| AuthError::Unusable {
                path: token_path,
                other: TOKEN_KEY,
                source,
            })?;
            key.serialize_der()
        } else {
            let key = KeyPair::generate().map_err(AuthError::Certificate)?;
            write(&token_path, &key.serialize_pem(), Access::Owner)?;
            key.serialize_der()
        };
        Self::assemble(pem, key, Signer::from_pkcs8(&document).map_err(|_| AuthError::Key)?)
    }

    fn assemble(pem: String, key: KeyPair, signer: Signer) -> Result<Self, AuthError> {
        let der = x509_parser::pem::parse_x509_pem(pem.as_bytes())
            .map(|(_, parsed)| CertificateDer::from(parsed.contents))
            .map_err(|error| AuthError::Tls(error.into()))?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(AuthError::Certificate)?;
        Ok(Self { issuer, pem, der, signer })
    }

    /// Returns the certificate that clients trust, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Issues a client certificate; returns it and its key as PEM.
    pub fn client_certificate(&self, user: &str, groups: &[&str]) -> Result<(String, String), AuthError> {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, user);
        let organization = [DnType::OrganizationName, DnType::CustomDnType(vec![2, 5, 4, 10])];
        if groups.len() > MAX_GROUPS {
            return Err(AuthError::Groups { asked: groups.len() });
        }
        for (attribute, group) in organization.into_iter().zip(groups) {
            name.push(attribute, *group);
        }
        let mut params = params(name, CLIENT_LIFETIME)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().map_err(AuthError::Certificate)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(AuthError::Certificate)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Returns what tells this authority's clients, and a trusted proxy, by their certificates.
    pub(crate) fn peers(&self, proxy: Option<&FrontProxy>) -> Result<Arc<PeerVerifier>, AuthError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).map_err(|error| AuthError::Tls(error.into()))?;
        PeerVerifier::new(roots, proxy).map(Arc::new)
    }

    /// Returns a TLS configuration for these addresses; clients may show certificates of this authority.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn tls(&self, addresses: &[IpAddr]) -> Result<ServerConfig, AuthError> {
        self.tls_for(addresses, self.peers(None)?)
    }

    /// Returns a TLS configuration with a fresh server certificate for these addresses besides the local ones.
    pub(crate) fn tls_for(
        &self,
        addresses: &[IpAddr],
        peers: Arc<PeerVerifier>,
    ) -> Result<ServerConfig, AuthError> {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "kube-apiserver");
        let mut params = params(name, CLIENT_LIFETIME)?;
        for dns in SERVER_NAMES {
            let dns = dns.try_into().map_err(AuthError::Certificate)?;
            params.subject_alt_names.push(SanType::DnsName(dns));
        }
        let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        for address in
            local.iter().chain(addresses.iter().filter(|a| !a.is_unspecified() && !local.contains(a)))
        {
            params.subject_alt_names.push(SanType::IpAddress(*address));
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let key = KeyPair::generate().map_err(AuthError::Certificate)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(AuthError::Certificate)?;

        let tls = |error: Box<dyn std::error::Error + Send + Sync>| AuthError::Tls(error);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| tls(error.into()))?
            .with_client_cert_verifier(peers)
            .with_single_cert(
                vec![certificate.der().clone(), self.der.clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .map_err(|error| tls(error.into()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Returns a kubeconfig whose user is a fresh client certificate.
    pub fn kubeconfig(&self, name: &str, url: &str, user: &str, groups: &[&str]) -> Result<Value, AuthError> {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let (certificate, key) = self.client_certificate(user, groups)?;
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {
                "server": url, "certificate-authority-data": encode(&self.pem)}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "users": [{"name": user, "user": {
                "client-certificate-data": encode(&certificate), "client-key-data": encode(&key)}}],
        }))
    }
}

fn ca_params(name: &str) -> Result<CertificateParams, AuthError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, if name.is_empty() { "kubernetes" } else { name });
    let mut params = params(subject, CA_LIFETIME)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(subject: DistinguishedName, lifetime: SignedDuration) -> Result<CertificateParams, AuthError> {
    let now = Timestamp::now();
    let date = |timestamp: Timestamp| {
        let date = timestamp.to_zoned(jiff::tz::TimeZone::UTC).date();
        let part = |value: i8| u8::try_from(value).expect("months and days are positive");
        rcgen::date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = date(now.saturating_sub(SKEW).map_err(|_| AuthError::Key)?);
    // Dates have no time of day: one more day keeps the last one whole.
    let end = lifetime + SignedDuration::from_hours(24);
    params.not_after = date(now.saturating_add(end).map_err(|_| AuthError::Key)?);
    Ok(params)
}

fn read(path: &Path) -> Result<String, AuthError> {
    std::fs::read_to_string(path).map_err(|source| AuthError::Read { path: path.to_owned(), source })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Owner,
    Everyone,
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str, access: Access) -> Result<(), AuthError> {
    let failed = |source| AuthError::Write { path: path.to_owned(), source };
    let temporary = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if access == Access::Owner { 0o600 } else { 0o644 });
    }
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(&temporary, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_keys_in_a_directory_for_the_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::in_directory(directory.path(), "test").unwrap();
        let second = Authority::in_directory(directory.path(), "test").unwrap();
        assert_eq!(first.pem(), second.pem());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for name in [CA_KEY, TOKEN_KEY] {
                let mode = std::fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
        }
    }

    #[test]
    fn client_certificates_name_the_user_and_all_groups() {
        let authority = Authority::ephemeral("test").unwrap();
        let (certificate, _) = authority.client_certificate("alice", &["dev", "team-a"]).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).unwrap();
        let user = super::super::request::certificate_user(&pem.contents).unwrap();
        assert_eq!(user.name, "alice");
        assert_eq!(user.groups, ["dev", "team-a", "system:authenticated"]);
    }
}

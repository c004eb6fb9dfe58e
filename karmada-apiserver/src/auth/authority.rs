//! The server's certificate authority and its keys.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PublicKeyData as _,
};
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use x509_parser::prelude::ParsedExtension;

use super::der;
use super::files::{self, Access};
use super::front_proxy::FrontProxy;
use super::leaf::{self, Leaf, Signing};
use super::peer::PeerVerifier;
use super::serving::Serving;
use super::token::Signer;
use crate::clock::Clock;

const CA_CERT: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const TOKEN_KEY: &str = "service-account.key";
const CA_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);
/// How long certificates below the authority are good.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Clocks of other machines may be this far behind: a day, and the hour that it takes to notice.
pub(super) const SKEW: SignedDuration = SignedDuration::from_hours(25);

/// Why keys or certificates could not be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    #[error("cannot make a signing key")]
    Key,
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    /// A file that someone has to look at.
    #[error(
        "{path} {why}; restore it from a backup, or move {path} and {other} away to have new ones made: \
         what the old ones issued is no longer accepted then"
    )]
    Unusable { path: PathBuf, why: String, other: &'static str },
    #[error("cannot set up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Issues the server's and its clients' certificates and signs service-account tokens.
pub struct Authority {
    issuing: Arc<Issuing>,
    signer: Signer,
    clock: Clock,
}

/// The authority's certificate with its key.
pub(super) struct Issuing {
    key: KeyPair,
    pem: String,
    pub(super) der: CertificateDer<'static>,
    /// The authority's name, encoded.
    subject: Vec<u8>,
    key_id: Vec<u8>,
    not_after: Timestamp,
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
        let pem = new_authority(name, &key)?;
        let signer = Signer::from_pkcs8(&Signer::generate().map_err(|_| AuthError::Key)?);
        let issuing = Issuing::read(&pem, key, Timestamp::now()).map_err(|why| AuthError::Tls(why.into()))?;
        Ok(Self::assemble(issuing, signer.map_err(|_| AuthError::Key)?))
    }

    /// Reads the authority of a directory, making it when there is none.
    ///
    /// # Errors
    /// When files cannot be read or written, do not belong together or hold nothing that can be used.
    pub fn in_directory(directory: &Path, name: &str) -> Result<Self, AuthError> {
        files::create_directory(directory)?;
        let (cert_path, key_path) = (directory.join(CA_CERT), directory.join(CA_KEY));
        let unusable = |path: &Path, other: &'static str, why: String| AuthError::Unusable {
            path: path.to_owned(),
            why,
            other,
        };
        let issuing = match (cert_path.exists(), key_path.exists()) {
            (false, false) => {
                let key = KeyPair::generate().map_err(AuthError::Certificate)?;
                let pem = new_authority(name, &key)?;
                // The key comes first: a certificate alone would keep the next start from making both.
                files::write(&key_path, &key.serialize_pem(), Access::Owner)?;
                files::write(&cert_path, &pem, Access::Everyone)?;
                Issuing::read(&pem, key, Timestamp::now())
            }
            (true, false) => return Err(unusable(&key_path, CA_CERT, "is missing".to_owned())),
            (false, true) => {
                // A crash between the two: nothing was issued yet.
                let key = read_key(&key_path, CA_CERT)?;
                let pem = new_authority(name, &key)?;
                files::write(&cert_path, &pem, Access::Everyone)?;
                Issuing::read(&pem, key, Timestamp::now())
            }
            (true, true) => {
                let key = read_key(&key_path, CA_CERT)?;
                Issuing::read(&files::read(&cert_path)?, key, Timestamp::now())
            }
        }
        .map_err(|why| unusable(&cert_path, CA_KEY, why))?;
        let token_path = directory.join(TOKEN_KEY);
        let document = if token_path.exists() {
            read_key(&token_path, TOKEN_KEY)?.serialize_der()
        } else {
            let key = KeyPair::generate().map_err(AuthError::Certificate)?;
            files::write(&token_path, &key.serialize_pem(), Access::Owner)?;
            key.serialize_der()
        };
        let signer = Signer::from_pkcs8(&document)
            .map_err(|_| unusable(&token_path, TOKEN_KEY, "holds no key of the curve P-256".to_owned()))?;
        Ok(Self::assemble(issuing, signer))
    }

    fn assemble(issuing: Issuing, signer: Signer) -> Self {
        Self { issuing: Arc::new(issuing), signer, clock: Clock::default() }
    }

    /// Makes the authority tell the time by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Returns the certificate that clients trust, as PEM.
    pub fn pem(&self) -> &str {
        &self.issuing.pem
    }

    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Signs a certificate; returns it as PEM.
    pub(crate) fn sign(&self, leaf: &Leaf) -> Result<String, AuthError> {
        Ok(der::pem("CERTIFICATE", &self.issuing.sign(leaf)?))
    }

    /// Returns the end of a certificate that would end at `wanted`: none outlives the authority.
    pub(crate) fn cap(&self, wanted: Timestamp) -> Timestamp {
        self.issuing.cap(wanted)
    }

    /// Issues a client certificate; returns it and its key as PEM.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn client_certificate(&self, user: &str, groups: &[&str]) -> Result<(String, String), AuthError> {
        let key = KeyPair::generate().map_err(AuthError::Certificate)?;
        let now = self.clock.now();
        let certificate = self.sign(&Leaf {
            subject: leaf::user_name(user, groups),
            public_key: key.subject_public_key_info(),
            not_before: now - SKEW,
            not_after: self.cap(now + LIFETIME),
            key_usage: leaf::DIGITAL_SIGNATURE,
            purposes: vec![leaf::CLIENT_AUTH],
            names: Vec::new(),
        })?;
        Ok((certificate, key.serialize_pem()))
    }

    /// Returns what tells this authority's clients, and a trusted proxy, by their certificates.
    pub(crate) fn peers(&self, proxy: Option<&FrontProxy>) -> Result<Arc<PeerVerifier>, AuthError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuing.der.clone()).map_err(|error| AuthError::Tls(error.into()))?;
        PeerVerifier::new(roots, proxy).map(Arc::new)
    }

    /// Returns a TLS configuration for these addresses; clients may show certificates of this authority, and no others.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn tls(&self, addresses: &[IpAddr]) -> Result<ServerConfig, AuthError> {
        let tls = |error: Box<dyn std::error::Error + Send + Sync>| AuthError::Tls(error);
        let mut roots = RootCertStore::empty();
        roots.add(self.issuing.der.clone()).map_err(|error| tls(error.into()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let strict = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .allow_unauthenticated()
            .build()
            .map_err(|error| tls(error.into()))?;
        self.tls_for(addresses, &[], strict)
    }

    /// Returns a TLS configuration with a server certificate for these addresses and names besides the local ones.
    ///
    /// The certificate is renewed before it expires, for the connections that come then.
    pub(crate) fn tls_for(
        &self,
        addresses: &[IpAddr],
        names: &[String],
        peers: Arc<dyn ClientCertVerifier>,
    ) -> Result<ServerConfig, AuthError> {
        let serving = Serving::new(self.issuing.clone(), addresses, names, self.clock.clone())?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| AuthError::Tls(error.into()))?
                .with_client_cert_verifier(peers)
                .with_cert_resolver(Arc::new(serving));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Returns a kubeconfig whose user is a fresh client certificate.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn kubeconfig(&self, name: &str, url: &str, user: &str, groups: &[&str]) -> Result<Value, AuthError> {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let (certificate, key) = self.client_certificate(user, groups)?;
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {
                "server": url, "certificate-authority-data": encode(self.pem())}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "users": [{"name": user, "user": {
                "client-certificate-data": encode(&certificate), "client-key-data": encode(&key)}}],
        }))
    }

    #[cfg(test)]
    pub(super) fn issuing(&self) -> Arc<Issuing> {
        self.issuing.clone()
    }
}

impl Issuing {
    /// Reads an authority's certificate and checks it against its key; the error says what is wrong with it.
    fn read(pem: &str, key: KeyPair, now: Timestamp) -> Result<Self, String> {
        let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
            .map_err(|_| "holds no certificate".to_owned())?;
        let der = CertificateDer::from(parsed.contents);
        let (_, certificate) = x509_parser::parse_x509_certificate(&der)
            .map_err(|_| "holds a damaged certificate".to_owned())?;
        if certificate.public_key().raw != key.subject_public_key_info() {
            return Err("belongs to another key".to_owned());
        }
        if !certificate.is_ca() {
            return Err("is not the certificate of an authority".to_owned());
        }
        let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp())
            .map_err(|_| "never expires by any clock".to_owned())?;
        if not_after <= now {
            return Err(format!("expired at {not_after}"));
        }
        let key_id =
            certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
                _ => None,
            });
        let subject = certificate.subject().as_raw().to_vec();
        Ok(Self { key, pem: pem.to_owned(), subject, key_id: key_id.unwrap_or_default(), not_after, der })
    }

    pub(super) fn sign(&self, leaf: &Leaf) -> Result<Vec<u8>, AuthError> {
        let signing = Signing { issuer: &self.subject, key_id: &self.key_id, key: &self.key };
        leaf.sign(&signing).map_err(AuthError::Certificate)
    }

    /// Returns the end of a certificate that would end at `wanted`.
    pub(super) fn cap(&self, wanted: Timestamp) -> Timestamp {
        wanted.min(self.not_after)
    }
}

fn read_key(path: &Path, other: &'static str) -> Result<KeyPair, AuthError> {
    KeyPair::from_pem(&files::read(path)?).map_err(|_| AuthError::Unusable {
        path: path.to_owned(),
        why: "holds no usable key".to_owned(),
        other,
    })
}

/// Returns a new authority's certificate, as PEM.
fn new_authority(name: &str, key: &KeyPair) -> Result<String, AuthError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, if name.is_empty() { "kubernetes" } else { name });
    let now = Timestamp::now();
    let date = |timestamp: Timestamp| {
        let date = timestamp.to_zoned(jiff::tz::TimeZone::UTC).date();
        let part = |value: i8| u8::try_from(value).expect("months and days are positive");
        rcgen::date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = date(now - SKEW);
    // Dates have no time of day: one more day keeps the last one whole.
    params.not_after = date(now + CA_LIFETIME + SignedDuration::from_hours(24));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key).map_err(AuthError::Certificate)?.pem())
}

#[cfg(test)]
mod tests {
    use super::super::peer::Peer;
    use super::*;

    fn peer(authority: &Authority, chain: &[CertificateDer<'_>], now: Timestamp) -> Peer {
        authority.peers(None).unwrap().peer(chain, now)
    }

    #[test]
    fn keeps_its_keys_in_a_directory_for_the_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let pki = directory.path().join("pki");
        let first = Authority::in_directory(&pki, "test").unwrap();
        let second = Authority::in_directory(&pki, "test").unwrap();
        assert_eq!(first.pem(), second.pem());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            for name in [CA_KEY, TOKEN_KEY] {
                assert_eq!(mode(&pki.join(name)), 0o600);
            }
            assert_eq!(mode(&pki), 0o700);
        }
    }

    #[test]
    fn client_certificates_name_the_user_and_all_groups() {
        let authority = Authority::ephemeral("test").unwrap();
        let (certificate, _) = authority.client_certificate("älice", &["dev", "team-a", "c"]).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).unwrap();
        let chain = [CertificateDer::from(pem.contents.clone())];
        assert!(matches!(peer(&authority, &chain, Timestamp::now()), Peer::Known { .. }));
        let user = super::super::request::certificate_user(&pem.contents).unwrap();
        assert_eq!(user.name, "älice");
        let mut groups = user.groups.clone();
        groups.sort();
        assert_eq!(groups, ["c", "dev", "system:authenticated", "team-a"]);
    }

    #[test]
    fn certificates_of_others_and_of_servers_identify_nobody() {
        let authority = Authority::ephemeral("test").unwrap();
        let other = Authority::ephemeral("test").unwrap();
        let chain = |pem: &str| {
            let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
            [CertificateDer::from(pem.contents)]
        };
        let (stranger, _) = other.client_certificate("system:admin", &["system:masters"]).unwrap();
        let now = Timestamp::now();
        assert!(matches!(peer(&authority, &chain(&stranger), now), Peer::Foreign));
        let (own, _) = authority.client_certificate("a", &[]).unwrap();
        let later = now + LIFETIME + SKEW;
        assert!(matches!(peer(&authority, &chain(&own), now), Peer::Known { .. }));
        assert!(matches!(peer(&authority, &chain(&own), later), Peer::Foreign));
        let nonsense = [CertificateDer::from(vec![0x30; 10])];
        assert!(matches!(peer(&authority, &nonsense, now), Peer::Foreign));
        assert!(matches!(peer(&authority, &[], now), Peer::Unnamed));
    }

    #[test]
    fn damaged_and_foreign_files_are_reported_with_the_way_out() {
        let complaint = |damage: &dyn Fn(&Path)| {
            let directory = tempfile::tempdir().unwrap();
            Authority::in_directory(directory.path(), "test").unwrap();
            damage(directory.path());
            let error = Authority::in_directory(directory.path(), "test").unwrap_err();
            error.to_string().replace(&format!("{}/", directory.path().display()), "")
        };
        let write =
            |directory: &Path, name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        let way_out = |path: &str, other: &str| {
            format!(
                "; restore it from a backup, or move {path} and {other} away to have new ones made: what the old ones issued is no longer accepted then"
            )
        };
        assert_eq!(
            complaint(&|d| write(d, CA_CERT, "nonsense")),
            format!("ca.crt holds no certificate{}", way_out("ca.crt", "ca.key"))
        );
        assert_eq!(
            complaint(&|d| write(d, CA_CERT, Authority::ephemeral("other").unwrap().pem())),
            format!("ca.crt belongs to another key{}", way_out("ca.crt", "ca.key"))
        );
        assert_eq!(
            complaint(&|d| write(d, CA_KEY, "")),
            format!("ca.key holds no usable key{}", way_out("ca.key", "ca.crt"))
        );
        assert_eq!(
            complaint(&|d| std::fs::remove_file(d.join(CA_KEY)).unwrap()),
            format!("ca.key is missing{}", way_out("ca.key", "ca.crt"))
        );
    }
}

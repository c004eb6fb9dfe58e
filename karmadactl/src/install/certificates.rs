//! Making certificates, and reading what is in them.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// How long authorities are good.
const AUTHORITY_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);
/// Clocks of other machines may be this far behind: a day, and the hour that it takes to notice.
const SKEW: SignedDuration = SignedDuration::from_hours(25);

/// A certificate or key that cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot make the certificate {name}")]
    Make {
        name: String,
        #[source]
        source: rcgen::Error,
    },
    #[error("{name} {why}")]
    Unusable { name: String, why: String },
}

/// A certificate and its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No keys in logs.
        formatter.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// A name that a certificate is good for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectName {
    Dns(String),
    Address(IpAddr),
}

impl SubjectName {
    /// An address where the text is one, a name elsewhere.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Dns(text.to_owned()), Self::Address)
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => formatter.write_str(name),
            Self::Address(address) => write!(formatter, "{address}"),
        }
    }
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Client,
    Server,
    Both,
}

/// What a certificate below an authority says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub common_name: String,
    pub organizations: Vec<String>,
    pub names: BTreeSet<SubjectName>,
    pub purpose: Purpose,
}

/// An authority that can sign.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    not_after: Timestamp,
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// What is in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub common_name: String,
    pub organizations: Vec<String>,
    pub issuer: String,
    pub names: BTreeSet<SubjectName>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub is_authority: bool,
    /// The public key, encoded.
    pub public_key: Vec<u8>,
}

impl Authority {
    /// Makes an authority.
    pub fn create(name: &str, now: Timestamp) -> Result<Pair, CertificateError> {
        let failed = |source| CertificateError::Make { name: name.to_owned(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(name, &[]);
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_zero(now - SKEW);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_zero(now + AUTHORITY_LIFETIME);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Reads an authority and checks it; `name` is for messages.
    ///
    /// # Errors
    /// When it is no authority, is over, or the key is not its own.
    pub fn read(name: &str, pair: &Pair, now: Timestamp) -> Result<Self, CertificateError> {
        let unusable = |why: String| CertificateError::Unusable { name: name.to_owned(), why };
        let facts = inspect(name, &pair.certificate)?;
        let key = KeyPair::from_pem(&pair.key).map_err(|_| {
            unusable(
                "has a key that cannot be read: it must be in the form PKCS #8 (BEGIN PRIVATE KEY)"
                    .to_owned(),
            )
        })?;
        if facts.public_key != key.subject_public_key_info() {
            return Err(unusable("belongs to another key".to_owned()));
        }
        if !facts.is_authority {
            return Err(unusable("is not the certificate of an authority".to_owned()));
        }
        if facts.not_after <= now {
            return Err(unusable(format!("expired at {}", facts.not_after)));
        }
        let issuer = Issuer::from_ca_cert_pem(&pair.certificate, key)
            .map_err(|source| CertificateError::Make { name: name.to_owned(), source })?;
        Ok(Self { issuer, certificate: pair.certificate.clone(), not_after: facts.not_after })
    }

    /// The certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues a certificate with a key of its own; it never outlives the authority.
    pub fn issue(
        &self,
        leaf: &Leaf,
        now: Timestamp,
        validity: SignedDuration,
    ) -> Result<Pair, CertificateError> {
        let failed = |source| CertificateError::Make { name: leaf.common_name.clone(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(&leaf.common_name, &leaf.organizations);
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_zero(now - SKEW);
        params.not_after =
            rcgen::date_time_ymd(1970, 1, 1) + since_zero((now + validity).min(self.not_after));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = match leaf.purpose {
            Purpose::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Purpose::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Purpose::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        };
        for name in &leaf.names {
            params.subject_alt_names.push(match name {
                SubjectName::Dns(name) => SanType::DnsName(name.clone().try_into().map_err(failed)?),
                SubjectName::Address(address) => SanType::IpAddress(*address),
            });
        }
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Whether a pair is what this authority would issue: signed by it, with these names, still good, with its own key.
    pub fn covers(&self, pair: &Pair, leaf: &Leaf, now: Timestamp) -> bool {
        let Ok(facts) = inspect(&leaf.common_name, &pair.certificate) else { return false };
        let has_key =
            KeyPair::from_pem(&pair.key).is_ok_and(|key| key.subject_public_key_info() == facts.public_key);
        has_key
            && facts.common_name == leaf.common_name
            && leaf.organizations.iter().all(|group| facts.organizations.contains(group))
            && leaf.names.is_subset(&facts.names)
            && facts.not_after > now
            && is_signed_by(&pair.certificate, &self.certificate)
    }
}

/// Makes a key alone; returns it and its public half, as PEM.
pub fn create_key() -> Result<(String, String), CertificateError> {
    let key = KeyPair::generate()
        .map_err(|source| CertificateError::Make { name: "service accounts".to_owned(), source })?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

/// Returns what is in the first certificate of a PEM; `name` is for messages.
///
/// # Errors
/// When there is none.
pub fn inspect(name: &str, pem: &str) -> Result<Facts, CertificateError> {
    let unusable = |why: &str| CertificateError::Unusable { name: name.to_owned(), why: why.to_owned() };
    let der = decode(pem).ok_or_else(|| unusable("holds no certificate"))?;
    let (_, certificate) =
        X509Certificate::from_der(&der).map_err(|_| unusable("holds a damaged certificate"))?;
    let time =
        |seconds| Timestamp::from_second(seconds).map_err(|_| unusable("has a time out of any calendar"));
    let text = |name: Option<&x509_parser::prelude::AttributeTypeAndValue<'_>>| {
        name.and_then(|value| value.as_str().ok()).unwrap_or_default().to_owned()
    };
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| extension.value.general_names.iter().filter_map(subject_name).collect())
        .unwrap_or_default();
    Ok(Facts {
        common_name: text(certificate.subject().iter_common_name().next()),
        organizations: certificate.subject().iter_organization().map(|group| text(Some(group))).collect(),
        issuer: text(certificate.issuer().iter_common_name().next()),
        names,
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
        is_authority: certificate.is_ca(),
        public_key: certificate.public_key().raw.to_vec(),
    })
}

/// Whether an authority, as PEM, signed a certificate: by its name and by its key.
///
/// The signature itself is checked by rustls' own verifier, which also looks at purposes and times.
pub fn is_signed_by(certificate: &str, authority: &str) -> bool {
    let (Some(leaf), Some(root)) = (decode(certificate), decode(authority)) else { return false };
    let parsed = (X509Certificate::from_der(&leaf), X509Certificate::from_der(&root));
    let (Ok((_, leaf)), Ok((_, root))) = parsed else { return false };
    if leaf.issuer().as_raw() != root.subject().as_raw() {
        return false;
    }
    let identifier = |certificate: &X509Certificate<'_>| {
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            x509_parser::prelude::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
    };
    let named = leaf.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        x509_parser::prelude::ParsedExtension::AuthorityKeyIdentifier(id) => {
            id.key_identifier.as_ref().map(|id| id.0.to_vec())
        }
        _ => None,
    });
    match (named, identifier(&root)) {
        (Some(named), Some(own)) => named == own,
        // Nothing tells the keys of two authorities of one name apart.
        _ => true,
    }
}

fn subject_name(name: &GeneralName<'_>) -> Option<SubjectName> {
    match name {
        GeneralName::DNSName(name) => Some(SubjectName::Dns((*name).to_owned())),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(SubjectName::Address)
        }
        _ => None,
    }
}

fn decode(pem: &str) -> Option<Vec<u8>> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    (pem.label == "CERTIFICATE").then_some(pem.contents)
}

fn distinguished_name(common_name: &str, organizations: &[String]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // One value of a kind is all that rcgen keeps; no certificate here has two groups.
    if let Some(organization) = organizations.first() {
        name.push(DnType::OrganizationName, organization.as_str());
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// Time since 1970, which no certificate here is before.
fn since_zero(moment: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_a_day_behind_finds_certificates_valid() {
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let day_behind = now - SignedDuration::from_hours(24);
        let pair = Authority::create("ca", now).unwrap();
        let authority = Authority::read("ca", &pair, now).unwrap();
        let leaf = Leaf {
            common_name: "a".to_owned(),
            organizations: Vec::new(),
            purpose: Purpose::Both,
            names: BTreeSet::new(),
        };
        let issued = authority.issue(&leaf, now, SignedDuration::from_hours(1)).unwrap();
        for certificate in [&pair.certificate, &issued.certificate] {
            let facts = inspect("a", certificate).unwrap();
            assert!(facts.not_before <= day_behind && now < facts.not_after, "{facts:?}");
        }
    }
}

//! Reading certificates.

use jiff::{SignedDuration, Timestamp};
use x509_parser::x509::X509Name;

use super::Subject;
use crate::members::pem_certificates;

/// A certificate that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("there is no PEM certificate")]
    Pem,
    #[error("the certificate is malformed")]
    Malformed,
}

/// What a client's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    pub subject: Subject,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl ClientCertificate {
    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// When there is none, or it is malformed.
    pub fn read(pem: &[u8]) -> Result<Self, ReadError> {
        let certificates = pem_certificates(pem).ok_or(ReadError::Pem)?;
        let der = certificates.first().ok_or(ReadError::Pem)?;
        let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| ReadError::Malformed)?;
        let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|_| ReadError::Malformed);
        let validity = certificate.validity();
        Ok(Self {
            subject: subject_of(certificate.subject()),
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
        })
    }

    /// Returns how long the certificate is good in all.
    pub fn lifetime(&self) -> SignedDuration {
        self.not_after.duration_since(self.not_before)
    }

    /// Whether no more than this part of its lifetime is left.
    pub fn is_due(&self, part: f64, now: Timestamp) -> bool {
        let left = self.not_after.duration_since(now);
        left.as_secs_f64() <= self.lifetime().as_secs_f64() * part
    }
}

pub(super) fn subject_of(name: &X509Name<'_>) -> Subject {
    let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        attribute.as_str().map(str::to_owned).unwrap_or_default()
    };
    Subject {
        common_name: name.iter_common_name().last().map(text).unwrap_or_default(),
        organizations: name.iter_organization().map(text).collect(),
    }
}

/// Returns the pins of the certificates of a PEM text: `sha256:` and the digest of the public key.
///
/// # Errors
/// When there is no certificate, or one is malformed.
pub fn public_key_pins(pem: &[u8]) -> Result<Vec<String>, ReadError> {
    use std::fmt::Write as _;
    let pin = |der: &Vec<u8>| {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).map_err(|_| ReadError::Malformed)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate.public_key().raw);
        let mut pin = "sha256:".to_owned();
        for byte in digest.as_ref() {
            write!(pin, "{byte:02x}").expect("a String takes everything");
        }
        Ok(pin)
    };
    pem_certificates(pem).ok_or(ReadError::Pem)?.iter().map(pin).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate() -> (String, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "system:karmada:agent:m1");
        parameters.distinguished_name.push(DnType::OrganizationName, "system:karmada:agents");
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2026, 1, 11);
        (parameters.self_signed(&key).unwrap().pem(), key)
    }

    #[test]
    fn a_certificate_says_whose_it_is_and_when_it_is_due() {
        let certificate = ClientCertificate::read(certificate().0.as_bytes()).unwrap();
        assert_eq!(certificate.subject.common_name, "system:karmada:agent:m1");
        assert_eq!(certificate.subject.organizations, ["system:karmada:agents"]);
        let at = |text: &str| certificate.is_due(0.2, text.parse().unwrap());
        assert!(!at("2026-01-08T00:00:00Z"));
        assert!(at("2026-01-09T00:00:00Z") && at("2026-02-01T00:00:00Z"));
        assert_eq!(ClientCertificate::read(b"nothing"), Err(ReadError::Pem));
    }

    #[test]
    fn a_pin_is_the_digest_of_the_public_key() {
        use std::fmt::Write as _;
        let (pem, key) = certificate();
        let pins = public_key_pins(format!("{pem}{pem}").as_bytes()).unwrap();
        let of_key = rcgen::PublicKeyData::subject_public_key_info(&key);
        let digest = ring::digest::digest(&ring::digest::SHA256, &of_key);
        let mut pin = "sha256:".to_owned();
        for byte in digest.as_ref() {
            write!(pin, "{byte:02x}").unwrap();
        }
        assert_eq!(pins, [pin.clone(), pin]);
    }
}

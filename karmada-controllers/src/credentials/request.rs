//! Certificate signing requests: making and reading them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer as _, ParsedExtension};

use super::certificate::subject_of;

/// Whom a certificate is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The user's name.
    pub common_name: String,
    /// The user's groups.
    pub organizations: Vec<String>,
}

/// A key or a request for its certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a key")]
pub struct KeyError(#[source] rcgen::Error);

/// A key, with the request for its certificate.
pub struct NewKey {
    /// The private key, as PEM.
    pub key: String,
    /// The request, as PEM.
    pub request: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No keys in logs.
        f.debug_struct("NewKey").finish_non_exhaustive()
    }
}

/// Makes a key of the curve P-256 and a request for its certificate.
///
/// DEVIATION: upstream registers agents with RSA keys of 3072 bits, and renews with keys of a curve.
///
/// # Errors
/// When no key can be made.
pub fn new_key(subject: &Subject) -> Result<NewKey, KeyError> {
    let key = KeyPair::generate().map_err(KeyError)?;
    let mut name = DistinguishedName::new();
    for organization in &subject.organizations {
        name.push(DnType::OrganizationName, organization.as_str());
    }
    name.push(DnType::CommonName, subject.common_name.as_str());
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name;
    let request = parameters.serialize_request(&key).and_then(|request| request.pem()).map_err(KeyError)?;
    Ok(NewKey { key: key.serialize_pem(), request })
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContent {
    pub subject: Subject,
    /// Whether it asks for names of hosts, addresses or the like.
    pub has_alternative_names: bool,
}

/// A request that is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is no PEM certificate request")]
pub(crate) struct MalformedRequest;

/// Reads a request. Whether its signature is good is for the signer to see.
pub(crate) fn read_request(pem: &[u8]) -> Result<RequestContent, MalformedRequest> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE REQUEST-----";
    const END: &str = "-----END CERTIFICATE REQUEST-----";
    let text = std::str::from_utf8(pem).map_err(|_| MalformedRequest)?;
    let (_, rest) = text.split_once(BEGIN).ok_or(MalformedRequest)?;
    let (body, _) = rest.split_once(END).ok_or(MalformedRequest)?;
    let encoded: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(encoded).map_err(|_| MalformedRequest)?;
    let (_, request) = X509CertificationRequest::from_der(&der).map_err(|_| MalformedRequest)?;
    let is_name = |extension: &ParsedExtension<'_>| matches!(extension, ParsedExtension::SubjectAlternativeName(names) if !names.general_names.is_empty());
    Ok(RequestContent {
        subject: subject_of(&request.certification_request_info.subject),
        has_alternative_names: request.requested_extensions().into_iter().flatten().any(is_name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_whom_it_is_for() {
        let subject = Subject { common_name: "a:b".into(), organizations: vec!["g".into()] };
        let new = new_key(&subject).unwrap();
        assert!(new.key.contains("PRIVATE KEY") && !format!("{new:?}").contains("PRIVATE"));
        let read = read_request(new.request.as_bytes()).unwrap();
        assert_eq!(read, RequestContent { subject, has_alternative_names: false });
        assert_eq!(read_request(b"-----BEGIN CERTIFICATE REQUEST-----\nAA"), Err(MalformedRequest));
    }

    #[test]
    fn names_of_hosts_are_seen() {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
        let pem = parameters.serialize_request(&key).unwrap().pem().unwrap();
        assert!(read_request(pem.as_bytes()).unwrap().has_alternative_names);
    }
}

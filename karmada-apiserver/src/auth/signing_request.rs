//! Certificate signing requests: what they ask for, and what the signers of Kubernetes make of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, ParsedExtension};

use super::authority::{AuthError, Authority};
use super::leaf::{self, AlternativeName, Leaf};

const NODES: &str = "system:nodes";
const NODE_PREFIX: &str = "system:node:";
/// How long certificates are good that do not say how long.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Certificates start this long before they are made, for clocks that are behind.
const BACKDATE: SignedDuration = SignedDuration::from_mins(5);
/// Shorter ones are good for their whole time from now on, not from their start.
const SHORT: SignedDuration = SignedDuration::from_hours(8);
/// No request is larger.
const LARGEST: usize = 256 * 1024;

const CLIENT_AUTH: &str = "client auth";
const SERVER_AUTH: &str = "server auth";
const DIGITAL_SIGNATURE: &str = "digital signature";
const KEY_ENCIPHERMENT: &str = "key encipherment";

/// The attributes of a subject that certificates take over, in their order.
const ATTRIBUTES: [&[u8]; 9] = [
    &[0x55, 0x04, 0x06],
    &[0x55, 0x04, 0x08],
    &[0x55, 0x04, 0x07],
    &[0x55, 0x04, 0x09],
    &[0x55, 0x04, 0x11],
    ORGANIZATION,
    &[0x55, 0x04, 0x0b],
    COMMON_NAME,
    SERIAL_NUMBER,
];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SERIAL_NUMBER: &[u8] = &[0x55, 0x04, 0x05];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Who signs a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignerName {
    ApiClient,
    KubeletClient,
    KubeletServing,
}

/// A request whose signature is good.
#[derive(Clone, Debug)]
pub(crate) struct SigningRequest {
    /// Encoded identifiers and values, in the order of [`ATTRIBUTES`].
    attributes: Vec<(&'static [u8], Vec<String>)>,
    public_key: Vec<u8>,
    names: Vec<AlternativeName>,
}

impl SignerName {
    /// Returns the signer of a name; others sign for themselves.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "kubernetes.io/kube-apiserver-client" => Some(Self::ApiClient),
            "kubernetes.io/kube-apiserver-client-kubelet" => Some(Self::KubeletClient),
            "kubernetes.io/kubelet-serving" => Some(Self::KubeletServing),
            _ => None,
        }
    }

    /// Says why the signer refuses a request, if it does.
    pub(crate) fn refusal(self, request: &SigningRequest, usages: &[&str]) -> Option<String> {
        match self {
            Self::ApiClient => client_refusal(usages),
            Self::KubeletClient => kubelet_client_refusal(request, usages),
            Self::KubeletServing => kubelet_serving_refusal(request, usages),
        }
    }
}

impl SigningRequest {
    /// Reads `spec.request`: PEM in base64.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub(crate) fn read(encoded: &str) -> Result<Self, String> {
        if encoded.len() > LARGEST {
            return Err("the request is too large".to_owned());
        }
        let pem = STANDARD.decode(encoded).map_err(|_| "the request is no base64".to_owned())?;
        let (_, pem) = x509_parser::pem::parse_x509_pem(&pem)
            .ok()
            .filter(|(_, pem)| pem.label == "CERTIFICATE REQUEST")
            .ok_or("PEM block type must be CERTIFICATE REQUEST")?;
        let (_, parsed) = X509CertificationRequest::from_der(&pem.contents)
            .map_err(|_| "the request is malformed".to_owned())?;
        check_signature(&parsed)?;
        let info = &parsed.certification_request_info;
        let attributes = ATTRIBUTES
            .iter()
            .map(|identifier| {
                let found =
                    info.subject.iter_attributes().filter(|a| a.attr_type().as_bytes() == *identifier);
                let mut values: Vec<String> =
                    found.filter_map(|a| a.as_str().ok()).map(str::to_owned).collect();
                // A subject has one name and one serial number: the last that it says.
                if *identifier == COMMON_NAME || *identifier == SERIAL_NUMBER {
                    values.drain(..values.len().saturating_sub(1));
                }
                (*identifier, values)
            })
            .collect();
        let mut names = Vec::new();
        for extension in parsed.requested_extensions().into_iter().flatten() {
            let ParsedExtension::SubjectAlternativeName(alternatives) = extension else { continue };
            names.extend(alternatives.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(text) => Some(AlternativeName::Dns((*text).to_owned())),
                GeneralName::RFC822Name(text) => Some(AlternativeName::Email((*text).to_owned())),
                GeneralName::URI(text) => Some(AlternativeName::Uri((*text).to_owned())),
                GeneralName::IPAddress(bytes) if matches!(bytes.len(), 4 | 16) => {
                    Some(AlternativeName::Ip(bytes.to_vec()))
                }
                _ => None,
            }));
        }
        Ok(Self { attributes, public_key: info.subject_pki.raw.to_vec(), names })
    }

    fn values(&self, identifier: &[u8]) -> &[String] {
        let found = self.attributes.iter().find(|(own, _)| *own == identifier);
        found.map_or(&[], |(_, values)| values)
    }

    pub(crate) fn organizations(&self) -> &[String] {
        self.values(ORGANIZATION)
    }

    pub(crate) fn common_name(&self) -> &str {
        self.values(COMMON_NAME).first().map_or("", String::as_str)
    }

    /// Issues the certificate, as PEM.
    pub(crate) fn issue(
        &self,
        authority: &Authority,
        usages: &[&str],
        asked: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<String, AuthError> {
        let (not_before, not_after) = validity(asked, now);
        let flag = |usage: &str, flag: u16| if usages.contains(&usage) { flag } else { 0 };
        let purposes = [(SERVER_AUTH, leaf::SERVER_AUTH), (CLIENT_AUTH, leaf::CLIENT_AUTH)];
        let attributes: Vec<(&[u8], Vec<String>)> =
            self.attributes.iter().map(|(identifier, values)| (*identifier, values.clone())).collect();
        authority.sign(&Leaf {
            subject: leaf::name(&attributes),
            public_key: self.public_key.clone(),
            not_before,
            not_after: authority.cap(not_after),
            key_usage: flag(DIGITAL_SIGNATURE, leaf::DIGITAL_SIGNATURE)
                | flag(KEY_ENCIPHERMENT, leaf::KEY_ENCIPHERMENT),
            purposes: purposes.iter().filter(|(usage, _)| usages.contains(usage)).map(|(_, p)| *p).collect(),
            names: self.names.clone(),
        })
    }

    fn has(&self, kind: fn(&AlternativeName) -> bool) -> bool {
        self.names.iter().any(kind)
    }
}

/// Says whether a request asks for what kubelets ask for to be clients, in the shape that is approved by itself.
pub(crate) fn is_kubelet_client(request: &SigningRequest, usages: &[&str]) -> bool {
    kubelet_client_refusal(request, usages).is_none()
}

/// Returns start and end of a certificate.
fn validity(asked: Option<SignedDuration>, now: Timestamp) -> (Timestamp, Timestamp) {
    let length = asked.unwrap_or(LIFETIME).min(LIFETIME);
    let start = now - BACKDATE;
    let end = if length < SHORT { now + length } else { start + length };
    (start, end)
}

fn client_refusal(usages: &[&str]) -> Option<String> {
    let unknown =
        usages.iter().find(|usage| ![CLIENT_AUTH, DIGITAL_SIGNATURE, KEY_ENCIPHERMENT].contains(*usage));
    match unknown {
        Some(usage) => Some(format!("invalid usage for client certificate: {usage}")),
        None if usages.contains(&CLIENT_AUTH) => None,
        None => Some(format!("missing required usage for client certificate: {CLIENT_AUTH}")),
    }
}

fn kubelet_client_refusal(request: &SigningRequest, usages: &[&str]) -> Option<String> {
    let not_allowed = |kind: &str| Some(format!("{kind} subjectAltNames are not allowed"));
    if request.organizations() != [NODES] {
        return Some("subject organization is not system:nodes".to_owned());
    }
    if request.has(is_dns) {
        return not_allowed("DNS");
    }
    if request.has(is_email) {
        return not_allowed("Email");
    }
    if request.has(is_ip) {
        return not_allowed("IP");
    }
    if request.has(is_uri) {
        return not_allowed("URI");
    }
    node_name_refusal(request)
        .or_else(|| usage_refusal(usages, CLIENT_AUTH, "client auth digital signature key encipherment"))
}

fn kubelet_serving_refusal(request: &SigningRequest, usages: &[&str]) -> Option<String> {
    if request.organizations() != [NODES] {
        return Some("subject organization is not system:nodes".to_owned());
    }
    if !request.has(is_dns) && !request.has(is_ip) {
        return Some("DNS or IP subjectAltName is required".to_owned());
    }
    if request.has(is_email) {
        return Some("Email subjectAltNames are not allowed".to_owned());
    }
    if request.has(is_uri) {
        return Some("URI subjectAltNames are not allowed".to_owned());
    }
    node_name_refusal(request)
        .or_else(|| usage_refusal(usages, SERVER_AUTH, "digital signature key encipherment server auth"))
}

fn node_name_refusal(request: &SigningRequest) -> Option<String> {
    let fits = request.common_name().starts_with(NODE_PREFIX);
    (!fits).then(|| format!("subject common name does not begin with {NODE_PREFIX}"))
}

/// Kubelets use their keys for one purpose, and sign with them; older keys encipher too.
fn usage_refusal(usages: &[&str], purpose: &str, shown: &str) -> Option<String> {
    let known = |usage: &&str| [purpose, DIGITAL_SIGNATURE, KEY_ENCIPHERMENT].contains(usage);
    let fits = usages.iter().all(known) && usages.contains(&purpose) && usages.contains(&DIGITAL_SIGNATURE);
    (!fits).then(|| format!("usages did not match [{shown}]"))
}

fn is_dns(name: &AlternativeName) -> bool {
    matches!(name, AlternativeName::Dns(_))
}

fn is_email(name: &AlternativeName) -> bool {
    matches!(name, AlternativeName::Email(_))
}

fn is_ip(name: &AlternativeName) -> bool {
    matches!(name, AlternativeName::Ip(_))
}

fn is_uri(name: &AlternativeName) -> bool {
    matches!(name, AlternativeName::Uri(_))
}

/// Checks that the owner of the key made the request.
fn check_signature(request: &X509CertificationRequest<'_>) -> Result<(), String> {
    const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let info = &request.certification_request_info;
    let key = &info.subject_pki;
    let is_p256 = key.algorithm.parameters.as_ref().is_some_and(|curve| curve.data == P256);
    let name = request.signature_algorithm.algorithm.to_id_string();
    let algorithm: &dyn VerificationAlgorithm = match (name.as_str(), is_p256) {
        ("1.2.840.10045.4.3.2", true) => &signature::ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", true) => &signature::ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.2", false) => &signature::ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", false) => &signature::ECDSA_P384_SHA384_ASN1,
        ("1.3.101.112", _) => &signature::ED25519,
        ("1.2.840.113549.1.1.11", _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        ("1.2.840.113549.1.1.12", _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", _) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (other, _) => return Err(format!("signatures of the algorithm {other} are not supported")),
    };
    UnparsedPublicKey::new(algorithm, key.subject_public_key.data.as_ref())
        .verify(info.raw, request.signature_value.data.as_ref())
        .map_err(|_| {
            let why = match name.as_str() {
                "1.3.101.112" => "x509: Ed25519 verification failure",
                rsa if rsa.starts_with("1.2.840.113549") => "crypto/rsa: verification error",
                _ => "x509: ECDSA verification failure",
            };
            why.to_owned()
        })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
    use rstest::rstest;

    use super::*;

    fn request(organization: &str, name: &str, dns: &str) -> SigningRequest {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, organization);
        if !dns.is_empty() {
            params.subject_alt_names.push(SanType::DnsName(dns.try_into().unwrap()));
        }
        let key = KeyPair::generate().unwrap();
        let pem = params.serialize_request(&key).unwrap().pem().unwrap();
        SigningRequest::read(&STANDARD.encode(pem)).unwrap()
    }

    #[rstest]
    #[case(SignerName::ApiClient, ("dev", "bob", ""), &["client auth"], None)]
    #[case(SignerName::ApiClient, ("dev", "bob", ""), &["server auth"], Some("invalid usage for client certificate: server auth"))]
    #[case(SignerName::ApiClient, ("dev", "bob", ""), &["digital signature"], Some("missing required usage for client certificate: client auth"))]
    #[case(SignerName::KubeletClient, ("system:nodes", "system:node:a", ""), &["client auth", "digital signature"], None)]
    #[case(SignerName::KubeletClient, ("dev", "system:node:a", ""), &["client auth", "digital signature"], Some("subject organization is not system:nodes"))]
    #[case(SignerName::KubeletClient, ("system:nodes", "bob", ""), &["client auth"], Some("subject common name does not begin with system:node:"))]
    #[case(SignerName::KubeletClient, ("system:nodes", "bob", "x"), &["signing"], Some("DNS subjectAltNames are not allowed"))]
    #[case(SignerName::KubeletClient, ("system:nodes", "system:node:a", ""), &["client auth"], Some("usages did not match [client auth digital signature key encipherment]"))]
    #[case(SignerName::KubeletServing, ("system:nodes", "system:node:a", "a"), &["server auth", "digital signature"], None)]
    #[case(SignerName::KubeletServing, ("system:nodes", "system:node:a", ""), &["server auth", "digital signature"], Some("DNS or IP subjectAltName is required"))]
    #[case(SignerName::KubeletServing, ("system:nodes", "system:node:a", "a"), &["client auth"], Some("usages did not match [digital signature key encipherment server auth]"))]
    fn signers_refuse_what_is_not_theirs(
        #[case] signer: SignerName,
        #[case] (organization, name, dns): (&str, &str, &str),
        #[case] usages: &[&str],
        #[case] refusal: Option<&str>,
    ) {
        let found = signer.refusal(&request(organization, name, dns), usages);
        assert_eq!(found.as_deref(), refusal);
    }

    #[rstest]
    #[case(Some(600), "09:40:11", "09:55:11")]
    #[case(Some(7 * 3600), "09:40:11", "16:45:11")]
    #[case(Some(8 * 3600), "09:40:11", "17:40:11")]
    #[case(Some(9 * 3600), "09:40:11", "18:40:11")]
    fn short_certificates_are_good_for_all_their_time(
        #[case] seconds: Option<i64>,
        #[case] start: &str,
        #[case] end: &str,
    ) {
        let at = |time: &str| format!("2026-11-21T{time}Z").parse::<Timestamp>().unwrap();
        let found = validity(seconds.map(SignedDuration::from_secs), at("09:45:11"));
        assert_eq!(found, (at(start), at(end)));
    }

    #[test]
    fn an_issued_certificate_names_the_subject_and_its_other_names() {
        let authority = Authority::ephemeral("test").unwrap();
        let now = Timestamp::now();
        let request = request("dev", "bob", "foo.example.com");
        let pem = request.issue(&authority, &["client auth", "digital signature"], None, now).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&pem.contents).unwrap();
        assert_eq!(certificate.subject().to_string(), "O=dev, CN=bob");
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names, [GeneralName::DNSName("foo.example.com")]);
        assert!(!certificate.is_ca());
        assert_eq!(certificate.public_key().raw, request.public_key);
    }

    #[test]
    fn requests_that_someone_changed_are_refused() {
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        let mut der = csr.der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        let pem = super::super::der::pem("CERTIFICATE REQUEST", &der);
        assert!(SigningRequest::read(&STANDARD.encode(pem)).is_err());
        assert!(SigningRequest::read("%").is_err());
        assert!(SigningRequest::read(&STANDARD.encode("hello")).is_err());
    }
}

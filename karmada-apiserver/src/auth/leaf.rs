//! Certificates below the authority: what they say, and their encoding (RFC 5280).

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

use super::der;

const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// The bits of a key usage that certificates of this server use.
pub(crate) const DIGITAL_SIGNATURE: u16 = 0x8000;
pub(crate) const KEY_ENCIPHERMENT: u16 = 0x2000;

/// `serverAuth` and `clientAuth`, encoded.
pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Another name of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AlternativeName {
    Email(String),
    Dns(String),
    Uri(String),
    /// Four or sixteen bytes.
    Ip(Vec<u8>),
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Encoded name.
    pub(crate) subject: Vec<u8>,
    /// Encoded `SubjectPublicKeyInfo`.
    pub(crate) public_key: Vec<u8>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key_usage: u16,
    /// Encoded identifiers.
    pub(crate) purposes: Vec<&'static [u8]>,
    pub(crate) names: Vec<AlternativeName>,
}

/// The name and key that certificates are issued with.
pub(super) struct Signing<'a> {
    pub(super) issuer: &'a [u8],
    /// Identifier of the issuer's key, empty when its certificate has none.
    pub(super) key_id: &'a [u8],
    pub(super) key: &'a rcgen::KeyPair,
}

impl Leaf {
    /// Encodes and signs the certificate.
    pub(super) fn sign(&self, signing: &Signing<'_>) -> Result<Vec<u8>, rcgen::Error> {
        use rcgen::SigningKey as _;
        let algorithm = algorithm(signing.key)?;
        let mut serial = [0; 16];
        SystemRandom::new().fill(&mut serial).map_err(|_| rcgen::Error::RingUnspecified)?;
        // Positive, and never shorter than the rest.
        serial[0] = serial[0] & 0x7f | 0x40;
        let body = der::sequence(&[
            der::explicit(0, &der::unsigned(&[2])),
            der::unsigned(&serial),
            algorithm.clone(),
            signing.issuer.to_vec(),
            der::sequence(&[der::time(self.not_before), der::time(self.not_after)]),
            self.subject.clone(),
            self.public_key.clone(),
            der::explicit(3, &der::sequence(&self.extensions(signing.key_id))),
        ]);
        let signature = signing.key.sign(&body)?;
        Ok(der::sequence(&[body, algorithm, der::bits(&signature)]))
    }

    fn extensions(&self, key_id: &[u8]) -> Vec<Vec<u8>> {
        let mut extensions = Vec::new();
        let mut add = |identifier: &[u8], critical: bool, content: Vec<u8>| {
            let mut parts = vec![der::identifier(identifier)];
            if critical {
                parts.push(der::boolean(true));
            }
            parts.push(der::octets(&content));
            extensions.push(der::sequence(&parts));
        };
        if self.key_usage != 0 {
            add(KEY_USAGE, true, der::named_bits(self.key_usage));
        }
        if !self.purposes.is_empty() {
            let purposes: Vec<Vec<u8>> = self.purposes.iter().map(|p| der::identifier(p)).collect();
            add(EXTENDED_KEY_USAGE, false, der::sequence(&purposes));
        }
        add(BASIC_CONSTRAINTS, true, der::sequence(&[]));
        if !key_id.is_empty() {
            add(AUTHORITY_KEY, false, der::sequence(&[der::context(0, key_id)]));
        }
        if !self.names.is_empty() {
            let names: Vec<Vec<u8>> = self.names.iter().map(AlternativeName::encode).collect();
            // Without a subject, the other names are all there is.
            let critical = self.subject == der::sequence(&[]);
            add(SUBJECT_NAMES, critical, der::sequence(&names));
        }
        extensions
    }
}

impl AlternativeName {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => der::context(1, text.as_bytes()),
            Self::Dns(text) => der::context(2, text.as_bytes()),
            Self::Uri(text) => der::context(6, text.as_bytes()),
            Self::Ip(bytes) => der::context(7, bytes),
        }
    }
}

/// Encodes the name of a user and its groups.
pub(super) fn user_name(user: &str, groups: &[&str]) -> Vec<u8> {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    name(&[(ORGANIZATION, groups), (COMMON_NAME, vec![user.to_owned()])])
}

/// Encodes a name: attributes (encoded identifier and values) in this order, those without values left out.
pub(crate) fn name(attributes: &[(&[u8], Vec<String>)]) -> Vec<u8> {
    let sets: Vec<Vec<u8>> = attributes
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(identifier, values)| {
            let pair = |value: &String| der::sequence(&[der::identifier(identifier), der::text(value)]);
            der::set(values.iter().map(pair).collect())
        })
        .collect();
    der::sequence(&sets)
}

/// Returns the encoded identifier of the signatures that a key makes.
fn algorithm(key: &rcgen::KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let known = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, ECDSA_SHA256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, ECDSA_SHA384),
        (&rcgen::PKCS_ED25519, ED25519),
    ];
    if let Some((_, identifier)) = known.iter().find(|(algorithm, _)| key.is_compatible(algorithm)) {
        return Ok(der::sequence(&[der::identifier(identifier)]));
    }
    if key.is_compatible(&rcgen::PKCS_RSA_SHA256) {
        const NULL: [u8; 2] = [5, 0];
        return Ok(der::sequence(&[der::identifier(RSA_SHA256), NULL.to_vec()]));
    }
    Err(rcgen::Error::UnsupportedSignatureAlgorithm)
}

//! What a client certificate is worth.
//!
//! A handshake takes every certificate whose key the client holds, as the real server does: a stranger is answered with
//! 401, and may still prove itself by a token.

use http::Extensions;
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::request::{PeerUser, certificate_user};
use super::user::UserInfo;

/// No chain of client certificates is longer, nor its certificates larger.
const LONGEST_CHAIN: usize = 10;
const LARGEST: usize = 64 * 1024;

/// Marks a request whose client certificate is not accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForeignPeer;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// It showed no certificate, or one that names nobody.
    Unnamed,
    /// Its certificate is not accepted.
    Foreign,
    Known {
        user: UserInfo,
        not_before: Timestamp,
        not_after: Timestamp,
    },
}

impl Peer {
    /// Reads a chain that `verify` accepts.
    pub(super) fn of_chain(
        chain: &[CertificateDer<'_>],
        verify: impl FnOnce(&CertificateDer<'_>, &[CertificateDer<'_>]) -> Result<(), rustls::Error>,
    ) -> Self {
        let Some((own, intermediates)) = chain.split_first() else { return Self::Unnamed };
        if chain.len() > LONGEST_CHAIN || chain.iter().any(|certificate| certificate.len() > LARGEST) {
            return Self::Foreign;
        }
        if let Err(error) = verify(own, intermediates) {
            tracing::debug!(error = &error as &dyn std::error::Error, "a client certificate is not accepted");
            return Self::Foreign;
        }
        let mut window = (Timestamp::MIN, Timestamp::MAX);
        for certificate in chain {
            let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else {
                return Self::Foreign;
            };
            let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp());
            let validity = parsed.validity();
            let (Ok(start), Ok(end)) = (at(validity.not_before), at(validity.not_after)) else {
                return Self::Foreign;
            };
            window = (window.0.max(start), window.1.min(end));
        }
        match certificate_user(own) {
            Some(user) => Self::Known { user, not_before: window.0, not_after: window.1 },
            None => Self::Unnamed,
        }
    }

    /// Tells a request who sent it. Connections may outlive certificates.
    pub(crate) fn mark(&self, extensions: &mut Extensions, now: Timestamp) {
        match self {
            Self::Known { user, not_before, not_after } if *not_before <= now && now <= *not_after => {
                extensions.insert(PeerUser(user.clone()));
            }
            Self::Known { .. } | Self::Foreign => {
                extensions.insert(ForeignPeer);
            }
            Self::Unnamed => {}
        }
    }
}

/// Takes every certificate whose key the client holds.
#[derive(Debug)]
pub(super) struct AnyClient {
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    /// Names of the authorities whose certificates are worth showing.
    pub(super) hints: Vec<DistinguishedName>,
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

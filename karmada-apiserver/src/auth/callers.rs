//! Who calls a server that stands beside an API server: by a client certificate, or named by a trusted proxy.

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::authority::AuthError;
use super::front_proxy::FrontProxy;
use super::peer::{is_excessive, roots, verifier, verifies, window};
use super::request::certificate_user;
use super::user::UserInfo;

/// Who is trusted to say who calls.
#[derive(Debug)]
pub struct Callers {
    clients: Option<Arc<dyn ClientCertVerifier>>,
    proxy: Option<Arc<dyn ClientCertVerifier>>,
    front: FrontProxy,
}

/// Who calls, as far as certificates tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Known(UserInfo),
    /// There is no certificate, or it names nobody.
    Unnamed,
    /// There is a certificate, and nobody trusted vouches for it.
    Foreign,
}

impl Callers {
    /// Trusts certificates that the authorities of `client_ca_pem` signed, and the proxy.
    ///
    /// Where a PEM text is empty, nobody is trusted in that way.
    ///
    /// # Errors
    /// When a text holds something else than certificates.
    pub fn new(client_ca_pem: &str, front: FrontProxy) -> Result<Self, AuthError> {
        let trusted = |pem: &str| match pem.trim() {
            "" => Ok(None),
            pem => verifier(roots(pem)?).map(Some),
        };
        Ok(Self { clients: trusted(client_ca_pem)?, proxy: trusted(&front.ca_pem)?, front })
    }

    /// Finds out who sent a request over a connection whose other end showed these certificates.
    pub fn identify(&self, chain: &[CertificateDer<'_>], headers: &HeaderMap, now: Timestamp) -> Caller {
        let Some(own) = chain.first() else { return Caller::Unnamed };
        if is_excessive(chain) || !window(chain).is_some_and(|(from, to)| from <= now && now <= to) {
            return Caller::Foreign;
        }
        let is_signed = |by: &Option<Arc<dyn ClientCertVerifier>>| {
            by.as_ref().is_some_and(|verifier| verifies(verifier, chain, now))
        };
        if is_signed(&self.proxy)
            && self.front.allows(own)
            && let Some(user) = self.front.user(headers)
        {
            return Caller::Known(user);
        }
        if is_signed(&self.clients) {
            return certificate_user(own).map_or(Caller::Unnamed, Caller::Known);
        }
        Caller::Foreign
    }
}

/// Takes every certificate of a client whose key it holds; what it is worth is asked afterwards ([`Callers`]).
///
/// It names no authorities, so that clients need not know which ones are trusted at the moment.
#[derive(Clone, Copy, Debug)]
pub struct AnyCertificate(WebPkiSupportedAlgorithms);

impl Default for AnyCertificate {
    fn default() -> Self {
        Self(rustls::crypto::ring::default_provider().signature_verification_algorithms)
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
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
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;

    use super::super::Authority;
    use super::*;

    fn chain(authority: &Authority, name: &str) -> Vec<CertificateDer<'static>> {
        let (certificate, _) = authority.client_certificate(name, &["g"]).unwrap();
        CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect()
    }

    #[test]
    fn the_proxy_names_callers_and_others_name_themselves() {
        let (clients, proxies) =
            (Authority::ephemeral("own").unwrap(), Authority::ephemeral("other").unwrap());
        let front = FrontProxy {
            ca_pem: proxies.pem().to_owned(),
            allowed_names: vec!["front".to_owned()],
            ..FrontProxy::default()
        };
        let callers = Callers::new(clients.pem(), front).unwrap();
        let now = Timestamp::now();
        let mut headers = HeaderMap::new();
        headers.insert("x-remote-user", "jane".parse().unwrap());
        let name = |chain: &[CertificateDer<'_>]| match callers.identify(chain, &headers, now) {
            Caller::Known(user) => user.name,
            other => format!("{other:?}"),
        };
        assert_eq!(name(&chain(&proxies, "front")), "jane");
        assert_eq!(name(&chain(&proxies, "someone")), "Foreign");
        assert_eq!(name(&chain(&clients, "front")), "front");
        assert_eq!(name(&[]), "Unnamed");
        let later = now + jiff::SignedDuration::from_hours(24 * 3650);
        assert_eq!(callers.identify(&chain(&clients, "a"), &headers, later), Caller::Foreign);
        let nobody = Callers::new("", FrontProxy::default()).unwrap();
        assert_eq!(nobody.identify(&chain(&clients, "a"), &headers, now), Caller::Foreign);
        assert!(Callers::new("-----BEGIN CERTIFICATE-----\nnothing", FrontProxy::default()).is_err());
    }
}

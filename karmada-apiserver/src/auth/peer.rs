//! What a client certificate is worth.
//!
//! A handshake takes every certificate whose key the client holds, as the real server does: a stranger is answered with
//! 401, and may still prove itself by a token.

use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};

use super::authority::AuthError;
use super::front_proxy::{FromProxy, FrontProxy};
use super::request::{PeerUser, certificate_user};
use super::user::UserInfo;

/// No chain of client certificates is longer, nor its certificates larger.
const LONGEST_CHAIN: usize = 10;
const LARGEST: usize = 64 * 1024;

/// Marks a request whose client certificate is not accepted as a client's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForeignPeer;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// It showed no certificate.
    Unnamed,
    /// Its certificate is not accepted.
    Foreign,
    Known {
        identity: Identity,
        not_before: Timestamp,
        not_after: Timestamp,
    },
}

/// What an accepted certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A client's; it may name nobody.
    Client(Option<UserInfo>),
    /// The trusted proxy's, which is no client's.
    Proxy,
    /// The trusted proxy's, signed by the clients' authority too.
    ProxyAndClient(Option<UserInfo>),
}

impl Peer {
    /// Tells a request who sent it. Connections may outlive certificates.
    pub(crate) fn mark(&self, extensions: &mut Extensions, now: Timestamp) {
        let identity = match self {
            Self::Unnamed => return,
            Self::Known { identity, not_before, not_after } if *not_before <= now && now <= *not_after => {
                identity
            }
            Self::Known { .. } | Self::Foreign => {
                extensions.insert(ForeignPeer);
                return;
            }
        };
        if matches!(identity, Identity::Proxy | Identity::ProxyAndClient(_)) {
            extensions.insert(FromProxy);
        }
        match identity {
            Identity::Client(Some(user)) | Identity::ProxyAndClient(Some(user)) => {
                extensions.insert(PeerUser(user.clone()));
            }
            // Where it names nobody, a proxy is a stranger.
            Identity::Proxy => {
                extensions.insert(ForeignPeer);
            }
            Identity::Client(None) | Identity::ProxyAndClient(None) => {}
        }
    }
}

/// Who a client certificate is from.
#[derive(Debug)]
pub(crate) struct PeerVerifier {
    clients: Arc<dyn ClientCertVerifier>,
    proxy: Option<(FrontProxy, Arc<dyn ClientCertVerifier>)>,
    hints: Vec<DistinguishedName>,
}

impl PeerVerifier {
    /// Trusts the certificates that `authority` signed as clients, and those of the proxy as a proxy.
    pub(crate) fn new(authority: RootCertStore, proxy: Option<&FrontProxy>) -> Result<Self, AuthError> {
        let proxy = proxy.filter(|proxy| !proxy.ca_pem.is_empty());
        let proxy = match proxy {
            Some(proxy) => Some((proxy.clone(), verifier(roots(&proxy.ca_pem)?)?)),
            None => None,
        };
        let clients = verifier(authority)?;
        let mut hints = clients.root_hint_subjects().to_vec();
        if let Some((_, proxy)) = &proxy {
            hints.extend_from_slice(proxy.root_hint_subjects());
        }
        Ok(Self { clients, proxy, hints })
    }

    /// Finds out what the certificates of a connection's other end are worth.
    pub(crate) fn peer(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Peer {
        let Some(own) = chain.first() else { return Peer::Unnamed };
        if is_excessive(chain) {
            return Peer::Foreign;
        }
        let is_client = verifies(&self.clients, chain, now);
        let is_proxy = self
            .proxy
            .as_ref()
            .is_some_and(|(proxy, verifier)| verifies(verifier, chain, now) && proxy.allows(own));
        let identity = match (is_client, is_proxy) {
            (true, true) => Identity::ProxyAndClient(certificate_user(own)),
            (true, false) => Identity::Client(certificate_user(own)),
            (false, true) => Identity::Proxy,
            (false, false) => return Peer::Foreign,
        };
        match window(chain) {
            Some((not_before, not_after)) => Peer::Known { identity, not_before, not_after },
            None => Peer::Foreign,
        }
    }
}

/// Reads the authorities in a PEM text.
pub(super) fn roots(pem: &str) -> Result<RootCertStore, AuthError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| AuthError::Tls(error.to_string().into()))?;
        roots.add(certificate).map_err(|error| AuthError::Tls(error.into()))?;
    }
    Ok(roots)
}

/// Whether a chain is larger than any that is meant well.
pub(super) fn is_excessive(chain: &[CertificateDer<'_>]) -> bool {
    chain.len() > LONGEST_CHAIN || chain.iter().any(|certificate| certificate.len() > LARGEST)
}

/// Returns when all certificates of a chain are good.
pub(super) fn window(chain: &[CertificateDer<'_>]) -> Option<(Timestamp, Timestamp)> {
    let mut window = (Timestamp::MIN, Timestamp::MAX);
    for certificate in chain {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        let validity = parsed.validity();
        window = (window.0.max(at(validity.not_before)?), window.1.min(at(validity.not_after)?));
    }
    Some(window)
}

pub(super) fn verifier(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, AuthError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| AuthError::Tls(error.into()))
}

pub(super) fn verifies(
    verifier: &Arc<dyn ClientCertVerifier>,
    chain: &[CertificateDer<'_>],
    now: Timestamp,
) -> bool {
    let Some((first, rest)) = chain.split_first() else { return false };
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier.verify_client_cert(first, rest, now).is_ok()
}

impl ClientCertVerifier for PeerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// Takes every certificate: what it is worth is asked after the handshake, by [`PeerVerifier::peer`].
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
        self.clients.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.clients.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.clients.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Authority;
    use super::*;

    fn chain(authority: &Authority, name: &str) -> Vec<CertificateDer<'static>> {
        let (certificate, _) = authority.client_certificate(name, &[]).unwrap();
        CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect()
    }

    #[test]
    fn only_the_proxys_certificate_makes_a_proxy_and_no_client() {
        let (own, other) = (Authority::ephemeral("own").unwrap(), Authority::ephemeral("other").unwrap());
        let proxy = FrontProxy {
            ca_pem: other.pem().to_owned(),
            allowed_names: vec!["front".to_owned()],
            ..FrontProxy::default()
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(own.pem().as_bytes()).unwrap()).unwrap();
        let verifier = PeerVerifier::new(roots, Some(&proxy)).unwrap();
        let (client, front, stranger) =
            (chain(&own, "front"), chain(&other, "front"), chain(&other, "someone"));
        let now = Timestamp::now();
        let identity = |chain: &[CertificateDer<'_>]| match verifier.peer(chain, now) {
            Peer::Known { identity, .. } => Some(identity),
            _ => None,
        };
        assert!(matches!(identity(&client), Some(Identity::Client(Some(user))) if user.name == "front"));
        assert_eq!(identity(&front), Some(Identity::Proxy));
        assert_eq!(identity(&stranger), None);
        let mut extensions = Extensions::new();
        verifier.peer(&front, now).mark(&mut extensions, now);
        assert!(extensions.get::<FromProxy>().is_some() && extensions.get::<PeerUser>().is_none());
    }
}

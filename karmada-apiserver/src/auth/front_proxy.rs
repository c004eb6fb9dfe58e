//! Callers that a trusted proxy in front of this server names.

use std::sync::Arc;

use http::HeaderMap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};

use super::authority::AuthError;
use super::request::certificate_user;
use super::user::{AUTHENTICATED, UserInfo};

/// Which proxy is trusted, and in which headers it names the caller.
///
/// The names of headers count in the given order: the first that has a value is the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontProxy {
    /// Certificates of those who sign the proxy's, as PEM; none: the callers in this process alone may be proxies.
    pub ca_pem: String,
    /// Common names that the proxy's certificate may have; any when empty.
    pub allowed_names: Vec<String>,
    pub user_headers: Vec<String>,
    pub uid_headers: Vec<String>,
    pub group_headers: Vec<String>,
    pub extra_prefixes: Vec<String>,
}

impl Default for FrontProxy {
    fn default() -> Self {
        Self {
            ca_pem: String::new(),
            allowed_names: Vec::new(),
            user_headers: vec!["X-Remote-User".to_owned()],
            uid_headers: Vec::new(),
            group_headers: vec!["X-Remote-Group".to_owned()],
            extra_prefixes: vec!["X-Remote-Extra-".to_owned()],
        }
    }
}

/// Marks a request that the trusted proxy sent; set among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct FromProxy;

impl FrontProxy {
    /// Returns the caller that the headers name, `None` when they name none.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Option<UserInfo> {
        let first = |names: &[String]| {
            let values = names.iter().filter_map(|name| headers.get(name.as_str())?.to_str().ok());
            values.map(str::to_owned).find(|value| !value.is_empty())
        };
        let mut user = UserInfo { name: first(&self.user_headers)?, ..UserInfo::default() };
        user.uid = first(&self.uid_headers).unwrap_or_default();
        for name in &self.group_headers {
            let values = headers.get_all(name.as_str()).iter().filter_map(|value| value.to_str().ok());
            user.groups.extend(values.map(str::to_owned));
        }
        let prefixes: Vec<String> =
            self.extra_prefixes.iter().map(|prefix| prefix.to_ascii_lowercase()).collect();
        for (name, value) in headers {
            let key = prefixes.iter().find_map(|prefix| name.as_str().strip_prefix(prefix.as_str()));
            if let (Some(key), Ok(value)) = (key, value.to_str()) {
                let key = crate::http::query::percent_decode(key);
                user.extra.entry(key).or_default().push(value.to_owned());
            }
        }
        if !user.is_in(AUTHENTICATED) {
            user.groups.push(AUTHENTICATED.to_owned());
        }
        Some(user)
    }

    fn allows(&self, certificate: &CertificateDer<'_>) -> bool {
        self.allowed_names.is_empty()
            || certificate_user(certificate).is_some_and(|user| self.allowed_names.contains(&user.name))
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
            Some(proxy) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(proxy.ca_pem.as_bytes()) {
                    let certificate =
                        certificate.map_err(|error| AuthError::Tls(error.to_string().into()))?;
                    roots.add(certificate).map_err(|error| AuthError::Tls(error.into()))?;
                }
                Some((proxy.clone(), verifier(roots)?))
            }
            None => None,
        };
        let clients = verifier(authority)?;
        let mut hints = clients.root_hint_subjects().to_vec();
        if let Some((_, proxy)) = &proxy {
            hints.extend_from_slice(proxy.root_hint_subjects());
        }
        Ok(Self { clients, proxy, hints })
    }

    /// Whether a chain, already accepted in a handshake, names a client of this server.
    pub(crate) fn is_client(&self, chain: &[CertificateDer<'_>]) -> bool {
        verifies(&self.clients, chain)
    }

    /// Whether a chain, already accepted in a handshake, is the proxy's.
    pub(crate) fn is_proxy(&self, chain: &[CertificateDer<'_>]) -> bool {
        self.proxy.as_ref().is_some_and(|(proxy, verifier)| {
            verifies(verifier, chain) && chain.first().is_some_and(|certificate| proxy.allows(certificate))
        })
    }
}

fn verifier(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, AuthError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|error| AuthError::Tls(error.into()))
}

fn verifies(verifier: &Arc<dyn ClientCertVerifier>, chain: &[CertificateDer<'_>]) -> bool {
    let Some((first, rest)) = chain.split_first() else { return false };
    verifier.verify_client_cert(first, rest, UnixTime::now()).is_ok()
}

impl ClientCertVerifier for PeerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let as_client = self.clients.verify_client_cert(end_entity, intermediates, now);
        match (&as_client, &self.proxy) {
            (Err(_), Some((_, proxy))) => proxy.verify_client_cert(end_entity, intermediates, now),
            _ => as_client,
        }
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

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn headers_name_the_caller() {
        let headers = headers(&[
            ("x-remote-user", "jane"),
            ("x-remote-group", "a"),
            ("x-remote-group", "b"),
            ("x-remote-extra-scopes", "view"),
            ("x-remote-extra-acme.com%2fproject", "x"),
        ]);
        let user = FrontProxy::default().user(&headers).unwrap();
        assert_eq!(
            (user.name.as_str(), user.groups.join(",")),
            ("jane", "a,b,system:authenticated".to_owned())
        );
        assert_eq!(user.extra["acme.com/project"], ["x"]);
        assert_eq!(FrontProxy::default().user(&HeaderMap::new()), None);
    }

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
        assert!(verifier.is_client(&client) && !verifier.is_proxy(&client));
        assert!(!verifier.is_client(&front) && verifier.is_proxy(&front));
        assert!(!verifier.is_client(&stranger) && !verifier.is_proxy(&stranger));
    }
}

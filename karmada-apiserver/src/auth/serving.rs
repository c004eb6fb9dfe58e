//! The certificate that the server shows: made when the first client comes, and again before it expires.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::authority::{AuthError, Issuing, LIFETIME, SKEW};
use super::leaf::{self, AlternativeName, Leaf};
use crate::clock::Clock;

/// How long before its end a certificate is replaced.
const RENEWAL: SignedDuration = SignedDuration::from_hours(24 * 90);
const SERVER_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Keeps a server certificate that is in force.
pub(super) struct Serving {
    issuing: Arc<Issuing>,
    names: Vec<AlternativeName>,
    clock: Clock,
    current: Mutex<Option<Current>>,
}

#[derive(Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    not_before: Timestamp,
    renew_at: Timestamp,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Serving {
    /// Makes the first certificate, for these addresses and names (which may be addresses too) besides the local ones.
    pub(super) fn new(
        issuing: Arc<Issuing>,
        addresses: &[IpAddr],
        further: &[String],
        clock: Clock,
    ) -> Result<Self, AuthError> {
        let mut names: Vec<AlternativeName> =
            SERVER_NAMES.iter().map(|name| AlternativeName::Dns((*name).to_owned())).collect();
        let mut addresses = addresses.to_vec();
        for name in further {
            match name.parse() {
                Ok(address) => addresses.push(address),
                Err(_) if SERVER_NAMES.contains(&name.as_str()) => {}
                Err(_) => names.push(AlternativeName::Dns(name.clone())),
            }
        }
        let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let others = addresses.iter().filter(|a| !a.is_unspecified() && !local.contains(a));
        for address in local.iter().chain(others) {
            names.push(AlternativeName::Ip(match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            }));
        }
        let serving = Self { issuing, names, clock, current: Mutex::new(None) };
        let first = serving.issue(serving.clock.now())?;
        *serving.current.lock() = Some(first);
        Ok(serving)
    }

    fn issue(&self, now: Timestamp) -> Result<Current, AuthError> {
        let key = KeyPair::generate().map_err(AuthError::Certificate)?;
        let (not_before, not_after) = (now - SKEW, self.issuing.cap(now + LIFETIME));
        let leaf = Leaf {
            subject: leaf::user_name("kube-apiserver", &[]),
            public_key: key.subject_public_key_info(),
            not_before,
            not_after,
            key_usage: leaf::DIGITAL_SIGNATURE | leaf::KEY_ENCIPHERMENT,
            purposes: vec![leaf::SERVER_AUTH],
            names: self.names.clone(),
        };
        let certificate = CertificateDer::from(self.issuing.sign(&leaf)?);
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing = rustls::crypto::ring::sign::any_supported_type(&private)
            .map_err(|error| AuthError::Tls(error.into()))?;
        let key = CertifiedKey::new(vec![certificate, self.issuing.der.clone()], signing);
        Ok(Current { key: Arc::new(key), not_before, renew_at: not_after - RENEWAL })
    }

    /// Returns the certificate of this moment.
    fn certificate(&self) -> Option<Arc<CertifiedKey>> {
        let now = self.clock.now();
        let mut current = self.current.lock();
        // A clock that was set back makes a certificate useless too.
        let fresh = current.as_ref().is_some_and(|c| c.not_before <= now && now < c.renew_at);
        if !fresh {
            match self.issue(now) {
                Ok(renewed) => {
                    tracing::info!("the server's certificate was renewed");
                    *current = Some(renewed);
                }
                // The old one may still be good.
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the server's certificate cannot be renewed"
                    );
                }
            }
        }
        current.as_ref().map(|current| current.key.clone())
    }
}

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certificate()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::super::authority::Authority;
    use super::*;

    #[test]
    fn a_certificate_is_replaced_before_it_expires_and_the_authority_stays() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let day = Arc::new(AtomicI64::new(0));
        let days = day.clone();
        let clock = Clock::new(move || start + SignedDuration::from_hours(24 * days.load(Ordering::SeqCst)));
        let authority = Authority::ephemeral("test").unwrap().with_clock(clock.clone());
        let serving = Serving::new(authority.issuing(), &[], &[], clock).unwrap();
        let shown = || serving.certificate().unwrap().cert.clone();
        let first = shown();
        day.store(200, Ordering::SeqCst);
        assert_eq!(shown(), first);
        day.store(300, Ordering::SeqCst);
        let second = shown();
        assert_ne!(second, first);
        assert_eq!(shown(), second);
        // The authority's own certificate goes with both.
        assert_eq!(second[1], first[1]);
        let (_, parsed) = x509_parser::parse_x509_certificate(&second[0]).unwrap();
        assert!(
            parsed.validity().not_after.timestamp()
                > (start + SignedDuration::from_hours(24 * 600)).as_second()
        );
        day.store(-10, Ordering::SeqCst);
        assert_ne!(shown(), second);
    }
}

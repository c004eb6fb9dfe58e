//! TLS to webhooks: trust, and its errors in the words that operators know.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

/// Returns the configuration of connections that trust a bundle, or the system's authorities.
///
/// # Errors
/// With the words of the real server when nothing of the bundle can be used.
pub(super) fn configure(bundle: Option<&[u8]>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let mut trusted = Vec::new();
    match bundle {
        Some(bundle) => {
            for certificate in CertificateDer::pem_slice_iter(bundle).flatten() {
                // A certificate that is of no use does not spoil the others.
                roots.add(certificate.clone()).ok();
                trusted.push(certificate);
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(match bundle {
            Some(_) => "unable to load root certificates: unable to parse bytes as PEM block".to_owned(),
            None => {
                "tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned()
            }
        });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { inner, trusted, provider }))
        .with_no_client_auth();
    Ok(config)
}

/// Verifies as usual, and takes a server's certificate that is itself the trusted one.
///
/// Webhooks often have a single self-signed certificate that may sign others too. The usual rules of this library
/// refuse to see one as a server's; those of the real server's library do not.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result {
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.trusted.contains(end_entity) =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                if is_valid_at(end_entity, now) {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(CertificateError::Expired.into())
                }
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_valid_at(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    let time = i64::try_from(now.as_secs()).ok().and_then(|seconds| ASN1Time::from_timestamp(seconds).ok());
    match (X509Certificate::from_der(certificate), time) {
        (Ok((_, certificate)), Some(time)) => certificate.validity().is_valid_at(time),
        _ => false,
    }
}

/// Says why a handshake failed.
pub(super) fn explain(error: &std::io::Error, server_name: &str) -> String {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
            std::io::ErrorKind::ConnectionReset => "read: connection reset by peer".to_owned(),
            _ => error.to_string(),
        };
    };
    match error {
        rustls::Error::InvalidCertificate(why) => {
            format!("tls: failed to verify certificate: x509: {}", certificate_problem(why, server_name))
        }
        rustls::Error::InvalidMessage(_) => "tls: first record does not look like a TLS handshake".to_owned(),
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {alert:?}"),
        other => format!("tls: {other}"),
    }
}

fn certificate_problem(error: &CertificateError, server_name: &str) -> String {
    match error {
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("certificate is valid for {}, not {server_name}", names(presented).join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("certificate is not valid for any names, but wanted to match {server_name}")
        }
        CertificateError::Expired
        | CertificateError::NotValidYet
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYetContext { .. } => {
            "certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate specifies an incompatible key usage".to_owned()
        }
        _ => "certificate signed by unknown authority".to_owned(),
    }
}

/// Returns the names of a certificate without what the library puts around them.
fn names(presented: &[String]) -> Vec<String> {
    let inner = |name: &String| {
        let start = name.find(['(', '"']).map_or(0, |start| start + 1);
        name[start..].trim_matches(['(', ')', '"']).to_owned()
    };
    presented.iter().map(inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_certificates_are_shown_bare() {
        let presented = ["DnsName(\"other.example.com\")".to_owned(), "IpAddress(127.0.0.1)".to_owned()];
        assert_eq!(names(&presented), ["other.example.com", "127.0.0.1"]);
    }

    #[test]
    fn a_bundle_without_certificates_is_of_no_use() {
        assert!(configure(Some(b"not PEM")).is_err());
    }
}

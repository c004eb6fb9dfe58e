//! TLS to webhooks: trust, and its errors in the words that operators know.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Returns the configuration of connections that trust a bundle, or the system's authorities.
///
/// # Errors
/// With the words of the real server when nothing of the bundle can be used.
pub(super) fn configure(bundle: Option<&[u8]>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match bundle {
        Some(bundle) => {
            for certificate in CertificateDer::pem_slice_iter(bundle).flatten() {
                // A certificate that is of no use does not spoil the others.
                roots.add(certificate).ok();
            }
            if roots.is_empty() {
                return Err("unable to load root certificates: unable to parse bytes as PEM block".to_owned());
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
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
        CertificateError::NotValidForName => {
            format!("certificate is not valid for any names, but wanted to match {server_name}")
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("certificate is valid for {}, not {server_name}", names(presented).join(", "))
        }
        CertificateError::NotValidForNameContext { .. } => {
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

/// Returns the names of a certificate without what rustls puts around them.
fn names(presented: &[String]) -> Vec<String> {
    let inner = |name: &String| {
        let start = name.find(['(', '"']).map_or(0, |start| start + 1);
        name[start..].trim_matches(['(', ')', '"']).to_owned()
    };
    presented.iter().map(inner).collect()
}

//! Certificate signing requests.

use base64::Engine as _;
use serde_json::Value;

use super::super::field_error::FieldError;
use super::fields::{check_immutable, check_required, items, text};

const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// Shortest life of a certificate that may be asked for, in seconds.
const SHORTEST: i64 = 600;

/// Returns what is wrong with a request.
pub(super) fn validate(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if let Some(problem) = request_problem(text(spec, "request")) {
        errors.push(FieldError::invalid("spec.request", &spec["request"], problem));
    }
    let usages = items(spec, "usages");
    if usages.is_empty() {
        errors.push(FieldError::required("spec.usages", ""));
    }
    for (index, usage) in usages.iter().enumerate() {
        if !USAGES.contains(&usage.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported(format!("spec.usages[{index}]"), usage, USAGES));
        }
        if usages.iter().take(index).any(|earlier| earlier == usage) {
            errors.push(FieldError::duplicate(format!("spec.usages[{index}]"), usage));
        }
    }
    check_required(spec, "signerName", "spec", "", &mut errors);
    if let Some(problem) = signer_problem(text(spec, "signerName")) {
        errors.push(FieldError::invalid("spec.signerName", &spec["signerName"], problem));
    }
    if spec["expirationSeconds"].as_i64().is_some_and(|seconds| seconds < SHORTEST) {
        let why = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(FieldError::invalid("spec.expirationSeconds", &spec["expirationSeconds"], why));
    }
    if let Some(old) = old {
        for field in ["request", "signerName", "usages", "expirationSeconds"] {
            check_immutable(spec, &old["spec"], field, "spec", &mut errors);
        }
    }
    errors
}

/// Says what is wrong with the name of a signer: a domain, a slash and a path.
fn signer_problem(name: &str) -> Option<&'static str> {
    if name == "kubernetes.io/legacy-unknown" {
        return Some("the legacy signerName is not allowed via this API version");
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = name.split_once('/').is_some_and(|(domain, path)| {
        domain.contains('.') && domain.split('.').all(label) && path.split('.').all(label)
    });
    (!name.is_empty() && !fits)
        .then_some("must be a fully qualified domain and path of the form 'example.com/signer-name'")
}

fn request_problem(encoded: &str) -> Option<&'static str> {
    const WRONG_BLOCK: &str = "PEM block type must be CERTIFICATE REQUEST";
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let pem = String::from_utf8_lossy(&bytes);
    if !pem.contains("-----BEGIN CERTIFICATE REQUEST-----") {
        return Some(WRONG_BLOCK);
    }
    let Ok((_, block)) = x509_parser::pem::parse_x509_pem(&bytes) else { return Some(WRONG_BLOCK) };
    let parsed =
        <x509_parser::certification_request::X509CertificationRequest<'_> as x509_parser::prelude::FromDer<
            '_,
            x509_parser::error::X509Error,
        >>::from_der(&block.contents);
    parsed.is_err().then_some("asn1: structure error")
}

//! Learning about a control plane with nothing but a token and a pin of its certificate authority.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use karmada_controllers::credentials::{ReadError, public_key_pins};
use kube::{Client, Config};
use ring::hmac;
use serde_json::Value;

use super::bootstrap::{CLUSTER_INFO, PUBLIC_NAMESPACE};
use crate::api_error::ApiError;
use crate::raw;
use crate::token::BootstrapToken;

/// Pause before the first and before every further try.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How the control plane's certificate authority is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pins {
    /// One of these, as `sha256:` and a digest of the public key.
    Only(Vec<String>),
    /// Any: the token alone must do.
    Any,
}

/// Where to look, and what to believe.
#[derive(Clone, Debug)]
pub struct DiscoveryOptions {
    /// Host and port of the control plane.
    pub endpoint: String,
    pub token: BootstrapToken,
    pub pins: Pins,
    pub timeout: Duration,
}

/// What a control plane says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterInfo {
    /// Address of its API server.
    pub server: String,
    /// The certificates that the server's one is checked by, as PEM.
    pub authority: Vec<u8>,
}

/// The control plane could not be found, or is not the right one.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    #[error("{endpoint:?} is not the address of a control plane, such as 10.0.0.1:5443")]
    Endpoint { endpoint: String },
    #[error("cannot make a client for {endpoint}")]
    Client {
        endpoint: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("{endpoint} did not describe itself within {} seconds", .waited.as_secs())]
    Timeout {
        endpoint: String,
        waited: Duration,
        #[source]
        source: Box<Self>,
    },
    #[error("cannot read the description of the control plane at {endpoint}")]
    Read {
        endpoint: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error("there is no ConfigMap {PUBLIC_NAMESPACE}/{CLUSTER_INFO} at {endpoint}")]
    Missing { endpoint: String },
    #[error(
        "the description is not signed with the token {id}: it is unknown there, ended, or not for signing"
    )]
    NotSigned { id: String },
    #[error("the description is not signed by who knows the token {id}: somebody may be in between")]
    WrongSignature { id: String },
    #[error("the description of the control plane is not usable: {why}")]
    Unusable { why: &'static str },
    #[error("the certificate authority of the control plane cannot be read")]
    Authority(#[source] ReadError),
    #[error("no certificate of the control plane has the given pin: somebody may be in between")]
    WrongPin { found: Vec<String> },
    #[error("the control plane describes itself in two ways: somebody may be in between")]
    Changed,
}

impl DiscoveryError {
    /// Whether another try may help.
    fn is_momentary(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Missing { .. } | Self::NotSigned { .. })
    }
}

/// Reads and checks the description of a control plane.
///
/// It is read from whoever answers, and believed if the token signed it. With a pin it is read again, from whom the
/// pinned authority vouches for.
///
/// # Errors
/// When nothing usable is found in time, or what is found is not the right control plane's.
pub async fn discover(options: &DiscoveryOptions) -> Result<ClusterInfo, DiscoveryError> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match attempt(options).await {
            Err(error) if error.is_momentary() => error,
            other => return other,
        };
        let left = options.timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(DiscoveryError::Timeout {
                endpoint: options.endpoint.clone(),
                waited: options.timeout,
                source: Box::new(error),
            });
        }
        tracing::info!(endpoint = options.endpoint, error = %crate::error::chain_line(&error), "will retry");
        tokio::time::sleep(pause.min(left)).await;
        pause = PAUSE;
    }
}

async fn attempt(options: &DiscoveryOptions) -> Result<ClusterInfo, DiscoveryError> {
    let first = fetch(&options.endpoint, None).await?;
    let text = signed_text(&first, &options.token)?;
    let info = read(&text)?;
    let Pins::Only(pins) = &options.pins else { return Ok(info) };
    let found = public_key_pins(&info.authority).map_err(DiscoveryError::Authority)?;
    if !found.iter().any(|pin| pins.iter().any(|wanted| wanted.eq_ignore_ascii_case(pin))) {
        return Err(DiscoveryError::WrongPin { found });
    }
    let second = fetch(&options.endpoint, Some(&info.authority)).await?;
    if second.pointer("/data/kubeconfig").and_then(Value::as_str) != Some(&text) {
        return Err(DiscoveryError::Changed);
    }
    Ok(info)
}

/// Reads the description; whose certificate is not checked by an authority may be anybody.
async fn fetch(endpoint: &str, authority: Option<&[u8]>) -> Result<Value, DiscoveryError> {
    let host = endpoint.trim_start_matches("https://").trim_end_matches('/');
    let wrong = || DiscoveryError::Endpoint { endpoint: endpoint.to_owned() };
    if host.is_empty() || host.contains(['/', ' ', '@']) {
        return Err(wrong());
    }
    let mut config = Config::new(format!("https://{host}").parse().map_err(|_| wrong())?);
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(ANSWER_TIMEOUT);
    config.default_retry = false;
    match authority {
        Some(pem) => config.root_cert = Some(certificates(pem)?),
        None => config.accept_invalid_certs = true,
    }
    let client = Client::try_from(config).map_err(|source| DiscoveryError::Client {
        endpoint: endpoint.to_owned(),
        source: Box::new(source),
    })?;
    let path = format!("/api/v1/namespaces/{PUBLIC_NAMESPACE}/configmaps/{CLUSTER_INFO}");
    match raw::read(&client, &path).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(DiscoveryError::Missing { endpoint: endpoint.to_owned() }),
        Err(source) => Err(DiscoveryError::Read { endpoint: endpoint.to_owned(), source: Box::new(source) }),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, DiscoveryError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => {
            Ok(certificates.into_iter().map(|certificate| certificate.to_vec()).collect())
        }
        _ => Err(DiscoveryError::Authority(ReadError::Pem)),
    }
}

/// Returns the text of a description if the token signed it.
fn signed_text(description: &Value, token: &BootstrapToken) -> Result<String, DiscoveryError> {
    let data = &description["data"];
    let unusable = |why| DiscoveryError::Unusable { why };
    let text = data["kubeconfig"].as_str().ok_or_else(|| unusable("it holds no kubeconfig"))?;
    let signature = data[format!("jws-kubeconfig-{}", token.id())]
        .as_str()
        .ok_or_else(|| DiscoveryError::NotSigned { id: token.id().to_owned() })?;
    if is_signed(text, signature, token) {
        return Ok(text.to_owned());
    }
    Err(DiscoveryError::WrongSignature { id: token.id().to_owned() })
}

/// Checks a JSON Web Signature without its payload (RFC 7515, appendix F).
fn is_signed(text: &str, signature: &str, token: &BootstrapToken) -> bool {
    let Some((header, tag)) = signature.split_once("..") else { return false };
    let decoded = URL_SAFE_NO_PAD.decode(header).ok();
    let parsed: Option<Value> = decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let is_ours = parsed.is_some_and(|header| header["alg"] == "HS256" && header["kid"] == token.id());
    let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.secret().as_bytes());
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(text));
    is_ours && hmac::verify(&key, message.as_bytes(), &tag).is_ok()
}

fn read(text: &str) -> Result<ClusterInfo, DiscoveryError> {
    let unusable = |why| DiscoveryError::Unusable { why };
    let kubeconfig: Value =
        serde_saphyr::from_str(text).map_err(|_| unusable("its kubeconfig is no YAML"))?;
    let cluster = &kubeconfig["clusters"][0]["cluster"];
    let server = cluster["server"].as_str().filter(|server| !server.is_empty());
    let server = server.ok_or_else(|| unusable("its kubeconfig names no server"))?;
    let authority = cluster["certificate-authority-data"].as_str().unwrap_or_default();
    let authority = STANDARD
        .decode(authority)
        .ok()
        .filter(|pem| !pem.is_empty())
        .ok_or_else(|| unusable("its kubeconfig holds no certificate authority"))?;
    Ok(ClusterInfo { server: server.to_owned(), authority })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // Made by kube-controller-manager.
    const SIGNATURE: &str =
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9..izXnHpTVwI5ymXSs_HpQOFsjrXZPgkTlyxLFftVNqd4";
    const TEXT: &str = "apiVersion: v1\nkind: Config\n";

    fn check(key: &str, text: &str, signature: &str, token: &str) -> Result<String, String> {
        let description = json!({"data": {"kubeconfig": text, key: signature}});
        signed_text(&description, &token.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_description_is_believed_if_the_token_signed_it() {
        let key = "jws-kubeconfig-aaaaaa";
        assert_eq!(check(key, TEXT, SIGNATURE, "aaaaaa.0123456789abcdef"), Ok(TEXT.to_owned()));
        let wrong =
            |text: &str, signature: &str, token: &str| check(key, text, signature, token).unwrap_err();
        let said = "the description is not signed by who knows the token aaaaaa: somebody may be in between";
        assert_eq!(wrong("apiVersion: v2\n", SIGNATURE, "aaaaaa.0123456789abcdef"), said);
        assert_eq!(wrong(TEXT, SIGNATURE, "aaaaaa.0123456789abcdex"), said);
        assert_eq!(wrong(TEXT, "junk", "aaaaaa.0123456789abcdef"), said);
        let none = SIGNATURE.replace("eyJhbGciOiJIUzI1NiIs", "eyJhbGciOiJub25lIiwi");
        assert_eq!(wrong(TEXT, &none, "aaaaaa.0123456789abcdef"), said);
        assert!(
            wrong(TEXT, SIGNATURE, "bbbbbb.0123456789abcdef").contains("not signed with the token bbbbbb")
        );
    }

    #[test]
    fn a_description_names_server_and_authority() {
        let text = "clusters:\n- cluster:\n    certificate-authority-data: cGVt\n    server: https://x:1\n";
        assert_eq!(
            read(text).unwrap(),
            ClusterInfo { server: "https://x:1".into(), authority: b"pem".into() }
        );
        for text in ["clusters: []", "clusters:\n- cluster: {server: 'https://x'}", ": ["] {
            assert!(matches!(read(text), Err(DiscoveryError::Unusable { .. })), "{text}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_told_after_the_time() {
        crate::install_crypto_provider();
        let options = DiscoveryOptions {
            endpoint: "127.0.0.1:1".into(),
            token: "aaaaaa.0123456789abcdef".parse().unwrap(),
            pins: Pins::Any,
            timeout: Duration::ZERO,
        };
        let error = discover(&options).await.unwrap_err();
        assert_eq!(error.to_string(), "127.0.0.1:1 did not describe itself within 0 seconds");
        let error = discover(&DiscoveryOptions { endpoint: "a b".into(), ..options }).await.unwrap_err();
        assert!(matches!(error, DiscoveryError::Endpoint { .. }), "{error:?}");
    }
}

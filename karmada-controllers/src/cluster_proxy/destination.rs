//! Where a cluster's API is, and the credentials to act there as somebody else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use kube::Client;
use serde_json::Value;

use crate::members::{Endpoint, Verification};

/// A member's API, seen by its impersonator account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// The token in it is the impersonator's.
    pub(super) endpoint: Endpoint,
}

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    #[error("clusters.cluster.karmada.io {cluster:?} not found")]
    Unknown { cluster: String },
    #[error("cluster {cluster} has no API endpoint (spec.apiEndpoint)")]
    NoEndpoint { cluster: String },
    #[error("the impersonatorSecretRef of cluster {cluster} is nil")]
    NoImpersonator { cluster: String },
    #[error("the secret {secret} of cluster {cluster} has no {key}")]
    NoSuchKey { cluster: String, secret: String, key: &'static str },
    #[error("cannot read {what}")]
    Lookup {
        what: String,
        #[source]
        source: Box<kube::Error>,
    },
}

/// Finds out how a cluster is reached.
pub(super) async fn resolve(client: &Client, cluster: &str) -> Result<Destination, DestinationError> {
    let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}");
    let object = read(client, &path, || format!("cluster {cluster}")).await?;
    let object = object.ok_or_else(|| DestinationError::Unknown { cluster: cluster.to_owned() })?;
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let url = text(&spec["apiEndpoint"]);
    if url.is_empty() {
        return Err(DestinationError::NoEndpoint { cluster: cluster.to_owned() });
    }
    let Some(impersonator) = secret_path(&spec["impersonatorSecretRef"]) else {
        return Err(DestinationError::NoImpersonator { cluster: cluster.to_owned() });
    };
    let token = secret_key(client, cluster, &impersonator, "token").await?.unwrap_or_default();
    let token = String::from_utf8(token).unwrap_or_default();
    if token.is_empty() {
        return Err(DestinationError::NoSuchKey {
            cluster: cluster.to_owned(),
            secret: impersonator.name(),
            key: "token",
        });
    }
    let skip = spec["insecureSkipTLSVerification"] == true;
    let ca_bundle = match secret_path(&spec["secretRef"]) {
        Some(secret) if !skip => secret_key(client, cluster, &secret, "caBundle").await?.unwrap_or_default(),
        _ => Vec::new(),
    };
    let proxy_headers = spec["proxyHeader"].as_object().into_iter().flatten();
    Ok(Destination {
        endpoint: Endpoint {
            url,
            token,
            ca_bundle,
            verification: if skip { Verification::Skip } else { Verification::Full },
            proxy_url: Some(text(&spec["proxyURL"])).filter(|url| !url.is_empty()),
            proxy_headers: proxy_headers.map(|(name, value)| (name.clone(), text(value))).collect(),
        },
    })
}

struct SecretPath {
    namespace: String,
    name: String,
}

impl SecretPath {
    fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

fn secret_path(reference: &Value) -> Option<SecretPath> {
    let (namespace, name) = (reference["namespace"].as_str()?, reference["name"].as_str()?);
    (!namespace.is_empty() && !name.is_empty())
        .then(|| SecretPath { namespace: namespace.to_owned(), name: name.to_owned() })
}

async fn secret_key(
    client: &Client,
    cluster: &str,
    secret: &SecretPath,
    key: &'static str,
) -> Result<Option<Vec<u8>>, DestinationError> {
    let path = format!("/api/v1/namespaces/{}/secrets/{}", secret.namespace, secret.name);
    let missing = || DestinationError::NoSuchKey { cluster: cluster.to_owned(), secret: secret.name(), key };
    let object = read(client, &path, || format!("secret {}", secret.name())).await?.ok_or_else(missing)?;
    let Some(encoded) = object["data"][key].as_str() else { return Ok(None) };
    STANDARD.decode(encoded).map(Some).map_err(|_| missing())
}

async fn read(
    client: &Client,
    path: &str,
    what: impl Fn() -> String,
) -> Result<Option<Value>, DestinationError> {
    let failed = |source| DestinationError::Lookup { what: what(), source: Box::new(source) };
    let request =
        Request::get(path).body(Vec::new()).map_err(|error| failed(kube::Error::HttpError(error)))?;
    match client.request::<Value>(request).await {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

//! The kind as which Clusters are kept, and calls of the API server that keeps them.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use karmada_apiserver::http::Failure;
use karmada_core::api::cluster::constants;
use kube::client::Body;
use serde_json::{Value, json};

use super::translation::to_served;
use crate::api_error::ApiError;
use crate::attached::prepare::{PrepareError, apply};
use crate::change::DryRun;
use crate::error::chain_line;
use crate::raw;
use crate::register::path_of;
use crate::wait::{Probe, WaitError, wait_until};

pub(super) const GROUP: &str = constants::STORAGE_GROUP;
pub(super) const API_VERSION: &str = "storage.karmada.io/v1alpha1";
pub(super) const KIND: &str = "StoredCluster";
pub(super) const PLURAL: &str = "storedclusters";
const SERVED: &str = "clusters.cluster.karmada.io";

/// The largest answer that is not a stream: a list of every Cluster there can be.
const LARGEST_ANSWER: usize = 1 << 30;

/// Clusters that cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("cannot install the kind as which Clusters are kept")]
    Install(#[from] PrepareError),
    #[error("cannot read the kind as which Clusters are kept")]
    Read(#[source] ApiError),
    #[error("the kind as which Clusters are kept is not served")]
    Wait(#[from] WaitError),
}

/// Returns the definition of the kind as which Clusters are kept. Its objects are checked before they are written.
pub fn definition() -> Value {
    let served = karmada_core::api::crds().into_iter().find(|crd| crd["metadata"]["name"] == SERVED);
    let mut definition = served.unwrap_or_default();
    definition["metadata"]["name"] = format!("{PLURAL}.{GROUP}").into();
    definition["spec"]["group"] = GROUP.into();
    definition["spec"]["names"] = json!({
        "plural": PLURAL, "singular": "storedcluster", "kind": KIND, "listKind": format!("{KIND}List"),
    });
    definition
}

/// Whether an object says all that is wanted, whatever else the server has added.
fn says(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| found.get(name).is_some_and(|found| says(found, wanted)))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| says(found, wanted))
        }
        _ => found == wanted,
    }
}

/// Calls of the API server that keeps the Clusters.
#[derive(Clone)]
pub(super) struct Storage {
    client: kube::Client,
}

/// What is asked, besides the path.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Name of the object; empty for all of them.
    pub(super) name: String,
    /// Empty for the object itself.
    pub(super) subresource: &'static str,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// An answer that is one document.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// As it is served.
    pub(super) document: Value,
}

/// Headers of answers that are passed on.
const PASSED_ON: [HeaderName; 3] =
    [header::WARNING, header::RETRY_AFTER, HeaderName::from_static("audit-id")];

impl Storage {
    /// Keeps Clusters where this client leads.
    pub(super) fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// Installs the kind where it is not there as it should be, and waits until it is served.
    pub(super) async fn install(&self, timeout: Duration) -> Result<(), StorageError> {
        let definition = definition();
        let found = raw::read(&self.client, &path_of(&definition)).await.map_err(StorageError::Read)?;
        if !found.is_some_and(|found| says(&found, &definition)) {
            apply(&self.client, &definition, DryRun::None).await?;
        }
        let path = format!("/apis/{API_VERSION}/{PLURAL}?limit=1");
        wait_until("the start of serving the kind as which Clusters are kept", timeout, async || {
            match raw::read(&self.client, &path).await {
                Ok(Some(_)) => Ok(Probe::Ready(())),
                Ok(None) => Ok(Probe::NotYet(format!("{PLURAL} are not served"))),
                Err(error) if error.is_momentary() => Ok(Probe::NotYet(error.to_string())),
                Err(error) => Err(error),
            }
        })
        .await?;
        Ok(())
    }

    /// Asks, and returns the answer as it comes.
    pub(super) async fn send(&self, call: Call) -> Result<Response<Body>, Failure> {
        let mut path = format!("/apis/{API_VERSION}/{PLURAL}");
        for part in [call.name.as_str(), call.subresource].into_iter().filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        if !call.query.is_empty() {
            path.push('?');
            path.push_str(&call.query);
        }
        let mut request = Request::builder().method(call.method).uri(path);
        if let Some(headers) = request.headers_mut() {
            headers.extend(call.headers);
            if !headers.contains_key(header::ACCEPT) {
                headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            }
        }
        let request =
            request.body(Body::from(call.body)).map_err(|error| Failure::bad_request(chain_line(&error)))?;
        self.client.send(request).await.map_err(|error| {
            let message = chain_line(&ApiError(error));
            tracing::warn!(error = message, "the API server that keeps the Clusters does not answer");
            Failure::unavailable("the API server that keeps the Clusters does not answer")
        })
    }

    /// Asks, and returns the answer as it is served, also when it is an error.
    pub(super) async fn ask(&self, call: Call) -> Result<Answer, Failure> {
        let response = self.send(call).await?;
        read(response).await
    }

    /// Reads a Cluster.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Value>, Failure> {
        let answer = self.ask(Call { name: name.to_owned(), ..Call::default() }).await?;
        match answer.status {
            status if status.is_success() => Ok(Some(answer.document)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(answer.into_failure()),
        }
    }
}

/// Reads an answer that is one document.
pub(super) async fn read(response: Response<Body>) -> Result<Answer, Failure> {
    let (parts, body) = response.into_parts();
    let body = http_body_util::Limited::new(body, LARGEST_ANSWER);
    let bytes = http_body_util::BodyExt::collect(body).await.map_err(|error| {
        Failure::unavailable(format!("the API server's answer broke off: {}", chain_line(&*error)))
    })?;
    let document: Value = serde_json::from_slice(&bytes.to_bytes())
        .map_err(|_| Failure::internal("the API server's answer is not understood"))?;
    let mut headers = HeaderMap::new();
    for name in PASSED_ON {
        for value in parts.headers.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
    }
    Ok(Answer { status: parts.status, headers, document: to_served(document) })
}

impl Answer {
    /// Whether the answer is a refusal for this reason.
    pub(super) fn is_refusal(&self, reason: &str) -> bool {
        !self.status.is_success() && self.document["reason"] == reason
    }

    /// Makes a refusal of the API server one of our own.
    pub(super) fn into_failure(self) -> Failure {
        let text = |name: &str| self.document[name].as_str().unwrap_or_default().to_owned();
        let details = self.document.get("details").filter(|details| details.is_object()).cloned();
        Failure {
            code: self.status,
            reason: text("reason").into(),
            message: text("message"),
            details,
            ..Failure::bad_request("")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_adds_is_no_reason_to_write() {
        let wanted = json!({"a": {"b": [{"c": 1}]}});
        assert!(says(&json!({"a": {"b": [{"c": 1, "d": 2}], "e": 3}, "status": {}}), &wanted));
        for other in [
            json!({"a": {"b": [{"c": 2}]}}),
            json!({"a": {"b": [{"c": 1}, {"c": 1}]}}),
            json!({"a": {}}),
            json!({}),
        ] {
            assert!(!says(&other, &wanted), "{other}");
        }
    }

    #[test]
    fn the_definition_is_that_of_clusters_under_another_name() {
        let definition = definition();
        assert_eq!(definition["metadata"]["name"], "storedclusters.storage.karmada.io");
        assert_eq!(definition["spec"]["scope"], "Cluster");
        let version = &definition["spec"]["versions"][0];
        assert_eq!(API_VERSION, format!("{GROUP}/{}", version["name"].as_str().unwrap()));
        assert!(
            version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["syncMode"].is_object()
        );
        assert!(version["subresources"]["status"].is_object());
    }
}

//! What the group has: discovery and OpenAPI.
//!
//! The documents are those of the embedded API server for the same kind: one is started in memory, asked, and ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use karmada_apiserver::auth::UserInfo;
use karmada_apiserver::http::Failure;
use karmada_apiserver::server::StartError;
use karmada_apiserver::{ApiServer, Controllers, ServerConfig};
use karmada_controllers::cluster_proxy::ClusterProxy;
use karmada_core::api::cluster::constants::GROUP;
use serde_json::Value;

use super::negotiation::takes_json;
use crate::embedded::ClusterProxyRoute;

/// The version that is served.
pub(super) const VERSION: &str = "v1alpha1";
/// The path of the version.
pub(super) const ROOT: &str = "/apis/cluster.karmada.io/v1alpha1";
const JSON: &str = "application/json";
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const OPENAPI_V3: &str = "/openapi/v3/apis/cluster.karmada.io/v1alpha1";

/// Documents that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    #[error("cannot start the API server that describes the kind")]
    Start(#[from] StartError),
    #[error("cannot read {path} of the API server that describes the kind")]
    Read {
        path: &'static str,
        #[source]
        source: kube::Error,
    },
    #[error("{path} of the API server that describes the kind is not understood")]
    Content {
        path: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Clone, Debug)]
struct Document {
    content_type: HeaderValue,
    etag: HeaderValue,
    text: axum::body::Bytes,
}

/// The documents, by path.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    by_path: BTreeMap<&'static str, Document>,
    /// `/apis` for those who ask for resources too.
    discovery: Document,
}

impl Documents {
    /// Makes the documents.
    pub(super) async fn load() -> Result<Self, DocumentsError> {
        let proxy = Arc::new(ClusterProxy::default());
        let is_cluster = |crd: &Value| crd["spec"]["group"] == GROUP;
        let server = ApiServer::start(ServerConfig {
            crds: karmada_core::api::crds().into_iter().filter(is_cluster).collect(),
            connects: vec![Arc::new(ClusterProxyRoute::new(proxy))],
            controllers: Controllers::ApiServer,
            ..ServerConfig::default()
        })
        .await?;
        let documents = Self::read_all(&server.client(UserInfo::admin())).await;
        server.shutdown().await;
        documents
    }

    async fn read_all(client: &kube::Client) -> Result<Self, DocumentsError> {
        let mut by_path = BTreeMap::new();
        for path in
            ["/version", "/apis", "/apis/cluster.karmada.io", ROOT, "/openapi/v2", "/openapi/v3", OPENAPI_V3]
        {
            let (content, _) = read(client, path, JSON).await?;
            by_path.insert(path, document(only_the_group(path, content), HeaderValue::from_static(JSON)));
        }
        let (content, content_type) = read(client, "/apis", DISCOVERY).await?;
        let discovery = document(only_the_group("/apis", content), content_type);
        Ok(Self { by_path, discovery })
    }

    /// Whether there is a document at a path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Answers a request for a document.
    pub(super) fn answer(&self, path: &str, headers: &HeaderMap) -> Result<Response<Body>, Failure> {
        let document = self.by_path.get(path).ok_or_else(Failure::no_such_path)?;
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<&str> = accepted.flat_map(|value| value.split(',')).map(str::trim).collect();
        // Who prefers the longer form names it first.
        let wants_resources =
            |range: &str| range.contains("as=APIGroupDiscoveryList") && range.contains("v=v2;");
        let form = |range: &str| format!("{};", range.replace(' ', ""));
        let document = if path == "/apis" && accepted.iter().any(|range| wants_resources(&form(range))) {
            &self.discovery
        } else if takes_json(headers) {
            document
        } else {
            return Err(Failure::not_acceptable(JSON));
        };
        let etag =
            [(header::ETAG, document.etag.clone()), (header::VARY, HeaderValue::from_static("Accept"))];
        if headers.get(header::IF_NONE_MATCH) == Some(&document.etag) {
            return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
        }
        let content_type = [(header::CONTENT_TYPE, document.content_type.clone())];
        Ok((etag, content_type, document.text.clone()).into_response())
    }
}

fn document(content: Value, content_type: HeaderValue) -> Document {
    let text = content.to_string();
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let hex = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let etag = HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    Document { content_type, etag, text: text.into() }
}

async fn read(
    client: &kube::Client,
    path: &'static str,
    accept: &str,
) -> Result<(Value, HeaderValue), DocumentsError> {
    let failed = |source| DocumentsError::Read { path, source };
    let request = Request::get(path)
        .header(header::ACCEPT, accept)
        .body(kube::client::Body::empty())
        .map_err(|error| failed(kube::Error::HttpError(error)))?;
    let response = client.send(request).await.map_err(failed)?;
    let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
    let bytes = response.into_body().collect().await.map_err(failed)?.to_bytes();
    let content =
        serde_json::from_slice(&bytes).map_err(|source| DocumentsError::Content { path, source })?;
    Ok((content, content_type.unwrap_or(HeaderValue::from_static(JSON))))
}

/// Drops what a document says of other groups.
fn only_the_group(path: &str, mut content: Value) -> Value {
    match path {
        "/apis" => {
            retain(&mut content, "/groups", |group| group["name"] == GROUP);
            retain(&mut content, "/items", |group| group["metadata"]["name"] == GROUP);
        }
        "/openapi/v3" => {
            if let Some(paths) = content["paths"].as_object_mut() {
                paths.retain(|path, _| path.starts_with("apis/cluster.karmada.io/"));
            }
        }
        "/openapi/v2" => {
            if let Some(paths) = content["paths"].as_object_mut() {
                paths.retain(|path, _| path.starts_with("/apis/cluster.karmada.io/"));
            }
            let mut needed = BTreeMap::new();
            collect_references(&content["paths"], &content["definitions"], &mut needed);
            content["definitions"] = Value::Object(needed.into_iter().collect());
        }
        _ => {}
    }
    content
}

fn retain(content: &mut Value, pointer: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(list) = content.pointer_mut(pointer).and_then(Value::as_array_mut) {
        list.retain(keep);
    }
}

/// Collects the definitions that a part of a document refers to, and those they refer to.
fn collect_references(part: &Value, definitions: &Value, needed: &mut BTreeMap<String, Value>) {
    match part {
        Value::Object(fields) => {
            if let Some(name) = fields
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|text| text.strip_prefix("#/definitions/"))
                && !needed.contains_key(name)
                && let Some(definition) = definitions.get(name)
            {
                needed.insert(name.to_owned(), definition.clone());
                collect_references(definition, definitions, needed);
            }
            fields.values().for_each(|value| collect_references(value, definitions, needed));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, definitions, needed)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    async fn answer(documents: &Documents, path: &str, accept: &'static str) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let response = documents.answer(path, &headers).unwrap();
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(JSON));
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_documents_are_of_the_group_alone() {
        let documents = Documents::load().await.unwrap();
        let groups = answer(&documents, "/apis", JSON).await;
        assert_eq!(groups["groups"].as_array().unwrap().len(), 1);
        let aggregated =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        let discovery = answer(&documents, "/apis", aggregated).await;
        assert_eq!(discovery["kind"], "APIGroupDiscoveryList");
        assert_eq!(discovery["items"][0]["metadata"]["name"], GROUP);
        let resources = answer(&documents, ROOT, JSON).await;
        let names: BTreeSet<&str> =
            resources["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
        assert_eq!(names, BTreeSet::from(["clusters", "clusters/proxy", "clusters/status"]));
        let openapi = answer(&documents, "/openapi/v2", JSON).await;
        assert!(
            openapi["paths"]
                .as_object()
                .unwrap()
                .keys()
                .all(|path| path.starts_with("/apis/cluster.karmada.io/"))
        );
        let definitions = openapi["definitions"].as_object().unwrap();
        assert!(
            definitions.contains_key("io.karmada.cluster.v1alpha1.Cluster")
                && !definitions.contains_key("io.k8s.api.core.v1.Pod")
        );
        assert!(answer(&documents, OPENAPI_V3, JSON).await["components"]["schemas"].is_object());
        assert!(!documents.has("/api") && documents.answer("/api", &HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn a_document_that_is_known_is_not_sent_again() {
        let documents = Documents::load().await.unwrap();
        let first = documents.answer("/openapi/v2", &HeaderMap::new()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(documents.answer("/openapi/v2", &headers).unwrap().status(), StatusCode::NOT_MODIFIED);
    }
}

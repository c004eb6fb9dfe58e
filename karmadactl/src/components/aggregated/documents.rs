//! What the group has: discovery and OpenAPI.
//!
//! The documents are those of the embedded API server for the same kind, recorded: to start one in order to ask it would cost this small
//! process more memory than everything else it does. A test asks one.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use karmada_apiserver::http::{Failure, version};
use serde_json::Value;

use super::negotiation::takes_json;

/// The version that is served.
pub(super) const VERSION: &str = "v1alpha1";
/// The path of the version.
pub(super) const ROOT: &str = "/apis/cluster.karmada.io/v1alpha1";
const JSON: &str = "application/json";
/// `/apis` for those who ask for resources too.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const OPENAPI_V3: &str = "/openapi/v3/apis/cluster.karmada.io/v1alpha1";
const PATHS: [&str; 6] =
    ["/apis", "/apis/cluster.karmada.io", ROOT, "/openapi/v2", "/openapi/v3", OPENAPI_V3];
/// The documents by path or, the last one, by its type.
const RECORDED: &[u8] = include_bytes!("../../../data/cluster-documents.json.zst");

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
    /// Reads the documents.
    ///
    /// # Panics
    /// Never: a test reads the embedded data.
    pub(super) fn load() -> Self {
        let text = zstd::decode_all(RECORDED).expect("the embedded documents are valid zstd");
        let texts: BTreeMap<String, Value> =
            serde_json::from_slice(&text).expect("the embedded documents are a JSON object");
        let of = |path: &str| texts.get(path).cloned().unwrap_or_default();
        let json = HeaderValue::from_static(JSON);
        let recorded = PATHS.map(|path| (path, document(&of(path), json.clone())));
        let mut by_path = BTreeMap::from(recorded);
        by_path.insert("/version", document(&version(), json));
        let discovery = document(&of(DISCOVERY), HeaderValue::from_static(DISCOVERY));
        Self { by_path, discovery }
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

fn document(content: &Value, content_type: HeaderValue) -> Document {
    let text = content.to_string();
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let hex = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let etag = HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    Document { content_type, etag, text: text.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use http::Request;
    use http_body_util::BodyExt as _;
    use karmada_apiserver::auth::UserInfo;
    use karmada_apiserver::{ApiServer, Controllers, ServerConfig};
    use karmada_controllers::cluster_proxy::ClusterProxy;
    use karmada_core::api::cluster::constants::GROUP;

    use super::*;
    use crate::embedded::ClusterProxyRoute;

    /// Asks an embedded API server for the documents.
    async fn record() -> BTreeMap<String, Value> {
        let proxy = Arc::new(ClusterProxy::default());
        let is_cluster = |crd: &Value| crd["spec"]["group"] == GROUP;
        let server = ApiServer::start(ServerConfig {
            crds: karmada_core::api::crds().into_iter().filter(is_cluster).collect(),
            connects: vec![Arc::new(ClusterProxyRoute::new(proxy))],
            controllers: Controllers::ApiServer,
            ..ServerConfig::default()
        })
        .await
        .unwrap();
        let client = server.client(UserInfo::admin());
        let mut recorded = BTreeMap::new();
        for path in PATHS {
            let content = only_the_group(path, read(&client, path, JSON).await);
            recorded.insert(path.to_owned(), content);
        }
        let discovery = only_the_group("/apis", read(&client, "/apis", DISCOVERY).await);
        recorded.insert(DISCOVERY.to_owned(), discovery);
        server.shutdown().await;
        recorded
    }

    async fn read(client: &kube::Client, path: &str, accept: &str) -> Value {
        let request = Request::get(path).header(header::ACCEPT, accept);
        let response = client.send(request.body(kube::client::Body::empty()).unwrap()).await.unwrap();
        if accept == DISCOVERY {
            assert_eq!(response.headers()[header::CONTENT_TYPE], DISCOVERY);
        }
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
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
                let definitions = &content["definitions"];
                collect_references(&content["paths"], definitions, &mut needed);
                for (name, definition) in definitions.as_object().into_iter().flatten() {
                    let kinds =
                        definition["x-kubernetes-group-version-kind"].as_array().into_iter().flatten();
                    // Options are kinds of every group.
                    if kinds.clone().count() == 1 && kinds.clone().all(|kind| kind["group"] == GROUP) {
                        needed.insert(name.clone(), definition.clone());
                        collect_references(definition, definitions, &mut needed);
                    }
                }
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
                for value in fields.values() {
                    collect_references(value, definitions, needed);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect_references(item, definitions, needed);
                }
            }
            _ => {}
        }
    }

    #[tokio::test]
    async fn the_recorded_documents_are_those_of_the_embedded_server() {
        let recorded = record().await;
        if std::env::var_os("UPDATE_CLUSTER_DOCUMENTS").is_some() {
            let text = serde_json::to_vec(&recorded).unwrap();
            let compressed = zstd::encode_all(text.as_slice(), 19).unwrap();
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cluster-documents.json.zst");
            std::fs::write(path, compressed).unwrap();
            return;
        }
        let embedded: BTreeMap<String, Value> =
            serde_json::from_slice(&zstd::decode_all(RECORDED).unwrap()).unwrap();
        for (path, content) in &recorded {
            let hint = "run the tests of this file once with UPDATE_CLUSTER_DOCUMENTS=1";
            assert!(
                embedded.get(path) == Some(content),
                "{path} of data/cluster-documents.json.zst is stale: {hint}"
            );
        }
        assert_eq!(embedded.len(), recorded.len());
    }

    async fn answer(documents: &Documents, path: &str, accept: &'static str) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let response = documents.answer(path, &headers).unwrap();
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(JSON));
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_documents_are_of_the_group_alone() {
        let documents = Documents::load();
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

    #[test]
    fn a_document_that_is_known_is_not_sent_again() {
        let documents = Documents::load();
        let first = documents.answer("/openapi/v2", &HeaderMap::new()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(documents.answer("/openapi/v2", &headers).unwrap().status(), StatusCode::NOT_MODIFIED);
    }
}

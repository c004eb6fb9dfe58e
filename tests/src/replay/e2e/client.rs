//! Plain JSON requests to one API server.

use std::collections::BTreeMap;

use http::{Method, Request};
use kube::Client;
use serde_json::Value;

/// One API server: its client, and which kinds it serves.
#[derive(Clone)]
pub struct Server {
    client: Client,
    kinds: BTreeMap<(String, String), ServedKind>,
}

/// Where a kind is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedKind {
    pub plural: String,
    pub scope: Scope,
}

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

/// How a patch is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    Json,
    Merge,
    Strategic,
}

impl PatchKind {
    /// Reads the word used in scenarios.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Json),
            "merge" => Some(Self::Merge),
            "strategic" => Some(Self::Strategic),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

impl Server {
    /// Takes a client.
    pub fn new(client: Client) -> Self {
        Self { client, kinds: BTreeMap::new() }
    }

    /// Reads what is at a path.
    pub async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.call(Method::GET, path, None).await
    }

    /// Creates an object and returns it.
    pub async fn create(&mut self, object: &Value) -> Result<Value, Refusal> {
        let path = self.collection_of(object).await?;
        self.call(Method::POST, &path, Some(("application/json", object))).await
    }

    /// Patches what is at a path.
    pub async fn patch(&self, path: &str, kind: PatchKind, patch: &Value) -> Result<Value, Refusal> {
        self.call(Method::PATCH, path, Some((kind.content_type(), patch))).await
    }

    /// Replaces what is at a path.
    pub async fn replace(&self, path: &str, object: &Value) -> Result<Value, Refusal> {
        self.call(Method::PUT, path, Some(("application/json", object))).await
    }

    /// Deletes what is at a path, in the background.
    pub async fn delete(&self, path: &str, propagation: &str) -> Result<Value, Refusal> {
        self.call(Method::DELETE, &format!("{path}?propagationPolicy={propagation}"), None).await
    }

    /// Sends a request and returns code and body of the answer, whatever it is.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Result<(u16, String), Refusal> {
        let broken = |text: String| Refusal { code: 0, message: format!("{method} {path}: {text}") };
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(kube::client::Body::from(bytes))
            .map_err(|error| broken(error.to_string()))?;
        let answer = self.client.send(request).await.map_err(|error| broken(error.to_string()))?;
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect_bytes().await.map_err(|error| broken(error.to_string()))?;
        Ok((code, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Returns the path of the collection that an object belongs to.
    async fn collection_of(&mut self, object: &Value) -> Result<String, Refusal> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let served = self.served(&api_version, &kind).await?;
        let namespace = match served.scope {
            Scope::Cluster => String::new(),
            Scope::Namespaced => {
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
                format!("namespaces/{namespace}/")
            }
        };
        Ok(format!("{}/{namespace}{}", group_path(&api_version), served.plural))
    }

    /// Returns the path of an object that has a name.
    pub async fn path_of(&mut self, object: &Value) -> Result<String, Refusal> {
        let collection = self.collection_of(object).await?;
        Ok(format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap_or_default()))
    }

    async fn served(&mut self, api_version: &str, kind: &str) -> Result<ServedKind, Refusal> {
        let key = (api_version.to_owned(), kind.to_owned());
        if let Some(served) = self.kinds.get(&key) {
            return Ok(served.clone());
        }
        let list = self.get(&group_path(api_version)).await?;
        for resource in list["resources"].as_array().into_iter().flatten() {
            let (Some(name), Some(kind)) = (resource["name"].as_str(), resource["kind"].as_str()) else {
                continue;
            };
            if name.contains('/') {
                continue;
            }
            let scope = if resource["namespaced"] == true { Scope::Namespaced } else { Scope::Cluster };
            let served = ServedKind { plural: name.to_owned(), scope };
            self.kinds.insert((api_version.to_owned(), kind.to_owned()), served);
        }
        self.kinds
            .get(&key)
            .cloned()
            .ok_or_else(|| Refusal { code: 404, message: format!("{api_version} has no kind {kind}") })
    }

    async fn call(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Refusal> {
        let broken = |text: String| Refusal { code: 0, message: text };
        let mut request = Request::builder().method(method).uri(path);
        let bytes = match body {
            None => Vec::new(),
            Some((content_type, value)) => {
                request = request.header(http::header::CONTENT_TYPE, content_type);
                value.to_string().into_bytes()
            }
        };
        let request = request.body(bytes).map_err(|error| broken(format!("{path}: {error}")))?;
        match self.client.request::<Value>(request).await {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => {
                Err(Refusal { code: status.code, message: status.message.clone() })
            }
            Err(error) => Err(broken(format!("{path}: {error}"))),
        }
    }
}

/// A reference of the scenarios: `<group/version/resource>/<namespace or ->/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `group/version/resource`, or `version/resource` of the core group.
    pub resource: String,
    /// Empty when the object is not in a namespace.
    pub namespace: String,
    pub name: String,
}

impl Reference {
    /// Reads a reference.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (name_at, namespace_at) = (parts.len().checked_sub(1)?, parts.len().checked_sub(2)?);
        if namespace_at < 2 {
            return None;
        }
        Some(Self {
            resource: parts[..namespace_at].join("/"),
            namespace: if parts[namespace_at] == "-" {
                String::new()
            } else {
                parts[namespace_at].to_owned()
            },
            name: parts[name_at].to_owned(),
        })
    }

    /// Returns the path of the object.
    pub fn path(&self) -> String {
        let (group_version, plural) = self.resource.rsplit_once('/').unwrap_or(("v1", &self.resource));
        let namespace =
            if self.namespace.is_empty() { String::new() } else { format!("namespaces/{}/", self.namespace) };
        format!("{}/{namespace}{plural}/{}", group_path(group_version), self.name)
    }
}

/// Returns the path of all objects of a resource, given as `group/version/resource`.
pub fn collection_path(resource: &str) -> String {
    let (group_version, plural) = resource.rsplit_once('/').unwrap_or(("v1", resource));
    format!("{}/{plural}", group_path(group_version))
}

fn group_path(api_version: &str) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    format!("{root}/{api_version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_paths() {
        let check = |text: &str, path: &str| assert_eq!(Reference::parse(text).unwrap().path(), path);
        check("apps/v1/deployments/p01/web", "/apis/apps/v1/namespaces/p01/deployments/web");
        check("v1/configmaps/p01/conf", "/api/v1/namespaces/p01/configmaps/conf");
        check("v1/namespaces/-/p01", "/api/v1/namespaces/p01");
        check(
            "cluster.karmada.io/v1alpha1/clusters/-/member1",
            "/apis/cluster.karmada.io/v1alpha1/clusters/member1",
        );
        assert_eq!(collection_path("v1/pods"), "/api/v1/pods");
    }
}

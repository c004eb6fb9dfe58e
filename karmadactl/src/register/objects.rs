//! Unstructured objects of the kinds that a registration writes.

use http::Request;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::raw;

/// Plurals of the kinds that are written here.
const PLURALS: [(&str, &str); 12] = [
    ("ConfigMap", "configmaps"),
    ("Secret", "secrets"),
    ("Namespace", "namespaces"),
    ("ServiceAccount", "serviceaccounts"),
    ("ClusterRole", "clusterroles"),
    ("ClusterRoleBinding", "clusterrolebindings"),
    ("Role", "roles"),
    ("RoleBinding", "rolebindings"),
    ("Deployment", "deployments"),
    ("Cluster", "clusters"),
    ("CustomResourceDefinition", "customresourcedefinitions"),
    ("CertificateSigningRequest", "certificatesigningrequests"),
];

/// An object that could not be read, written or deleted.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {object}")]
pub struct ObjectError {
    pub operation: &'static str,
    pub object: String,
    #[source]
    pub source: Box<ApiError>,
}

/// What became of an object that should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ensured {
    Created,
    Updated,
    Unchanged,
}

/// Returns the path of an object.
pub fn path_of(object: &Value) -> String {
    format!("{}/{}", collection_of(object), text(object, "/metadata/name"))
}

fn collection_of(object: &Value) -> String {
    let (api_version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
    let plural = PLURALS.iter().find(|(known, _)| *known == kind).map_or("", |(_, plural)| *plural);
    let prefix = if api_version.contains('/') { "/apis" } else { "/api" };
    match text(object, "/metadata/namespace") {
        "" => format!("{prefix}/{api_version}/{plural}"),
        namespace => format!("{prefix}/{api_version}/namespaces/{namespace}/{plural}"),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Names an object for people.
pub(super) fn label(object: &Value) -> String {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    match text(object, "/metadata/namespace") {
        "" => format!("{kind} {name}"),
        namespace => format!("{kind} {namespace}/{name}"),
    }
}

fn failed(operation: &'static str, object: &Value) -> impl FnOnce(ApiError) -> ObjectError {
    let object = label(object);
    move |source| ObjectError { operation, object, source: Box::new(source) }
}

/// Reads the object of the same name.
pub(super) async fn read(client: &kube::Client, object: &Value) -> Result<Option<Value>, ObjectError> {
    raw::read(client, &path_of(object)).await.map_err(failed("read", object))
}

/// Creates an object, or gives the one of its name the same content.
pub(super) async fn ensure(client: &kube::Client, object: &Value) -> Result<Ensured, ObjectError> {
    match read(client, object).await? {
        Some(found) if is_contained(object, &found) => Ok(Ensured::Unchanged),
        Some(_) => {
            let updated = raw::merge_patch(client, &path_of(object), object).await;
            updated.map(|_| Ensured::Updated).map_err(failed("update", object))
        }
        None => match create(client, object).await {
            Ok(()) => Ok(Ensured::Created),
            // Somebody was faster.
            Err(error) if error.code() == Some(409) => Ok(Ensured::Unchanged),
            Err(error) => Err(failed("create", object)(error)),
        },
    }
}

/// Creates an object unless one of its name is there, whatever its content.
pub(super) async fn ensure_exists(client: &kube::Client, object: &Value) -> Result<Ensured, ObjectError> {
    match read(client, object).await? {
        Some(_) => Ok(Ensured::Unchanged),
        None => ensure(client, object).await,
    }
}

async fn create(client: &kube::Client, object: &Value) -> Result<(), ApiError> {
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = Request::post(collection_of(object))
        .header("Content-Type", "application/json")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    Ok(client.request::<Value>(request).await.map(drop)?)
}

/// Deletes an object if it is there.
pub(super) async fn delete(client: &kube::Client, object: &Value) -> Result<(), ObjectError> {
    let request = Request::delete(format!("{}?propagationPolicy=Background", path_of(object)))
        .body(Vec::new())
        .map_err(|error| failed("delete", object)(ApiError(kube::Error::HttpError(error))))?;
    match client.request::<Value>(request).await.map_err(ApiError) {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(failed("delete", object)(error)),
    }
}

/// Whether all that `wanted` says is so in `found` already.
fn is_contained(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().all(|(key, value)| {
            found.get(key).map_or_else(|| is_empty(value), |found| is_contained(value, found))
        }),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(w, f)| is_contained(w, f))
        }
        (wanted, found) => wanted == found,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_those_of_the_kinds() {
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(path_of(&role), "/apis/rbac.authorization.k8s.io/v1/namespaces/b/roles/a");
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
        assert_eq!(
            (path_of(&namespace).as_str(), label(&namespace).as_str()),
            ("/api/v1/namespaces/a", "Namespace a")
        );
    }

    #[test]
    fn what_the_server_added_does_not_count() {
        let wanted = json!({"data": {"a": "1"}, "list": [{"x": 1}], "none": []});
        assert!(is_contained(&wanted, &json!({"data": {"a": "1", "b": "2"}, "list": [{"x": 1, "y": 2}]})));
        assert!(!is_contained(&wanted, &json!({"data": {"a": "2"}, "list": [{"x": 1}]})));
        assert!(!is_contained(&wanted, &json!({"data": {"a": "1"}, "list": [{"x": 1}, {"x": 1}]})));
    }
}

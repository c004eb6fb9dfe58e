//! Writing, reading and removing the objects of an installation.

use std::time::{Duration, Instant};

use http::Request;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::raw;

/// Who owns the fields.
const FIELD_MANAGER: &str = "karmadactl-init";
/// How long a server is asked again that does not answer, or says that it will in a moment.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(250);
/// Kinds of an installation: kind, plural, and whether objects are in a namespace.
const KINDS: [(&str, &str, bool); 18] = [
    ("Namespace", "namespaces", false),
    ("CustomResourceDefinition", "customresourcedefinitions", false),
    ("ClusterRole", "clusterroles", false),
    ("ClusterRoleBinding", "clusterrolebindings", false),
    ("APIService", "apiservices", false),
    ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    ("Role", "roles", true),
    ("RoleBinding", "rolebindings", true),
    ("ConfigMap", "configmaps", true),
    ("Secret", "secrets", true),
    ("Service", "services", true),
    ("Endpoints", "endpoints", true),
    ("ServiceAccount", "serviceaccounts", true),
    ("PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("PodDisruptionBudget", "poddisruptionbudgets", true),
    ("Deployment", "deployments", true),
    ("StatefulSet", "statefulsets", true),
];

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Created,
    Configured,
    Unchanged,
}

impl Applied {
    /// The word that is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Returns the path of all objects of a kind in a namespace.
pub fn collection(api_version: &str, kind: &str, namespace: &str) -> String {
    let (plural, namespaced) = KINDS.iter().find(|(known, _, _)| *known == kind).map_or_else(
        || (format!("{}s", kind.to_lowercase()), true),
        |(_, plural, is)| ((*plural).to_owned(), *is),
    );
    let prefix = if api_version.contains('/') { "/apis" } else { "/api" };
    if namespaced && !namespace.is_empty() {
        format!("{prefix}/{api_version}/namespaces/{namespace}/{plural}")
    } else {
        format!("{prefix}/{api_version}/{plural}")
    }
}

/// Returns the path of an object.
pub fn path_of(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let collection = collection(text("/apiVersion"), text("/kind"), text("/metadata/namespace"));
    format!("{collection}/{}", text("/metadata/name"))
}

/// Applies an object; what is there already and says the same stays as it is.
pub async fn apply(client: &kube::Client, object: &Value) -> Result<Applied, ApiError> {
    let path = path_of(object);
    let before = patiently(async || raw::read(client, &path).await).await?;
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    // An answer that was lost does no harm: applying twice is as good as once.
    let after: Value = patiently(async || {
        let request = Request::patch(format!("{path}?fieldManager={FIELD_MANAGER}&force=true"))
            .header("Content-Type", "application/apply-patch+yaml")
            .body(body.clone())
            .map_err(kube::Error::HttpError)?;
        Ok(client.request(request).await?)
    })
    .await?;
    Ok(match before {
        None => Applied::Created,
        Some(before) => {
            if what_is_wanted(before) == what_is_wanted(after) {
                Applied::Unchanged
            } else {
                Applied::Configured
            }
        }
    })
}

/// Asks again while the server does not answer, or says that it will in a moment: it may be under load, or start anew.
///
/// # Errors
/// When that goes on for too long, or at once when it refuses.
pub async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let started = Instant::now();
    loop {
        match ask().await {
            Err(error)
                if (error.is_momentary() || error.is_unreachable()) && started.elapsed() < PATIENCE =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Lists objects of a kind with a label, in a namespace.
pub async fn list(client: &kube::Client, collection: &str, selector: &str) -> Result<Vec<Value>, ApiError> {
    let query = if selector.is_empty() { String::new() } else { format!("?labelSelector={selector}") };
    let found = raw::read(client, &format!("{collection}{query}")).await?.unwrap_or_default();
    Ok(found["items"].as_array().cloned().unwrap_or_default())
}

/// Deletes an object, and what belongs to it; says whether it was there.
pub async fn delete(client: &kube::Client, path: &str) -> Result<bool, ApiError> {
    let request = Request::delete(format!("{path}?propagationPolicy=Background"))
        .body(Vec::new())
        .map_err(kube::Error::HttpError)?;
    match client.request::<Value>(request).await.map_err(ApiError) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Drops what servers and controllers write by themselves, which may happen at any time.
fn what_is_wanted(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_follow_group_kind_and_namespace() {
        let path = |api: &str, kind: &str, namespace: &str| {
            path_of(
                &json!({"apiVersion": api, "kind": kind, "metadata": {"name": "n", "namespace": namespace}}),
            )
        };
        assert_eq!(path("v1", "Namespace", ""), "/api/v1/namespaces/n");
        assert_eq!(path("apps/v1", "StatefulSet", "k"), "/apis/apps/v1/namespaces/k/statefulsets/n");
        assert_eq!(
            path("apiregistration.k8s.io/v1", "APIService", ""),
            "/apis/apiregistration.k8s.io/v1/apiservices/n"
        );
    }
}

//! What an API server needs before the control loops can work there: kinds, namespaces and roles.

use std::time::Duration;

use http::Request;
use karmada_core::api::reserved::{CLUSTER_NAMESPACE, LABEL_TRUE, SYSTEM_LABEL, SYSTEM_NAMESPACE};
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::change::DryRun;
use crate::raw;
use crate::register::path_of;
use crate::wait::{Probe, WaitError, wait_until};

/// Who owns the fields.
const FIELD_MANAGER: &str = "karmadactl-init";

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepared {
    Created,
    Configured,
    Unchanged,
}

impl Prepared {
    /// Returns the word that is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// An object that was not brought to the server.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("cannot apply {object}")]
    Apply {
        object: String,
        #[source]
        source: ApiError,
    },
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Returns what a server needs, in the order in which it must come.
pub fn objects() -> Vec<Value> {
    let mut objects = vec![namespace(SYSTEM_NAMESPACE), namespace(CLUSTER_NAMESPACE)];
    objects.extend(karmada_core::api::crds());
    objects.extend(roles());
    objects
}

fn namespace(name: &str) -> Value {
    let mut namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    if name == CLUSTER_NAMESPACE {
        namespace["metadata"]["labels"] = json!({SYSTEM_LABEL: LABEL_TRUE});
    }
    namespace
}

/// Roles that upstream's installer adds: Karmada's kinds for who may view or edit, the proxy for the administrator.
fn roles() -> Vec<Value> {
    let groups = [
        "apps.karmada.io",
        "autoscaling.karmada.io",
        "multicluster.x-k8s.io",
        "networking.karmada.io",
        "policy.karmada.io",
        "work.karmada.io",
    ];
    let role = |name: &str, aggregates: &str, verbs: &[&str]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {
                "name": name,
                "labels": {format!("rbac.authorization.k8s.io/aggregate-to-{aggregates}"): "true"},
            },
            "rules": [{"apiGroups": groups, "resources": ["*"], "verbs": verbs}],
        })
    };
    vec![
        role("karmada-view", "view", &["get", "list", "watch"]),
        role(
            "karmada-edit",
            "edit",
            &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
        ),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "cluster-proxy-admin"},
            "rules": [{"apiGroups": ["cluster.karmada.io"], "resources": ["clusters/proxy"], "verbs": ["*"]}],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "cluster-proxy-admin"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-proxy-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:admin"}],
        }),
    ]
}

/// Names an object as commands print it, such as `namespace/karmada-system`.
pub fn title(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let dot = if group.is_empty() { "" } else { "." };
    format!("{}{dot}{group}/{}", text("/kind").to_lowercase(), text("/metadata/name"))
}

/// Applies an object. Applying it again changes nothing.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub async fn apply(client: &kube::Client, object: &Value, dry_run: DryRun) -> Result<Prepared, PrepareError> {
    let result = apply_at(client, &path_of(object), object, dry_run).await;
    result.map_err(|source| PrepareError::Apply { object: title(object), source })
}

async fn apply_at(
    client: &kube::Client,
    path: &str,
    object: &Value,
    dry_run: DryRun,
) -> Result<Prepared, ApiError> {
    let before = raw::read(client, path).await?;
    if dry_run.is_client() {
        return Ok(if before.is_some() { Prepared::Configured } else { Prepared::Created });
    }
    let dry = if dry_run == DryRun::Server { "&dryRun=All" } else { "" };
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = Request::patch(format!("{path}?fieldManager={FIELD_MANAGER}&force=true{dry}"))
        .header("Content-Type", "application/apply-patch+yaml")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    let after: Value = client.request(request).await?;
    Ok(match before.map(what_is_applied) {
        None => Prepared::Created,
        Some(before) if before == what_is_applied(after) => Prepared::Unchanged,
        Some(_) => Prepared::Configured,
    })
}

/// Drops what the server writes by itself, which may happen at any time.
fn what_is_applied(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
        metadata.remove("managedFields");
    }
    object
}

/// Waits until the server serves every kind.
///
/// # Errors
/// When a kind is not served in time; with its name.
pub async fn wait_until_served(client: &kube::Client, timeout: Duration) -> Result<(), PrepareError> {
    let crds = karmada_core::api::crds();
    wait_until("the start of serving Karmada's kinds", timeout, async || {
        for crd in &crds {
            let found = raw::read(client, &path_of(crd)).await?.unwrap_or_default();
            let conditions = found["status"]["conditions"].as_array();
            let is_served = conditions
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Established" && condition["status"] == "True");
            if !is_served {
                return Ok(Probe::NotYet(format!("{} is not established", title(crd))));
            }
            // A definition that just changed is established while its storage is still being opened.
            match raw::read(client, &first_of(crd)).await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Probe::NotYet(format!("{} is not served", title(crd)))),
                Err(error) if error.is_momentary() => {
                    return Ok(Probe::NotYet(format!("{} is not served: {error}", title(crd))));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Probe::Ready(()))
    })
    .await?;
    Ok(())
}

/// The path of the first object of the kind that a definition is about.
fn first_of(crd: &Value) -> String {
    let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = (text("/spec/group"), text("/spec/versions/0/name"));
    format!("/apis/{group}/{version}/{}?limit=1", text("/spec/names/plural"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_come_first_and_everything_has_a_title() {
        let objects = objects();
        assert_eq!(title(&objects[0]), "namespace/karmada-system");
        assert!(
            objects.iter().any(|object| title(object)
                == "customresourcedefinition.apiextensions.k8s.io/works.work.karmada.io")
        );
        assert_eq!(path_of(&objects[0]), "/api/v1/namespaces/karmada-system");
    }
}

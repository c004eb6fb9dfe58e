//! The policy that carries one applied object to members.

use karmada_core::object::policy_name;
use serde_json::{Value, json};

use crate::change::{Found, LocalObject, SelectionError, find_kind};
use crate::discovery::{Discovery, Scope};

const POLICY_API: &str = "policy.karmada.io/v1alpha1";

/// A policy for one object.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFor {
    pub object: Value,
}

/// Makes the policy that carries an object to clusters; none of them means all.
///
/// Its name follows from the object's, so that applying again finds it.
pub fn policy_for(found: &Found, clusters: &[String]) -> PolicyFor {
    let kind = &found.kind;
    let namespace = found.namespace.as_deref().unwrap_or_default();
    let name = policy_name(namespace, &found.name, &go_kind(&kind.group, &kind.version, &kind.kind));
    let mut selector = json!({ "apiVersion": kind.api_version(), "kind": kind.kind, "name": found.name });
    let mut metadata = json!({ "name": name });
    let policy_kind = if kind.scope == Scope::Namespaced {
        selector["namespace"] = json!(namespace);
        metadata["namespace"] = json!(namespace);
        "PropagationPolicy"
    } else {
        "ClusterPropagationPolicy"
    };
    let affinity = if clusters.is_empty() { json!({}) } else { json!({ "clusterNames": clusters }) };
    PolicyFor {
        object: json!({
            "apiVersion": POLICY_API, "kind": policy_kind, "metadata": metadata,
            "spec": { "resourceSelectors": [selector], "placement": { "clusterAffinity": affinity } },
        }),
    }
}

impl PolicyFor {
    /// Finds the policy's kind on a server.
    pub fn place(self, discovery: &Discovery) -> Result<Found, SelectionError> {
        let local = LocalObject { origin: "the policy".to_owned(), object: self.object };
        let kind = find_kind(discovery, &local, "")?.clone();
        let text = |field: &str| local.object["metadata"][field].as_str().map(str::to_owned);
        let (namespace, name) = (text("namespace"), text("name").unwrap_or_default());
        Ok(Found { kind, namespace, name, object: None, local: Some(local) })
    }
}

/// A kind as Go prints it.
pub(crate) fn go_kind(group: &str, version: &str, kind: &str) -> String {
    format!("{group}/{version}, Kind={kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::ResourceKind;

    #[test]
    fn a_policy_selects_its_object_only() {
        let kind = ResourceKind {
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            ..ResourceKind::default()
        };
        let found =
            Found { kind, namespace: Some("l07".into()), name: "lone".into(), object: None, local: None };
        let policy = policy_for(&found, &["member1".to_owned()]).object;
        assert_eq!(policy["metadata"], json!({"name": "lone-7cb7887bb8", "namespace": "l07"}));
        assert_eq!(
            policy["spec"],
            json!({
                "resourceSelectors": [
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "lone", "namespace": "l07"},
                ],
                "placement": {"clusterAffinity": {"clusterNames": ["member1"]}},
            })
        );
        assert_eq!(policy_for(&found, &[]).object["spec"]["placement"], json!({"clusterAffinity": {}}));
    }
}

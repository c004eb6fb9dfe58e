//! What promoting an object creates.

use karmada_core::object::policy_name;
use karmada_core::work::{JobTtl, PruneError, prune};
use serde_json::{Value, json};

use crate::discovery::{ResourceKind, Scope};

const POLICY_API: &str = "policy.karmada.io/v1alpha1";
/// The annotation that lets Karmada take over what runs in the member.
const CONFLICT_RESOLUTION: &str = "work.karmada.io/conflict-resolution";

/// An object of a member that cannot be a template.
#[derive(Debug, thiserror::Error)]
#[error("the object of the member cannot be read")]
pub struct TemplateError(#[from] PruneError);

/// How the policy of a promoted object looks.
#[derive(Clone, Debug)]
pub struct PolicyOptions<'a> {
    /// Made from the object's name when absent.
    pub name: Option<&'a str>,
    pub cluster: &'a str,
    /// Whether what the object needs goes with it.
    pub dependencies: bool,
}

/// Returns the template that an object of a member becomes.
pub fn template(object: &Value) -> Result<Value, TemplateError> {
    let mut template = object.clone();
    prune(&mut template, JobTtl::Kept)?;
    template["metadata"]["annotations"][CONFLICT_RESOLUTION] = json!("overwrite");
    Ok(template)
}

/// Returns the policy that keeps a promoted object where it is.
pub fn policy(
    kind: &ResourceKind,
    namespace: Option<&str>,
    name: &str,
    options: &PolicyOptions<'_>,
) -> Value {
    let go_kind = crate::apply::go_kind(&kind.group, &kind.version, &kind.kind);
    let policy_name = options
        .name
        .map_or_else(|| policy_name(namespace.unwrap_or_default(), name, &go_kind), str::to_owned);
    let mut metadata = json!({ "name": policy_name });
    let policy_kind = match (kind.scope, namespace) {
        (Scope::Namespaced, Some(namespace)) => {
            metadata["namespace"] = json!(namespace);
            "PropagationPolicy"
        }
        _ => "ClusterPropagationPolicy",
    };
    let mut spec = json!({
        "resourceSelectors": [{ "apiVersion": kind.api_version(), "kind": kind.kind, "name": name }],
        "placement": { "clusterAffinity": { "clusterNames": [options.cluster] } },
        "conflictResolution": "Overwrite",
        "preserveResourcesOnDeletion": true,
    });
    if options.dependencies {
        spec["propagateDeps"] = json!(true);
    }
    json!({ "apiVersion": POLICY_API, "kind": policy_kind, "metadata": metadata, "spec": spec })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_nothing_of_the_member_in_it() {
        let object = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "s", "namespace": "n", "uid": "x", "resourceVersion": "5", "managedFields": []},
            "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80}]},
            "status": {"loadBalancer": {}},
        });
        assert_eq!(
            template(&object).unwrap(),
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {
                    "name": "s", "namespace": "n", "annotations": {"work.karmada.io/conflict-resolution": "overwrite"},
                },
                "spec": {"ports": [{"port": 80}]},
            })
        );
    }

    #[test]
    fn a_policy_keeps_the_object_where_it_is() {
        let kind = ResourceKind {
            group: "rbac.authorization.k8s.io".into(),
            version: "v1".into(),
            kind: "ClusterRole".into(),
            scope: Scope::Cluster,
            ..ResourceKind::default()
        };
        let options = PolicyOptions { name: Some("mine"), cluster: "m1", dependencies: true };
        let policy = policy(&kind, None, "legacy", &options);
        assert_eq!(policy["kind"], "ClusterPropagationPolicy");
        assert_eq!(policy["metadata"], json!({"name": "mine"}));
        assert_eq!(policy["spec"]["propagateDeps"], true);
        assert_eq!(policy["spec"]["preserveResourcesOnDeletion"], true);
    }
}

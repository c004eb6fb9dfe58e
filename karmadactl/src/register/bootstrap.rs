//! What a control plane needs so that clusters can be registered with it in pull mode.
//!
//! A token of the group [`DEFAULT_GROUP`] may ask for certificates of agents, and anybody may read the description of the
//! control plane, which the tokens sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_core::api::reserved::SYSTEM_NAMESPACE;
use karmada_core::membership::{AGENTS_GROUP, RBAC_GENERATOR_USER};
use serde_json::{Value, json};

use super::objects::{Ensured, ObjectError, ensure};
use crate::token::DEFAULT_GROUP;

pub(super) const RBAC: &str = "rbac.authorization.k8s.io";
pub(super) const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";
/// Namespace of what everybody may read.
pub const PUBLIC_NAMESPACE: &str = "kube-public";
/// ConfigMap that describes the control plane.
pub const CLUSTER_INFO: &str = "cluster-info";

const CLUSTER_INFO_ROLE: &str = "system:karmada:bootstrap-signer-clusterinfo";
const BOOTSTRAP_BINDING: &str = "system:karmada:agent-bootstrap";
const AUTO_APPROVER: &str = "system:karmada:certificatesigningrequest:autoapprover";
const SELF_AUTO_APPROVER: &str = "system:karmada:certificatesigningrequest:selfautoapprover";
const AUTO_APPROVE_BOOTSTRAP: &str = "system:karmada:agent-autoapprove-bootstrap";
const AUTO_APPROVE_ROTATION: &str = "system:karmada:agent-autoapprove-certificate-rotation";
const RBAC_GENERATOR: &str = "system:karmada:agent-rbac-generator";

/// Returns what a control plane at `server` needs, whose certificates are checked by `authority` (PEM).
pub fn bootstrap_objects(server: &str, authority: &[u8]) -> Vec<Value> {
    let mut objects = vec![cluster_info(server, authority)];
    objects.extend(roles());
    objects
}

/// Brings a control plane what it needs; what is there already is not written again.
///
/// # Errors
/// When the control plane cannot be asked or refuses.
pub async fn ensure_bootstrap(
    control_plane: &kube::Client,
    server: &str,
    authority: &[u8],
) -> Result<(), ObjectError> {
    let system = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}});
    for object in std::iter::once(system).chain(bootstrap_objects(server, authority)) {
        if ensure(control_plane, &object).await? != Ensured::Unchanged {
            tracing::debug!(object = super::path_of(&object), "prepared for registrations");
        }
    }
    Ok(())
}

/// The description of the control plane that everybody may read.
fn cluster_info(server: &str, authority: &[u8]) -> Value {
    // Signed as text, so it is written as it always was: one line a field, JSON strings are YAML.
    let kubeconfig = format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n    server: {}\n  name: \"\"\n\
         contexts: null\ncurrent-context: \"\"\nkind: Config\npreferences: {{}}\nusers: null\n",
        STANDARD.encode(authority),
        Value::from(server),
    );
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": CLUSTER_INFO, "namespace": PUBLIC_NAMESPACE},
        "data": {"kubeconfig": kubeconfig},
    })
}

fn roles() -> Vec<Value> {
    let approver = |name: &str, subresource: &str| {
        cluster_role(
            name,
            &json!([{
                "apiGroups": ["certificates.k8s.io"],
                "resources": [format!("certificatesigningrequests/{subresource}")],
                "verbs": ["create"],
            }]),
        )
    };
    vec![
        json!({
            "apiVersion": RBAC_V1, "kind": "Role",
            "metadata": {"name": CLUSTER_INFO_ROLE, "namespace": PUBLIC_NAMESPACE},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [CLUSTER_INFO], "verbs": ["get"]}],
        }),
        json!({
            "apiVersion": RBAC_V1, "kind": "RoleBinding",
            "metadata": {"name": CLUSTER_INFO_ROLE, "namespace": PUBLIC_NAMESPACE},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": CLUSTER_INFO_ROLE},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "system:anonymous"}],
        }),
        cluster_role_binding(BOOTSTRAP_BINDING, "system:node-bootstrapper", "Group", DEFAULT_GROUP),
        approver(AUTO_APPROVER, "clusteragent"),
        cluster_role_binding(AUTO_APPROVE_BOOTSTRAP, AUTO_APPROVER, "Group", DEFAULT_GROUP),
        approver(SELF_AUTO_APPROVER, "selfclusteragent"),
        cluster_role_binding(AUTO_APPROVE_ROTATION, SELF_AUTO_APPROVER, "Group", AGENTS_GROUP),
        rbac_generator(),
        cluster_role_binding(RBAC_GENERATOR, RBAC_GENERATOR, "User", RBAC_GENERATOR_USER),
    ]
}

/// What a registration may do to prepare an agent.
///
/// DEVIATION: upstream allows everything, which unified authentication would carry into every member.
fn rbac_generator() -> Value {
    cluster_role(
        RBAC_GENERATOR,
        &json!([
            {
                "apiGroups": [RBAC],
                "resources": ["clusterroles", "clusterrolebindings", "roles", "rolebindings"],
                "verbs": ["get", "list", "create", "update", "patch", "delete", "bind", "escalate"],
            },
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "create", "delete"]},
            {"apiGroups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["get", "list"]},
            {
                "apiGroups": ["certificates.k8s.io"],
                "resources": ["certificatesigningrequests"],
                "verbs": ["get", "list", "create", "delete"],
            },
        ]),
    )
}

pub(super) fn cluster_role(name: &str, rules: &Value) -> Value {
    json!({"apiVersion": RBAC_V1, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules})
}

pub(super) fn cluster_role_binding(name: &str, role: &str, subject_kind: &str, subject: &str) -> Value {
    json!({
        "apiVersion": RBAC_V1, "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": subject_kind, "name": subject}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_a_kubeconfig_of_the_control_plane() {
        let description = cluster_info("https://127.0.0.1:5443", b"pem");
        let text = description["data"]["kubeconfig"].as_str().unwrap();
        let kubeconfig: Value = serde_saphyr::from_str(text).unwrap();
        let cluster = &kubeconfig["clusters"][0]["cluster"];
        assert_eq!(cluster["server"], "https://127.0.0.1:5443");
        assert_eq!(cluster["certificate-authority-data"], STANDARD.encode("pem"));
    }

    #[test]
    fn every_binding_has_its_role() {
        let objects = bootstrap_objects("https://x", b"");
        let names: Vec<&str> = objects
            .iter()
            .filter(|object| object["rules"].is_array())
            .filter_map(|object| object["metadata"]["name"].as_str())
            .collect();
        for binding in objects.iter().filter(|object| object["roleRef"].is_object()) {
            let role = binding["roleRef"]["name"].as_str().unwrap();
            assert!(names.contains(&role) || role == "system:node-bootstrapper", "{role}");
        }
    }
}

//! What is written into the control plane once its API server answers.

use serde_json::{Value, json};

use super::certificate_set::CertificateSet;
use super::secrets;
use crate::attached::prepare;
use crate::printer::{DocumentFormat, render_document};

/// Group of clients that show a bootstrap token, unless the token says otherwise.
const BOOTSTRAPPERS: &str = "system:bootstrappers:karmada:default-cluster-token";
/// Group of agents.
const AGENTS: &str = "system:karmada:agents";
/// User by which `register` makes the roles of an agent.
const ROLE_GENERATOR: &str = "system:karmada:agent:rbac-generator";
const RBAC: &str = "rbac.authorization.k8s.io";
/// The kind that the aggregated API server serves.
const CLUSTERS: &str = "clusters.cluster.karmada.io";

/// Returns namespaces, kinds and roles, in the order in which they must come.
pub fn foundations() -> Vec<Value> {
    let mut objects: Vec<Value> =
        prepare::objects().into_iter().filter(|object| object["metadata"]["name"] != CLUSTERS).collect();
    for role in agent_roles() {
        let is_there = objects.iter().any(|known| identity(known) == identity(&role));
        if !is_there {
            objects.push(role);
        }
    }
    objects
}

/// Returns what a cluster that wants to register finds: the server's address and authority, readable for everybody.
///
/// # Errors
/// When the kubeconfig in it cannot be written as YAML.
pub fn cluster_info(
    server: &str,
    certificates: &CertificateSet,
) -> Result<Vec<Value>, crate::error::CliError> {
    let full = secrets::kubeconfig(server, certificates);
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": "",
        "clusters": [{"name": "", "cluster": full["clusters"][0]["cluster"]}],
        "contexts": [], "users": [],
    });
    let text = render_document(&kubeconfig, DocumentFormat::Yaml)?;
    let role = "system:karmada:bootstrap-signer-clusterinfo";
    Ok(vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-public"}}),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cluster-info", "namespace": "kube-public"}, "data": {"kubeconfig": text},
        }),
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "Role",
            "metadata": {"name": role, "namespace": "kube-public"},
            "rules": [{
                "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["cluster-info"],
                "verbs": ["get"],
            }],
        }),
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": "kube-public"},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "system:anonymous"}],
        }),
    ])
}

/// Roles by which clusters register themselves in pull mode.
fn agent_roles() -> Vec<Value> {
    let role = |name: &str, rules: Value| {
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules,
        })
    };
    let binding = |name: &str, role: &str, kind: &str, subject: &str| {
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": kind, "name": subject}],
        })
    };
    let approved = |resource: &str| {
        json!([{
            "apiGroups": ["certificates.k8s.io"],
            "resources": [format!("certificatesigningrequests/{resource}")],
            "verbs": ["create"],
        }])
    };
    let approver = "system:karmada:certificatesigningrequest:autoapprover";
    let self_approver = "system:karmada:certificatesigningrequest:selfautoapprover";
    let generator = "system:karmada:agent-rbac-generator";
    vec![
        role(generator, json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])),
        binding(generator, generator, "User", ROLE_GENERATOR),
        binding("system:karmada:agent-bootstrap", "system:node-bootstrapper", "Group", BOOTSTRAPPERS),
        role(approver, approved("clusteragent")),
        binding("system:karmada:agent-autoapprove-bootstrap", approver, "Group", BOOTSTRAPPERS),
        role(self_approver, approved("selfclusteragent")),
        binding("system:karmada:agent-autoapprove-certificate-rotation", self_approver, "Group", AGENTS),
    ]
}

/// Kind, namespace and name.
fn identity(object: &Value) -> (&str, &str, &str) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

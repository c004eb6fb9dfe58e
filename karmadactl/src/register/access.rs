//! What an agent may do in the control plane.
//!
//! The names are upstream's. DEVIATION: the agent may also change its own Cluster (upstream's cannot correct one that is
//! there), patch its Works and its status, and read single services (of interpreter webhooks).

use karmada_core::api::reserved::{LABEL_TRUE, SYSTEM_LABEL};
use karmada_core::membership::AGENT_USER_PREFIX;
use serde_json::{Value, json};

use super::bootstrap::{RBAC, RBAC_V1, cluster_role, cluster_role_binding};
use crate::join::footprint::{execution_namespace, impersonator_secret_name};

/// Name of the user that the agent of a cluster is.
pub fn agent_user(cluster: &str) -> String {
    format!("{AGENT_USER_PREFIX}{cluster}")
}

/// Returns the namespaces that an agent works in: that of credentials, and its execution namespace.
pub fn namespaces(cluster: &str, cluster_namespace: &str) -> Vec<Value> {
    [cluster_namespace.to_owned(), execution_namespace(cluster)]
        .into_iter()
        .map(|name| {
            json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": name, "labels": {SYSTEM_LABEL: LABEL_TRUE}},
            })
        })
        .collect()
}

/// Returns the roles of an agent and their bindings.
pub fn roles(cluster: &str, cluster_namespace: &str) -> Vec<Value> {
    let name = format!("system:karmada:{cluster}:agent");
    let user = agent_user(cluster);
    let mut objects =
        vec![cluster_role(&name, &cluster_rules(cluster)), cluster_role_binding(&name, &name, "User", &user)];
    objects.extend(namespaced(&format!("{name}-secret"), cluster_namespace, &user, &secret_rules(cluster)));
    objects.extend(namespaced(&format!("{name}-work"), &execution_namespace(cluster), &user, &work_rules()));
    objects
}

fn cluster_rules(cluster: &str) -> Value {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let own = |resource: &str, verbs: &[&str]| {
        json!({
            "apiGroups": ["cluster.karmada.io"], "resources": [resource], "resourceNames": [cluster], "verbs": verbs,
        })
    };
    json!([
        own("clusters", &["get", "update", "patch", "delete"]),
        rule("cluster.karmada.io", &["clusters"], &["create", "list", "watch"]),
        own("clusters/status", &["update", "patch"]),
        rule(
            "config.karmada.io",
            &["resourceinterpretercustomizations", "resourceinterpreterwebhookconfigurations"],
            &["get", "list", "watch"],
        ),
        rule("", &["namespaces"], &["get"]),
        rule("coordination.k8s.io", &["leases"], &["get", "create", "update"]),
        rule("certificates.k8s.io", &["certificatesigningrequests"], &["get", "create"]),
        rule("", &["services"], &["get", "list", "watch"]),
        rule("", &["events"], &["create", "patch", "update"]),
    ])
}

fn secret_rules(cluster: &str) -> Value {
    json!([
        {
            "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"],
            "resourceNames": [cluster, impersonator_secret_name(cluster)],
        },
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    ])
}

fn work_rules() -> Value {
    json!([
        {
            "apiGroups": ["work.karmada.io"], "resources": ["works"],
            "verbs": ["get", "create", "list", "watch", "update", "patch", "delete"],
        },
        {"apiGroups": ["work.karmada.io"], "resources": ["works/status"], "verbs": ["patch", "update"]},
    ])
}

fn namespaced(name: &str, namespace: &str, user: &str, rules: &Value) -> [Value; 2] {
    let metadata = json!({"name": name, "namespace": namespace});
    [
        json!({"apiVersion": RBAC_V1, "kind": "Role", "metadata": metadata, "rules": rules}),
        json!({
            "apiVersion": RBAC_V1, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_reaches_no_other_clusters_works_or_secrets() {
        let objects = roles("m1", "karmada-cluster");
        let of = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        for role in of("ClusterRole") {
            let rules = role["rules"].to_string();
            assert!(
                !rules.contains("works") && !rules.contains("secrets") && !rules.contains('*'),
                "{rules}"
            );
        }
        let namespaces: Vec<&str> =
            of("Role").filter_map(|role| role["metadata"]["namespace"].as_str()).collect();
        assert_eq!(namespaces, ["karmada-cluster", "karmada-es-m1"]);
        for binding in of("RoleBinding").chain(of("ClusterRoleBinding")) {
            assert_eq!(binding["subjects"][0]["name"], "system:karmada:agent:m1");
        }
    }
}

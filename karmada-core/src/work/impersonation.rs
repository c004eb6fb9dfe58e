//! Whom the control plane may impersonate in a member: the users of its cluster proxy.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Value, json};

use super::{decision::WorkWrite, desired::DesiredWork, prune::PruneError};
use crate::api::cluster::Cluster;
use crate::api::reserved::{IMPERSONATOR_NAME, LABEL_TRUE, SYSTEM_LABEL};
use crate::api::work::Work;
use crate::object::{execution_namespace, work_name};

const RBAC: &str = "rbac.authorization.k8s.io";

/// What decides whom the control plane may impersonate in a member.
#[derive(Clone, Copy, Debug)]
pub struct ImpersonationInput<'a> {
    /// The member.
    pub cluster: &'a Cluster,
    /// Roles of the control plane.
    pub roles: &'a [ClusterRole],
    /// Bindings of the control plane.
    pub bindings: &'a [ClusterRoleBinding],
    /// The Works that are there: those of [`impersonation_work_names`], others are passed over.
    pub existing: &'a [&'a Work],
}

/// Returns true when a role lets someone use the proxy of a cluster.
pub fn grants_proxy(role: &ClusterRole, cluster: &str) -> bool {
    role.rules.iter().flatten().any(|rule| rule_grants(rule, cluster))
}

/// Returns the Works that carry the impersonator's role and its binding to a member.
///
/// # Errors
/// When a manifest cannot be prepared for a member.
pub fn impersonation_works(input: &ImpersonationInput<'_>) -> Result<Vec<WorkWrite>, PruneError> {
    let cluster = input.cluster.metadata.name.as_deref().unwrap_or_default();
    let Some(secret) = &input.cluster.spec.impersonator_secret_ref else { return Ok(Vec::new()) };
    let roles: BTreeSet<&str> = input
        .roles
        .iter()
        .filter(|role| grants_proxy(role, cluster))
        .filter_map(|role| role.metadata.name.as_deref())
        .collect();
    let bound = input.bindings.iter().filter(|binding| {
        binding.role_ref.kind == "ClusterRole" && roles.contains(binding.role_ref.name.as_str())
    });
    let subjects: Vec<&Subject> = bound.flat_map(|binding| binding.subjects.iter().flatten()).collect();
    let metadata = json!({"name": IMPERSONATOR_NAME, "labels": {SYSTEM_LABEL: LABEL_TRUE}});
    let role = json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole", "metadata": metadata,
        "rules": impersonation_rules(&subjects),
    });
    let binding = json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": IMPERSONATOR_NAME},
        "subjects": [
            {"kind": "ServiceAccount", "name": IMPERSONATOR_NAME, "namespace": secret.namespace},
        ],
    });
    let mut writes = Vec::new();
    for manifest in [role, binding] {
        let desired = desired(input.cluster, cluster, manifest);
        let existing = input.existing.iter().copied().find(|work| {
            work.metadata.namespace.as_deref() == Some(&desired.namespace)
                && work.metadata.name.as_deref() == Some(&desired.name)
        });
        if existing.is_some_and(|work| work.metadata.deletion_timestamp.is_some()) {
            continue;
        }
        writes.extend(desired.into_write(existing)?);
    }
    Ok(writes)
}

/// Returns the names of the Works that carry the impersonator's role and its binding.
pub fn impersonation_work_names() -> [String; 2] {
    ["ClusterRole", "ClusterRoleBinding"].map(|kind| work_name(kind, IMPERSONATOR_NAME, ""))
}

fn desired(cluster: &Cluster, name: &str, manifest: Value) -> DesiredWork {
    let kind = crate::object::kind(&manifest).to_owned();
    DesiredWork {
        namespace: execution_namespace(name),
        name: work_name(&kind, IMPERSONATOR_NAME, ""),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        owners: vec![OwnerReference {
            api_version: "cluster.karmada.io/v1alpha1".to_owned(),
            kind: "Cluster".to_owned(),
            name: name.to_owned(),
            uid: cluster.metadata.uid.clone().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }],
        suspend_dispatching: None,
        preserve_resources_on_deletion: None,
        manifest,
    }
}

fn rule_grants(rule: &PolicyRule, cluster: &str) -> bool {
    let has = |values: &Option<Vec<String>>, wanted: &str| {
        values.iter().flatten().any(|value| value == "*" || value == wanted)
    };
    let of_cluster = has(&rule.api_groups, "cluster.karmada.io")
        && has(&rule.resources, "clusters/proxy")
        && rule
            .resource_names
            .as_deref()
            .is_none_or(|names| names.is_empty() || names.iter().any(|name| name == "*" || name == cluster));
    let of_search = has(&rule.api_groups, "search.karmada.io") && has(&rule.resources, "proxying/proxy");
    of_cluster || of_search
}

/// One rule per kind of subject that there is; service accounts lose their namespace, as upstream has it.
fn impersonation_rules(subjects: &[&Subject]) -> Vec<PolicyRule> {
    let kinds = [("User", "users"), ("ServiceAccount", "serviceaccounts"), ("Group", "groups")];
    let rules = kinds.into_iter().filter_map(|(kind, resource)| {
        let of_kind = subjects.iter().filter(|subject| subject.kind == kind);
        let names: BTreeSet<&str> = of_kind.map(|subject| subject.name.as_str()).collect();
        (!names.is_empty()).then(|| PolicyRule {
            api_groups: Some(vec![String::new()]),
            resources: Some(vec![resource.to_owned()]),
            resource_names: Some(names.into_iter().map(str::to_owned).collect()),
            verbs: vec!["impersonate".to_owned()],
            ..PolicyRule::default()
        })
    });
    rules.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, rule: Value) -> ClusterRole {
        serde_json::from_value(json!({"metadata": {"name": name}, "rules": [rule]})).unwrap()
    }

    fn binding(role: &str, subjects: Value) -> ClusterRoleBinding {
        serde_json::from_value(json!({
            "metadata": {"name": role}, "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": subjects,
        }))
        .unwrap()
    }

    fn cluster() -> Cluster {
        serde_json::from_value(json!({
            "metadata": {"name": "member5", "uid": "u"},
            "spec": {"syncMode": "Push", "impersonatorSecretRef": {"namespace": "karmada-cluster", "name": "s"}},
        }))
        .unwrap()
    }

    #[test]
    fn a_role_grants_by_name_or_for_all_clusters() {
        let grants = |rule| grants_proxy(&role("r", rule), "m1");
        let proxy = |names: Value| json!({"apiGroups": ["cluster.karmada.io"], "resources": ["clusters/proxy"], "verbs": ["*"], "resourceNames": names});
        assert!(grants(proxy(json!(null))) && grants(proxy(json!(["m1"]))));
        assert!(!grants(proxy(json!(["m2"]))));
        assert!(grants(json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})));
        assert!(!grants(
            json!({"apiGroups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["*"]})
        ));
        assert!(grants(
            json!({"apiGroups": ["search.karmada.io"], "resources": ["proxying/proxy"], "verbs": ["*"]})
        ));
    }

    #[test]
    fn the_subjects_of_granting_roles_may_be_impersonated() {
        let any = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        let roles = [
            role("admin", any),
            role("other", json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})),
        ];
        let bindings = [
            binding(
                "admin",
                json!([
                    {"kind": "User", "name": "b"}, {"kind": "User", "name": "a"}, {"kind": "Group", "name": "g"},
                    {"kind": "ServiceAccount", "name": "s", "namespace": "x"},
                ]),
            ),
            binding("other", json!([{"kind": "User", "name": "nobody"}])),
        ];
        let cluster = cluster();
        let input =
            ImpersonationInput { cluster: &cluster, roles: &roles, bindings: &bindings, existing: &[] };
        let writes = impersonation_works(&input).unwrap();
        let names: Vec<&str> =
            writes.iter().map(|write| write.work().metadata.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["karmada-impersonator-7cbb6bd5c9", "karmada-impersonator-84f8c8f8c6"]);
        assert_eq!(impersonation_work_names(), *names);
        let rules = &writes[0].work().spec.workload.manifests[0]["rules"];
        assert_eq!(rules[0]["resourceNames"], json!(["a", "b"]));
        assert_eq!(rules[1]["resources"], json!(["serviceaccounts"]));
        assert_eq!(rules[2]["resourceNames"], json!(["g"]));
        assert_eq!(rules.as_array().unwrap().len(), 3);
    }
}

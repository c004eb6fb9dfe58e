//! What a FederatedResourceQuota brings to members, and what they say of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::desired::DesiredWork;
use super::{OrphanWork, PruneError, WorkWrite, resource_usage};
use crate::api::ResourceList;
use crate::api::policy::constants::{
    FEDERATED_RESOURCE_QUOTA_NAME_LABEL, FEDERATED_RESOURCE_QUOTA_NAMESPACE_LABEL,
};
use crate::api::policy::{ClusterQuotaStatus, FederatedResourceQuota, FederatedResourceQuotaStatus};
use crate::api::work::constants::CONDITION_APPLIED;
use crate::api::work::{ResourceBindingSpec, Work};
use crate::object::{Quantity, cluster_of_execution_namespace, execution_namespace, work_name};

/// How the use of a quota over all clusters is counted.
#[derive(Clone, Copy, Debug)]
pub enum QuotaUse<'a> {
    /// What the members' quotas report.
    Reported,
    /// What the bindings of the namespace request: with the gate FederatedQuotaEnforcement.
    Requested(&'a [&'a ResourceBindingSpec]),
}

/// Works to write and to delete for a quota.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaWorks {
    /// Works of clusters with an assignment.
    pub writes: Vec<WorkWrite>,
    /// Works of clusters that lost theirs.
    pub orphans: Vec<OrphanWork>,
}

/// Returns the name of the Works of a quota, the same in every execution namespace.
pub fn quota_work_name(namespace: &str, name: &str) -> String {
    work_name("ResourceQuota", name, namespace)
}

/// Decides which Works bring the assignments of a quota to their clusters.
///
/// `existing` are the quota's Works; assignments to clusters that are not there wait for them.
///
/// # Errors
/// When an existing Work cannot be compared.
pub fn quota_works(
    quota: &FederatedResourceQuota,
    clusters: &[&str],
    existing: &[&Work],
) -> Result<QuotaWorks, PruneError> {
    let namespace = quota.metadata.namespace.clone().unwrap_or_default();
    let name = quota.metadata.name.clone().unwrap_or_default();
    // Of two assignments to one cluster the last counts, for it is written last.
    let assigned: BTreeMap<&str, &ResourceList> = quota
        .spec
        .static_assignments
        .iter()
        .map(|assignment| (assignment.cluster_name.as_str(), &assignment.hard))
        .filter(|(cluster, _)| clusters.contains(cluster))
        .collect();
    let mut works = QuotaWorks::default();
    for (cluster, hard) in &assigned {
        let desired = DesiredWork {
            namespace: execution_namespace(cluster),
            name: quota_work_name(&namespace, &name),
            labels: labels(&namespace, &name),
            annotations: BTreeMap::new(),
            owners: Vec::new(),
            suspend_dispatching: None,
            preserve_resources_on_deletion: None,
            manifest: manifest(&namespace, &name, hard),
        };
        let current = existing
            .iter()
            .copied()
            .find(|work| work.metadata.namespace.as_deref() == Some(&desired.namespace));
        works.writes.extend(desired.into_write(current)?);
    }
    let is_wanted = |work: &Work| {
        assigned.keys().any(|cluster| work.metadata.namespace == Some(execution_namespace(cluster)))
    };
    works.orphans =
        existing.iter().filter(|work| !is_wanted(work)).map(|work| OrphanWork::of(work)).collect();
    Ok(works)
}

fn labels(namespace: &str, name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (FEDERATED_RESOURCE_QUOTA_NAMESPACE_LABEL.to_owned(), namespace.to_owned()),
        (FEDERATED_RESOURCE_QUOTA_NAME_LABEL.to_owned(), name.to_owned()),
    ])
}

fn manifest(namespace: &str, name: &str, hard: &ResourceList) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"namespace": namespace, "name": name, "labels": labels(namespace, name)},
        "spec": {"hard": hard},
    })
}

/// Computes the status of a quota from its Works and, with enforcement, from the bindings of its namespace.
///
/// A member counts once its quota was applied there and has reported.
pub fn quota_status(
    quota: &FederatedResourceQuota,
    works: &[&Work],
    used: QuotaUse<'_>,
) -> FederatedResourceQuotaStatus {
    let mut aggregated: Vec<ClusterQuotaStatus> = works.iter().filter_map(|work| reported(work)).collect();
    aggregated.sort_by(|a, b| a.cluster_name.cmp(&b.cluster_name));
    let mut overall_used = ResourceList::new();
    let mut add = |list: &ResourceList| {
        for (name, quantity) in list {
            *overall_used.entry(name.clone()).or_insert(Quantity::ZERO) += *quantity;
        }
    };
    match used {
        QuotaUse::Reported => aggregated.iter().for_each(|cluster| add(&cluster.used)),
        QuotaUse::Requested(bindings) => {
            for binding in bindings {
                let mut usage = resource_usage(binding);
                usage.retain(|name, _| quota.spec.overall.contains_key(name));
                add(&usage);
            }
        }
    }
    FederatedResourceQuotaStatus {
        overall: quota.spec.overall.clone(),
        overall_used,
        aggregated_status: aggregated,
    }
}

fn reported(work: &Work) -> Option<ClusterQuotaStatus> {
    let status = work.status.as_ref()?;
    let is_applied = status.conditions.iter().any(|c| c.type_ == CONDITION_APPLIED && c.status == "True");
    let reported = status.manifest_statuses.first()?.status.as_ref()?;
    let cluster = cluster_of_execution_namespace(work.metadata.namespace.as_deref()?).ok()?;
    let list = |field: &str| serde_json::from_value(reported[field].clone()).unwrap_or_default();
    is_applied.then(|| ClusterQuotaStatus {
        cluster_name: cluster.to_owned(),
        hard: list("hard"),
        used: list("used"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(assignments: &Value) -> FederatedResourceQuota {
        serde_json::from_value(json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "FederatedResourceQuota",
            "metadata": {"namespace": "shop", "name": "q"},
            "spec": {"overall": {"cpu": "10"}, "staticAssignments": assignments},
        }))
        .unwrap()
    }

    fn written(works: &QuotaWorks) -> Vec<Work> {
        works.writes.iter().map(|write| write.work().clone()).collect()
    }

    fn report(work: &mut Work, used: &str) {
        work.status = serde_json::from_value(json!({
            "conditions": [{"type": "Applied", "status": "True", "reason": "r", "message": "",
                "lastTransitionTime": "2024-01-01T00:00:00Z"}],
            "manifestStatuses": [{"identifier": {}, "status": {"hard": {"cpu": "5"}, "used": {"cpu": used}}}],
        }))
        .ok();
    }

    #[test]
    fn brings_each_assignment_to_its_cluster_and_then_rests() {
        let quota =
            quota(&json!([{"clusterName": "m1", "hard": {"cpu": "5"}}, {"clusterName": "gone", "hard": {}}]));
        let works = written(&quota_works(&quota, &["m1", "m2"], &[]).unwrap());
        assert_eq!(works.len(), 1);
        assert_eq!(works[0].metadata.namespace.as_deref(), Some("karmada-es-m1"));
        assert_eq!(works[0].spec.workload.manifests[0]["spec"], json!({"hard": {"cpu": "5"}}));
        assert_eq!(quota_works(&quota, &["m1"], &[&works[0]]).unwrap(), QuotaWorks::default());
    }

    #[test]
    fn takes_back_what_is_no_longer_assigned() {
        let before = quota(&json!([{"clusterName": "m1", "hard": {"cpu": "5"}}]));
        let works = written(&quota_works(&before, &["m1"], &[]).unwrap());
        let decision = quota_works(&quota(&json!([])), &["m1"], &[&works[0]]).unwrap();
        assert_eq!((decision.writes.len(), decision.orphans.len()), (0, 1));
    }

    #[test]
    fn sums_what_members_report() {
        let assignments =
            json!([{"clusterName": "m2", "hard": {"cpu": "5"}}, {"clusterName": "m1", "hard": {"cpu": "5"}}]);
        let quota = quota(&assignments);
        let mut works = written(&quota_works(&quota, &["m1", "m2"], &[]).unwrap());
        report(&mut works[0], "1500m");
        report(&mut works[1], "2");
        let works: Vec<&Work> = works.iter().collect();
        let status = json!(quota_status(&quota, &works, QuotaUse::Reported));
        assert_eq!(status["overallUsed"], json!({"cpu": "3500m"}));
        assert_eq!(status["aggregatedStatus"][0]["clusterName"], "m1");
    }

    #[test]
    fn counts_requests_of_bindings_where_the_quota_is_enforced() {
        let binding: ResourceBindingSpec = serde_json::from_value(json!({
            "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "replicaRequirements": {"resourceRequest": {"cpu": "1", "memory": "1Gi"}},
            "clusters": [{"name": "m1", "replicas": 2}, {"name": "m2", "replicas": 1}],
        }))
        .unwrap();
        let status = json!(quota_status(&quota(&json!([])), &[], QuotaUse::Requested(&[&binding])));
        assert_eq!(status, json!({"overall": {"cpu": "10"}, "overallUsed": {"cpu": "3"}}));
    }
}

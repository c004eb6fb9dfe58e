//! What bindings use of the quotas over all clusters.

use std::collections::BTreeSet;

use super::{AdmissionDenied, AdmissionInput, Operation, read::read};
use crate::{
    api::{ResourceList, policy::FederatedResourceQuota, work::ResourceBindingSpec},
    object,
};

const REASON: &str = "QuotaExceeded";

/// The new use of a quota, which is written to `status.overallUsed` when a binding is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUse {
    /// The quota's namespace.
    pub namespace: String,
    /// The quota's name.
    pub name: String,
    /// What is used over all clusters.
    pub overall_used: ResourceList,
}

/// Returns what a binding uses in all clusters it is scheduled to.
///
/// With components every chosen cluster runs one set of them.
pub fn binding_use(spec: &ResourceBindingSpec) -> ResourceList {
    let mut used = ResourceList::new();
    let mut add = |requests: &ResourceList, factor: i64| {
        for (resource, quantity) in requests {
            *used.entry(resource.clone()).or_default() += *quantity * factor;
        }
    };
    if spec.components.is_empty() {
        if let Some(requirements) = &spec.replica_requirements {
            add(&requirements.resource_request, scheduled_replicas(spec));
        }
        return used;
    }
    let clusters = i64::try_from(spec.clusters.len()).unwrap_or(i64::MAX);
    for component in &spec.components {
        if let Some(requirements) = &component.replica_requirements {
            add(&requirements.resource_request, i64::from(component.replicas).saturating_mul(clusters));
        }
    }
    used
}

/// Returns what bindings use together of the resources that a quota limits.
pub fn overall_use<'a>(
    bindings: impl IntoIterator<Item = &'a ResourceBindingSpec>,
    limits: &ResourceList,
) -> ResourceList {
    let mut used = ResourceList::new();
    for (resource, quantity) in bindings.into_iter().flat_map(binding_use) {
        if limits.contains_key(&resource) {
            *used.entry(resource).or_default() += quantity;
        }
    }
    used
}

/// Checks a binding against the quotas of its namespace and returns their new use.
///
/// A change that has nothing to do with what is used is not checked: a quota that was lowered
/// stops no binding that is there.
pub(super) fn check_quotas(
    input: &AdmissionInput<'_>,
    old: Option<&ResourceBindingSpec>,
    new: &ResourceBindingSpec,
) -> Result<Vec<QuotaUse>, AdmissionDenied> {
    let is_unscheduled = input.operation == Operation::Create && new.clusters.is_empty();
    if is_unscheduled || old.is_some_and(|old| !changes_use(old, new)) {
        return Ok(Vec::new());
    }
    let before = old.map(binding_use).unwrap_or_default();
    let after = binding_use(new);
    let resources: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut uses = Vec::new();
    for stored in input.related.quotas {
        if object::namespace(stored) != input.namespace {
            continue;
        }
        let quota: FederatedResourceQuota = read(stored)
            .map_err(|error| AdmissionDenied::internal(format!("cannot read a quota: {error}")))?;
        let limits = &quota.spec.overall;
        let changed: Vec<&String> =
            resources.iter().copied().filter(|resource| limits.contains_key(*resource)).collect();
        if changed.is_empty() {
            continue;
        }
        let mut used = quota.status.map(|status| status.overall_used).unwrap_or_default();
        // DEVIATION: by name; which of several upstream names is random.
        for resource in changed {
            let amount = |list: &ResourceList| list.get(resource).copied().unwrap_or_default();
            let sum = amount(&used) + (amount(&after) - amount(&before));
            if sum > limits[resource] {
                return Err(exceeded(stored, resource, &sum.to_string(), &limits[resource].to_string()));
            }
            if sum.sign() > 0 {
                used.insert(resource.clone(), sum);
            } else {
                used.remove(resource);
            }
        }
        uses.push(QuotaUse {
            namespace: object::namespace(stored).to_owned(),
            name: object::name(stored).to_owned(),
            overall_used: used,
        });
    }
    Ok(uses)
}

fn exceeded(quota: &serde_json::Value, resource: &str, sum: &str, limit: &str) -> AdmissionDenied {
    let (namespace, name) = (object::namespace(quota), object::name(quota));
    let explanation = format!(
        "FederatedResourceQuota({namespace}/{name}) exceeded for resource {resource}: requested sum {sum}, limit {limit}."
    );
    AdmissionDenied {
        reason: REASON,
        ..AdmissionDenied::by_webhook("ResourceBinding", explanation, Vec::new())
    }
}

fn scheduled_replicas(spec: &ResourceBindingSpec) -> i64 {
    spec.clusters.iter().map(|cluster| i64::from(cluster.replicas)).sum()
}

fn changes_use(old: &ResourceBindingSpec, new: &ResourceBindingSpec) -> bool {
    let requests =
        |spec: &ResourceBindingSpec| spec.replica_requirements.clone().unwrap_or_default().resource_request;
    let clusters = |spec: &ResourceBindingSpec| -> BTreeSet<String> {
        spec.clusters.iter().map(|cluster| cluster.name.clone()).collect()
    };
    requests(old) != requests(new)
        || scheduled_replicas(old) != scheduled_replicas(new)
        || old.components != new.components
        || (!new.components.is_empty() && clusters(old) != clusters(new))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn spec(value: serde_json::Value) -> ResourceBindingSpec {
        serde_json::from_value(value).unwrap()
    }

    fn list(entries: &[(&str, &str)]) -> ResourceList {
        entries.iter().map(|(name, amount)| ((*name).to_owned(), amount.parse().unwrap())).collect()
    }

    #[test]
    fn replicas_count_once_and_components_once_per_cluster() {
        let replicas = spec(json!({
            "clusters": [{"name": "a", "replicas": 2}, {"name": "b", "replicas": 1}],
            "replicaRequirements": {"resourceRequest": {"cpu": "500m"}}
        }));
        assert_eq!(binding_use(&replicas), list(&[("cpu", "1500m")]));
        let components = spec(json!({
            "clusters": [{"name": "a"}, {"name": "b"}],
            "components": [
                {"name": "x", "replicas": 2, "replicaRequirements": {"resourceRequest": {"cpu": "1"}}},
                {"name": "y", "replicas": 1, "replicaRequirements": {"resourceRequest": {"memory": "1Gi"}}}
            ]
        }));
        assert_eq!(binding_use(&components), list(&[("cpu", "4"), ("memory", "2Gi")]));
        assert_eq!(overall_use([&replicas, &components], &list(&[("cpu", "0")])), list(&[("cpu", "5500m")]));
    }

    proptest! {
        /// Whatever happens to bindings one after the other, the use that is carried along stays
        /// that of the bindings that are there.
        #[test]
        fn carried_use_is_the_use_of_what_is_there(steps in prop::collection::vec((0..3_usize, 0..6_i32, 1..4_i64), 1..20)) {
            let limit = 20;
            let mut stored: Vec<Option<ResourceBindingSpec>> = vec![None, None, None];
            let mut used = ResourceList::new();
            for (which, replicas, request) in steps {
                let new = spec(json!({
                    "clusters": [{"name": "a", "replicas": replicas}],
                    "replicaRequirements": {"resourceRequest": {"cpu": request}}
                }));
                let quotas = [json!({"metadata": {"name": "q", "namespace": "n"},
                    "spec": {"overall": {"cpu": limit}}, "status": {"overallUsed": used}})];
                let object = json!({"metadata": {"name": "b", "namespace": "n"}, "spec": new});
                let gates = crate::api::FeatureGates::from_names([("FederatedQuotaEnforcement", true)]).unwrap();
                let old = stored[which].as_ref();
                let input = AdmissionInput {
                    operation: if old.is_some() { Operation::Update } else { Operation::Create },
                    group: "work.karmada.io", kind: "ResourceBinding", subresource: "",
                    object: &object, old_object: None, namespace: "n", gates: &gates,
                    taint_policies: super::super::TaintPolicyRule::default(),
                    related: super::super::Related { quotas: &quotas, customizations: &[] },
                    uuid: "u", now: jiff::Timestamp::UNIX_EPOCH,
                };
                let mut after = stored.clone();
                after[which] = Some(new.clone());
                let limits = list(&[("cpu", "20")]);
                let total = overall_use(after.iter().flatten(), &limits);
                match check_quotas(&input, old, &new) {
                    Err(denied) => {
                        prop_assert_eq!(denied.reason, "QuotaExceeded");
                        prop_assert!(total["cpu"] > limits["cpu"]);
                    }
                    Ok(uses) => {
                        if let Some(quota) = uses.into_iter().next() {
                            used = quota.overall_used;
                        }
                        stored = after;
                        let nothing = crate::object::Quantity::ZERO;
                        prop_assert!(total["cpu"] <= limits["cpu"]);
                        prop_assert_eq!(used.get("cpu").unwrap_or(&nothing), &total["cpu"]);
                    }
                }
            }
        }
    }
}

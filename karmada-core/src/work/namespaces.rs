//! Works of a namespace, which goes to every member without policy and scheduler.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::Value;

use super::build::apply_with_events;
use super::desired::DesiredWork;
use super::{ClusterFailure, WorkError, WorksDecision};
use crate::api::cluster::Cluster;
use crate::api::policy::ClusterOverridePolicy;
use crate::api::policy::constants::APPLIED_CLUSTER_OVERRIDES_ANNOTATION;
use crate::api::reserved::SKIP_AUTO_PROPAGATION_LABEL;
use crate::api::work::Work;
use crate::object::{self, execution_namespace, is_reserved_namespace, work_name};

/// The namespace that every cluster has by itself.
const DEFAULT_NAMESPACE: &str = "default";

/// What decides about a namespace's Works.
#[derive(Clone, Copy, Debug)]
pub struct NamespaceInput<'a> {
    /// The namespace.
    pub namespace: &'a Value,
    /// All clusters.
    pub clusters: &'a [&'a Cluster],
    /// All cluster-scoped override policies.
    pub cluster_override_policies: &'a [ClusterOverridePolicy],
    /// The Works with the name that the namespace's Works have.
    pub existing: &'a [&'a Work],
}

/// Returns whether a namespace goes to every member.
///
/// Namespaces that the operator has excluded by name are not known here.
pub fn wants_namespace_works(namespace: &Value) -> bool {
    let name = object::name(namespace);
    let skipped = object::label(namespace, SKIP_AUTO_PROPAGATION_LABEL);
    name != DEFAULT_NAMESPACE
        && !is_reserved_namespace(name)
        && !object::is_terminating(namespace)
        && !skipped.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Decides which Works bring a namespace to every member that is not being removed.
///
/// They are owned by the namespace and go with it. They may not take over a namespace of the member.
pub fn namespace_works(input: &NamespaceInput<'_>) -> WorksDecision {
    let mut decision = WorksDecision::default();
    if !wants_namespace_works(input.namespace) {
        return decision;
    }
    let live = input.clusters.iter().filter(|cluster| cluster.metadata.deletion_timestamp.is_none());
    for cluster in live {
        let name = cluster.metadata.name.clone().unwrap_or_default();
        match namespace_work(input, cluster, &name, &mut decision) {
            Ok(()) => {}
            Err(error) => decision.failures.push(ClusterFailure { cluster: name, error }),
        }
    }
    decision
}

fn namespace_work(
    input: &NamespaceInput<'_>,
    cluster: &Cluster,
    cluster_name: &str,
    decision: &mut WorksDecision,
) -> Result<(), WorkError> {
    let mut manifest = input.namespace.clone();
    let policies = input.cluster_override_policies;
    let applied = apply_with_events(&mut manifest, cluster, policies, &[], &mut decision.events)?;
    let overrides =
        applied.cluster_annotation().map(|text| (APPLIED_CLUSTER_OVERRIDES_ANNOTATION.to_owned(), text));
    let desired = DesiredWork {
        namespace: execution_namespace(cluster_name),
        name: work_name(object::kind(input.namespace), object::name(input.namespace), ""),
        labels: BTreeMap::new(),
        annotations: overrides.into_iter().collect(),
        owners: vec![owner(input.namespace)],
        suspend_dispatching: None,
        preserve_resources_on_deletion: None,
        manifest,
    };
    let existing = input.existing.iter().copied().find(|work| {
        work.metadata.namespace.as_deref() == Some(&desired.namespace)
            && work.metadata.name.as_deref() == Some(&desired.name)
    });
    if existing.is_some_and(|work| work.metadata.deletion_timestamp.is_some()) {
        return Err(WorkError::Terminating { namespace: desired.namespace, name: desired.name });
    }
    let write = desired
        .into_write(existing)
        .map_err(|source| WorkError::Prune { cluster: cluster_name.to_owned(), source })?;
    decision.writes.extend(write);
    Ok(())
}

fn owner(namespace: &Value) -> OwnerReference {
    OwnerReference {
        api_version: object::api_version(namespace).to_owned(),
        kind: object::kind(namespace).to_owned(),
        name: object::name(namespace).to_owned(),
        uid: object::uid(namespace).to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cluster(name: &str) -> Cluster {
        let mut cluster = Cluster::default();
        cluster.metadata.name = Some(name.to_owned());
        cluster
    }

    fn namespace(name: &str, labels: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": "u", "labels": labels}})
    }

    #[test]
    fn brings_a_namespace_to_every_member_and_then_rests() {
        let (a, b) = (cluster("a"), cluster("b"));
        let namespace = namespace("team", json!({}));
        let mut input = NamespaceInput {
            namespace: &namespace,
            clusters: &[&a, &b],
            cluster_override_policies: &[],
            existing: &[],
        };
        let decision = namespace_works(&input);
        let works: Vec<Work> = decision.writes.iter().map(|write| write.work().clone()).collect();
        assert_eq!(works.len(), 2);
        assert_eq!(works[0].metadata.namespace.as_deref(), Some("karmada-es-a"));
        assert_eq!(works[0].metadata.owner_references.as_ref().map(Vec::len), Some(1));
        let existing: Vec<&Work> = works.iter().collect();
        input.existing = &existing;
        assert_eq!(namespace_works(&input).writes, vec![]);
    }

    #[test]
    fn leaves_out_namespaces_that_are_not_for_members() {
        assert!(!wants_namespace_works(&namespace("default", json!({}))));
        assert!(!wants_namespace_works(&namespace("karmada-system", json!({}))));
        assert!(!wants_namespace_works(&namespace("team", json!({SKIP_AUTO_PROPAGATION_LABEL: "True"}))));
        assert!(wants_namespace_works(&namespace("team", json!({SKIP_AUTO_PROPAGATION_LABEL: "no"}))));
    }
}

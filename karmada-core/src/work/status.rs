//! What Works tell the binding and its template.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::condition::{condition, set_condition};
use super::{About, BindingInput, Event, expected_clusters, target_clusters};
use crate::api::Condition;
use crate::api::work::constants::{
    AGGREGATE_STATUS_FAILED, AGGREGATE_STATUS_SUCCEED, CONDITION_APPLIED, CONDITION_FULLY_APPLIED,
    REASON_FULLY_APPLIED_FAILED, REASON_FULLY_APPLIED_SUCCESS,
};
use crate::api::work::{
    AggregatedStatusItem, ManifestStatus, ObjectReference, ResourceBindingSpec, ResourceBindingStatus,
    ResourceHealth, Work,
};
use crate::causes::text_with_causes;
use crate::interpreter::{InterpretError, ObjectKind, Operation, ResourceInterpreter};
use crate::object::{self, GroupVersionKind, cluster_of_execution_namespace};

/// The status of Works cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// A Work has no manifest of the resource.
    #[error("no such manifest exist")]
    NoManifest,
    /// A Work is in a namespace that belongs to no cluster.
    #[error("the execution space name is in wrong format")]
    Namespace,
    /// A condition has a status that there is not.
    #[error("condition {CONDITION_APPLIED} has status {status:?}")]
    ConditionStatus {
        /// The status.
        status: String,
    },
}

/// What is to be done with a binding's status.
#[derive(Clone, Debug, PartialEq)]
pub struct BindingStatusDecision {
    /// The new status, `None` when it is so already.
    pub status: Option<ResourceBindingStatus>,
    /// Events about the binding.
    pub events: Vec<Event>,
}

/// What is to be done with a template's status.
#[derive(Debug)]
pub struct TemplateStatusDecision {
    /// The new `status`, `None` when it is so already or there is no rule for the kind.
    pub status: Option<Value>,
    /// Events about the template and the binding.
    pub events: Vec<Event>,
    /// Why the status could not be put together: try again.
    pub error: Option<InterpretError>,
}

/// Puts the status of a binding's Works together.
///
/// # Errors
///
/// When a Work does not belong to the binding or to a cluster; the status then stays as it is.
pub fn aggregate_binding_status(
    binding: BindingInput<'_>,
    works: &[&Work],
    now: Timestamp,
) -> Result<BindingStatusDecision, AggregateError> {
    let items = assemble(works, &binding.spec.resource)?;
    let mut status = binding.status.cloned().unwrap_or_default();
    let mut changed =
        set_condition(&mut status.conditions, fully_applied_condition(binding.spec, &items, now));
    if status.aggregated_status != items {
        status.aggregated_status = items;
        changed = true;
    }
    if !changed {
        return Ok(BindingStatusDecision { status: None, events: Vec::new() });
    }
    let message = format!("Update {} with AggregatedStatus successfully.", binding.title());
    let events = vec![Event::normal(About::Binding, AGGREGATE_STATUS_SUCCEED, message)];
    Ok(BindingStatusDecision { status: Some(status), events })
}

/// Puts a template's status together from the status of its binding.
pub fn aggregate_template_status(
    template: &Value,
    items: &[AggregatedStatusItem],
    interpreter: &dyn ResourceInterpreter,
    now: Timestamp,
) -> TemplateStatusDecision {
    let mut decision = TemplateStatusDecision { status: None, events: Vec::new(), error: None };
    if !interpreter.hook_enabled(ObjectKind::of(template), Operation::AggregateStatus) {
        return decision;
    }
    match interpreter.aggregate_status(template, Some(items), now) {
        Ok(answer) => {
            let status = answer
                .get("status")
                .filter(|status| *status != template.get("status").unwrap_or(&Value::Null));
            if let Some(status) = status {
                let message = "Update Resource with AggregatedStatus successfully.";
                decision.events.push(Event::normal(About::Template, AGGREGATE_STATUS_SUCCEED, message));
                decision.status = Some(status.clone());
            }
        }
        Err(error) => {
            let message = text_with_causes(&error);
            for about in [About::Template, About::Binding] {
                decision.events.push(Event::warning(about, AGGREGATE_STATUS_FAILED, message.clone()));
            }
            decision.error = Some(error);
        }
    }
    decision
}

/// Whether a workload has left its clusters and has not arrived in the next ones.
///
/// For this moment there is nothing to tell. A status that was gathered now would say that every one of no clusters is up to date.
/// Upstream gathers when Works are gone, not when they begin to go.
pub fn is_moving(works: &[&Work], spec: &ResourceBindingSpec) -> bool {
    let all_leave = works.iter().all(|work| work.metadata.deletion_timestamp.is_some());
    !works.is_empty() && all_leave && !target_clusters(spec).is_empty()
}

/// Returns the status of every Work's object by cluster; Works that are being deleted do not count.
pub fn assemble(
    works: &[&Work],
    resource: &ObjectReference,
) -> Result<Vec<AggregatedStatusItem>, AggregateError> {
    let mut items = Vec::with_capacity(works.len());
    for work in works.iter().filter(|work| work.metadata.deletion_timestamp.is_none()) {
        let manifests = &work.spec.workload.manifests;
        let ordinal = manifests.iter().position(|manifest| is_manifest_of(manifest, resource));
        let ordinal = ordinal.ok_or(AggregateError::NoManifest)? as i64;
        let namespace = work.metadata.namespace.as_deref().unwrap_or_default();
        let cluster = cluster_of_execution_namespace(namespace).map_err(|_| AggregateError::Namespace)?;
        items.push(item(work, cluster, ordinal, resource)?);
    }
    items.sort_by(|a, b| a.cluster_name.cmp(&b.cluster_name));
    Ok(items)
}

/// Returns the condition that says whether every expected cluster has what it should have.
pub fn fully_applied_condition(
    spec: &ResourceBindingSpec,
    items: &[AggregatedStatusItem],
    now: Timestamp,
) -> Condition {
    let expected = expected_clusters(spec);
    let found: BTreeSet<&str> = items.iter().map(|item| item.cluster_name.as_str()).collect();
    if !expected.is_empty() && found == expected && items.iter().all(|item| item.applied) {
        let message = "All works have been successfully applied";
        return condition(CONDITION_FULLY_APPLIED, "True", REASON_FULLY_APPLIED_SUCCESS, message, now);
    }
    let message = "Failed to apply all works, see status.aggregatedStatus for details";
    condition(CONDITION_FULLY_APPLIED, "False", REASON_FULLY_APPLIED_FAILED, message, now)
}

fn item(
    work: &Work,
    cluster: &str,
    ordinal: i64,
    resource: &ObjectReference,
) -> Result<AggregatedStatusItem, AggregateError> {
    let mut item = AggregatedStatusItem {
        cluster_name: cluster.to_owned(),
        health: ResourceHealth::Unknown,
        ..Default::default()
    };
    let Some(status) = &work.status else { return Ok(item) };
    let Some(applied) = status.conditions.iter().find(|condition| condition.type_ == CONDITION_APPLIED)
    else {
        return Ok(item);
    };
    match applied.status.as_str() {
        "True" => {}
        "False" | "Unknown" => {
            item.applied_message.clone_from(&applied.message);
            return Ok(item);
        }
        other => return Err(AggregateError::ConditionStatus { status: other.to_owned() }),
    }
    item.applied = true;
    if let Some(found) = status.manifest_statuses.iter().find(|found| is_status_of(found, ordinal, resource))
    {
        item.status.clone_from(&found.status);
        item.health = found.health.clone();
    }
    Ok(item)
}

fn is_manifest_of(manifest: &Value, resource: &ObjectReference) -> bool {
    object::api_version(manifest) == resource.api_version
        && object::kind(manifest) == resource.kind
        && object::namespace(manifest) == resource.namespace
        && object::name(manifest) == resource.name
}

fn is_status_of(status: &ManifestStatus, ordinal: i64, resource: &ObjectReference) -> bool {
    let GroupVersionKind { group, version, kind } =
        GroupVersionKind::new(&resource.api_version, &resource.kind);
    let identifier = &status.identifier;
    identifier.ordinal == ordinal
        && identifier.group == group
        && identifier.version == version
        && identifier.kind == kind
        && identifier.namespace == resource.namespace
        && identifier.name == resource.name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::work::TargetCluster;

    fn item(cluster: &str, applied: bool) -> AggregatedStatusItem {
        AggregatedStatusItem { cluster_name: cluster.to_owned(), applied, ..Default::default() }
    }

    fn is_fully_applied(targets: &[&str], items: &[AggregatedStatusItem]) -> bool {
        let target = |name: &&str| TargetCluster { name: (*name).to_owned(), ..Default::default() };
        let spec =
            ResourceBindingSpec { clusters: targets.iter().map(target).collect(), ..Default::default() };
        fully_applied_condition(&spec, items, Timestamp::UNIX_EPOCH).status == "True"
    }

    #[test]
    fn a_workload_moves_while_all_its_works_go_and_it_has_somewhere_to_go_to() {
        let target = TargetCluster { name: "b".to_owned(), ..Default::default() };
        let spec = ResourceBindingSpec { clusters: vec![target], ..Default::default() };
        let (stays, mut goes) = (Work::default(), Work::default());
        goes.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
        assert!(is_moving(&[&goes], &spec));
        assert!(!is_moving(&[&goes, &stays], &spec));
        assert!(!is_moving(&[], &spec));
        assert!(!is_moving(&[&goes], &ResourceBindingSpec::default()));
    }

    #[test]
    fn is_fully_applied_when_exactly_the_expected_clusters_have_it() {
        assert!(is_fully_applied(&["a", "b"], &[item("a", true), item("b", true)]));
        assert!(!is_fully_applied(&["a", "b"], &[item("a", true)]));
        assert!(!is_fully_applied(&["a"], &[item("a", true), item("b", true)]));
        assert!(!is_fully_applied(&["a"], &[item("a", false)]));
        assert!(!is_fully_applied(&[], &[]));
    }
}

//! The binding a template and its policy make.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Lookup, PolicyRef, PropagationError};
use crate::{
    api::{
        Feature, FeatureGates,
        policy::{
            PriorityClassSource, Suspension,
            constants::{
                CLUSTER_PROPAGATION_POLICY_ID_LABEL, CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION,
                GET_COMPONENTS_FAILED, GET_COMPONENTS_SUCCEED, GET_REPLICAS_FAILED, GET_REPLICAS_SUCCEED,
            },
        },
        work::{
            BindingSchedulePriority, BindingSuspension, ClusterResourceBinding, ObjectReference,
            ResourceBinding, ResourceBindingSpec, ResourceBindingStatus, WorkloadAffinityGroups,
            constants::{BINDING_FINALIZER, CLUSTER_RESOURCE_BINDING_FINALIZER},
        },
    },
    causes::text_with_causes,
    interpreter::{ObjectKind, Operation, ResourceInterpreter},
    object,
};

/// A ResourceBinding or a ClusterResourceBinding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Binding {
    /// Of a namespaced template.
    Namespaced(ResourceBinding),
    /// Of a cluster-scoped template.
    Cluster(ClusterResourceBinding),
}

/// What is looked at of either kind of binding.
#[derive(Clone, Copy, Debug)]
pub struct BindingView<'a> {
    /// Its metadata.
    pub metadata: &'a ObjectMeta,
    /// Its spec.
    pub spec: &'a ResourceBindingSpec,
    /// Its status.
    pub status: Option<&'a ResourceBindingStatus>,
}

impl Binding {
    /// Returns the metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Namespaced(binding) => &binding.metadata,
            Self::Cluster(binding) => &binding.metadata,
        }
    }

    /// Returns the spec.
    pub fn spec(&self) -> &ResourceBindingSpec {
        match self {
            Self::Namespaced(binding) => &binding.spec,
            Self::Cluster(binding) => &binding.spec,
        }
    }

    /// Returns the spec for changes.
    pub fn spec_mut(&mut self) -> &mut ResourceBindingSpec {
        match self {
            Self::Namespaced(binding) => &mut binding.spec,
            Self::Cluster(binding) => &mut binding.spec,
        }
    }

    fn is_namespaced(&self) -> bool {
        matches!(self, Self::Namespaced(_))
    }

    fn from_parts(
        metadata: ObjectMeta,
        spec: ResourceBindingSpec,
        status: Option<ResourceBindingStatus>,
        template_namespace: &str,
    ) -> Self {
        if template_namespace.is_empty() {
            Self::Cluster(ClusterResourceBinding { metadata, spec, status })
        } else {
            Self::Namespaced(ResourceBinding { metadata, spec, status })
        }
    }
}

impl<'a> From<&'a ResourceBinding> for BindingView<'a> {
    fn from(binding: &'a ResourceBinding) -> Self {
        Self { metadata: &binding.metadata, spec: &binding.spec, status: binding.status.as_ref() }
    }
}

impl<'a> From<&'a ClusterResourceBinding> for BindingView<'a> {
    fn from(binding: &'a ClusterResourceBinding) -> Self {
        Self { metadata: &binding.metadata, spec: &binding.spec, status: binding.status.as_ref() }
    }
}

impl<'a> From<&'a Binding> for BindingView<'a> {
    fn from(binding: &'a Binding) -> Self {
        match binding {
            Binding::Namespaced(binding) => binding.into(),
            Binding::Cluster(binding) => binding.into(),
        }
    }
}

/// What the parts of a binding are read from.
pub(super) struct Sources<'a> {
    /// The template, with its claim.
    pub(super) template: &'a Value,
    /// The policy in charge.
    pub(super) policy: &'a PolicyRef,
    /// Priority classes.
    pub(super) lookup: &'a dyn Lookup,
    /// Features.
    pub(super) gates: &'a FeatureGates,
    /// Replicas and components.
    pub(super) interpreter: &'a dyn ResourceInterpreter,
}

/// Returns the binding as it would be made now.
///
/// Events about reading the template are added to `events`, also when there is an error.
pub(super) fn build(sources: &Sources<'_>, events: &mut Vec<Event>) -> Result<Binding, PropagationError> {
    let Sources { template, policy, .. } = sources;
    let namespace = object::namespace(template);
    let is_namespaced = !namespace.is_empty();
    let policy_spec = policy.spec();

    let mut spec = ResourceBindingSpec {
        resource: template_reference(template),
        propagate_deps: policy_spec.propagate_deps,
        placement: Some(policy_spec.placement.clone()),
        scheduler_name: policy_spec.scheduler_name.clone(),
        failover: policy_spec.failover.clone(),
        conflict_resolution: policy_spec.conflict_resolution.clone(),
        suspension: merge_suspension(None, policy_spec.suspension.as_ref()),
        preserve_resources_on_deletion: policy_spec.preserve_resources_on_deletion,
        ..Default::default()
    };
    fill_replicas(sources, &mut spec, events)?;
    if is_namespaced {
        spec.schedule_priority = schedule_priority(sources)?;
        spec.workload_affinity_groups = affinity_groups(sources);
    }

    let finalizer = if is_namespaced { BINDING_FINALIZER } else { CLUSTER_RESOURCE_BINDING_FINALIZER };
    let metadata = ObjectMeta {
        name: Some(object::binding_name(object::kind(template), object::name(template))),
        namespace: is_namespaced.then(|| namespace.to_owned()),
        labels: Some(policy.claim_labels()),
        annotations: Some(policy.claim_annotations()),
        finalizers: Some(vec![finalizer.to_owned()]),
        owner_references: Some(vec![owner_reference(template)]),
        ..Default::default()
    };
    Ok(Binding::from_parts(metadata, spec, None, namespace))
}

/// Returns an existing binding brought up to date, none when nothing changes.
///
/// What the scheduler and others decided stays: clusters, evictions, dependants, the scheduling
/// suspension. Labels, annotations and finalizers are added to, owners replaced.
pub(super) fn update(
    existing: BindingView<'_>,
    desired: Binding,
) -> Result<Option<Binding>, PropagationError> {
    let owner = |metadata: &ObjectMeta| {
        let mut owners = metadata.owner_references.iter().flatten();
        owners.find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.clone())
    };
    if owner(existing.metadata).is_some_and(|uid| Some(uid) != owner(desired.metadata())) {
        return Err(PropagationError::OwnerMismatch);
    }
    let claimed_by_namespace =
        desired.metadata().labels.iter().flatten().any(|(key, _)| key != CLUSTER_PROPAGATION_POLICY_ID_LABEL);
    let is_namespaced = desired.is_namespaced();
    let template_namespace = desired.spec().resource.namespace.clone();
    let (desired_metadata, desired_spec) = match desired {
        Binding::Namespaced(binding) => (binding.metadata, binding.spec),
        Binding::Cluster(binding) => (binding.metadata, binding.spec),
    };

    let metadata = merge_metadata(existing.metadata, desired_metadata, claimed_by_namespace);
    let mut spec = existing.spec.clone();
    spec.resource = desired_spec.resource;
    spec.replicas = desired_spec.replicas;
    spec.replica_requirements = desired_spec.replica_requirements;
    spec.components = desired_spec.components;
    spec.placement = desired_spec.placement;
    spec.scheduler_name = desired_spec.scheduler_name;
    spec.failover = desired_spec.failover;
    spec.conflict_resolution = desired_spec.conflict_resolution;
    spec.preserve_resources_on_deletion = desired_spec.preserve_resources_on_deletion;
    let policy_suspension = desired_spec.suspension.map(|suspension| suspension.policy);
    spec.suspension = merge_suspension(spec.suspension.as_ref(), policy_suspension.as_ref());
    if is_namespaced {
        spec.propagate_deps = desired_spec.propagate_deps;
        spec.schedule_priority = desired_spec.schedule_priority;
        spec.workload_affinity_groups = desired_spec.workload_affinity_groups;
    }

    if metadata == *existing.metadata && spec == *existing.spec {
        return Ok(None);
    }
    Ok(Some(Binding::from_parts(metadata, spec, existing.status.cloned(), &template_namespace)))
}

/// Returns a binding's suspension with the policy's part replaced; the scheduling part stays.
pub fn merge_suspension(
    binding: Option<&BindingSuspension>,
    policy: Option<&Suspension>,
) -> Option<BindingSuspension> {
    let scheduling = binding.and_then(|suspension| suspension.scheduling);
    match policy {
        Some(policy) => Some(BindingSuspension { policy: policy.clone(), scheduling }),
        None => scheduling.is_some().then(|| BindingSuspension { policy: Suspension::default(), scheduling }),
    }
}

fn merge_metadata(existing: &ObjectMeta, desired: ObjectMeta, claimed_by_namespace: bool) -> ObjectMeta {
    let mut metadata = existing.clone();
    let mut labels = metadata.labels.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    if claimed_by_namespace {
        labels.remove(CLUSTER_PROPAGATION_POLICY_ID_LABEL);
        annotations.remove(CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION);
    }
    labels.extend(desired.labels.unwrap_or_default());
    annotations.extend(desired.annotations.unwrap_or_default());
    metadata.labels = Some(labels);
    metadata.annotations = Some(annotations);
    // A finalizer cannot be added any more once deletion has begun.
    if metadata.deletion_timestamp.is_none() {
        let finalizers = metadata.finalizers.get_or_insert_default();
        for finalizer in desired.finalizers.unwrap_or_default() {
            if !finalizers.contains(&finalizer) {
                finalizers.push(finalizer);
            }
        }
    }
    metadata.owner_references = desired.owner_references;
    metadata
}

fn template_reference(template: &Value) -> ObjectReference {
    ObjectReference {
        api_version: object::api_version(template).to_owned(),
        kind: object::kind(template).to_owned(),
        namespace: object::namespace(template).to_owned(),
        name: object::name(template).to_owned(),
        uid: object::uid(template).to_owned(),
        resource_version: template["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned(),
    }
}

fn owner_reference(template: &Value) -> OwnerReference {
    OwnerReference {
        api_version: object::api_version(template).to_owned(),
        kind: object::kind(template).to_owned(),
        name: object::name(template).to_owned(),
        uid: object::uid(template).to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

fn fill_replicas(
    sources: &Sources<'_>,
    spec: &mut ResourceBindingSpec,
    events: &mut Vec<Event>,
) -> Result<(), PropagationError> {
    let Sources { template, gates, interpreter, .. } = sources;
    let kind = ObjectKind::of(template);
    if gates.is_enabled(Feature::MultiplePodTemplatesScheduling)
        && interpreter.hook_enabled(kind, Operation::InterpretComponent)
    {
        spec.components = interpreter.components(template).inspect_err(|error| {
            let message = format!("Get components of resource template failed: {}", text_with_causes(error));
            events.push(Event::warning(GET_COMPONENTS_FAILED, message));
        })?;
        let message = "Get components of resource template successfully.".to_owned();
        events.push(Event::normal(GET_COMPONENTS_SUCCEED, message));
        return Ok(());
    }
    if interpreter.hook_enabled(kind, Operation::InterpretReplica) {
        let (replicas, requirements) = interpreter.replicas(template).inspect_err(|error| {
            let message = format!("Get replicas of resource template failed: {}", text_with_causes(error));
            events.push(Event::warning(GET_REPLICAS_FAILED, message));
        })?;
        spec.replicas = i32::try_from(replicas).map_err(|_| PropagationError::Replicas { replicas })?;
        spec.replica_requirements = requirements;
        if gates.is_enabled(Feature::ResourceQuotaEstimate)
            && let Some(requirements) = &mut spec.replica_requirements
        {
            object::namespace(template).clone_into(&mut requirements.namespace);
        }
        let message = "Get replicas of resource template successfully.".to_owned();
        events.push(Event::normal(GET_REPLICAS_SUCCEED, message));
    }
    Ok(())
}

fn schedule_priority(sources: &Sources<'_>) -> Result<Option<BindingSchedulePriority>, PropagationError> {
    if !sources.gates.is_enabled(Feature::PriorityBasedScheduling) {
        return Ok(None);
    }
    let Some(wanted) = &sources.policy.spec().schedule_priority else {
        return Ok(None);
    };
    let name = &wanted.priority_class_name;
    match &wanted.priority_class_source {
        PriorityClassSource::KubePriorityClass => match sources.lookup.priority_class(name) {
            Some(priority) => Ok(Some(BindingSchedulePriority { priority })),
            None => Err(PropagationError::PriorityClassNotFound { name: name.clone() }),
        },
        other => Err(PropagationError::PriorityClassSource { source_name: other.to_string() }),
    }
}

fn affinity_groups(sources: &Sources<'_>) -> Option<WorkloadAffinityGroups> {
    if !sources.gates.is_enabled(Feature::WorkloadAffinity) {
        return None;
    }
    let affinity = sources.policy.spec().placement.workload_affinity.as_ref()?;
    let group = |term: Option<&crate::api::policy::WorkloadAffinityTerm>| {
        let key = &term?.group_by_label_key;
        let value = object::label(sources.template, key)?;
        Some(format!("{key}={value}"))
    };
    let groups = WorkloadAffinityGroups {
        affinity_group: group(affinity.affinity.as_ref()).unwrap_or_default(),
        anti_affinity_group: group(affinity.anti_affinity.as_ref()).unwrap_or_default(),
    };
    (groups != WorkloadAffinityGroups::default()).then_some(groups)
}

/// Returns metadata as an unstructured object, for the claim patches.
pub(super) fn metadata_object(metadata: &ObjectMeta) -> Value {
    let entries = |map: &Option<BTreeMap<String, String>>| serde_json::json!(map.clone().unwrap_or_default());
    serde_json::json!({"metadata": {"labels": entries(&metadata.labels), "annotations": entries(&metadata.annotations)}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policys_suspension_comes_and_goes_and_that_of_scheduling_stays() {
        let policy = Suspension { dispatching: Some(true), ..Default::default() };
        let scheduling = BindingSuspension { scheduling: Some(true), ..Default::default() };

        let merged = merge_suspension(Some(&scheduling), Some(&policy)).unwrap();
        assert_eq!(merged, BindingSuspension { policy, scheduling: Some(true) });
        assert_eq!(merge_suspension(Some(&merged), None), Some(scheduling));
        assert_eq!(merge_suspension(None, None), None);
    }
}

//! Reconciles one binding.

use std::fmt::Debug;
use std::time::Instant;

use karmada_core::api::work::constants::REASON_QUOTA_EXCEEDED;
use karmada_core::api::work::{
    ClusterResourceBinding, ResourceBinding, ResourceBindingSpec, ResourceBindingStatus,
};
use karmada_core::scheduling::{
    AssumedWorkloads, BindingDecision, BindingInput, EventKind, Retry, ScheduleContext, Trigger,
    quota_exceeded, reconcile_binding,
};
use kube::api::{Api, Patch, PatchParams};
use kube::core::object::{HasSpec, HasStatus};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Context;
use crate::hub::{Informer, ObjectKey, ObjectReference, ReconcileError, is_not_found};
use crate::metrics::{Outcome as Success, ScheduleType};

/// How a binding stands after its turn.
pub(super) enum Outcome {
    Settled,
    /// There is too little room for it.
    Unschedulable,
}

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Outcome, ReconcileError> {
    let hub = &context.hub;
    if key.namespace.is_empty() {
        let Some(binding) = hub.cluster_bindings.find(key) else { return Ok(Outcome::Settled) };
        let decision = decide(context, &BindingInput::from(&*binding));
        let api: Api<ClusterResourceBinding> = hub.all();
        carry_out(context, &*binding, decision, &api, &hub.cluster_bindings).await
    } else {
        let Some(binding) = hub.bindings.find(key) else { return Ok(Outcome::Settled) };
        let decision = decide(context, &BindingInput::from(&*binding));
        let api: Api<ResourceBinding> = hub.namespaced(&key.namespace);
        carry_out(context, &*binding, decision, &api, &hub.bindings).await
    }
}

fn decide(context: &Context, binding: &BindingInput<'_>) -> BindingDecision {
    let snapshot = context.snapshot.read().clone();
    let now = jiff::Timestamp::now();
    let assumed = if context.protects_from_overcommit() {
        let mut assumed = context.assumed.lock();
        assumed.expire(now);
        assumed.clone()
    } else {
        AssumedWorkloads::default()
    };
    let groups = context.groups.lock();
    let scheduling = ScheduleContext {
        snapshot: &snapshot,
        groups: &groups,
        assumed: &assumed,
        options: &context.settings.options,
    };
    let started = Instant::now();
    let decision = reconcile_binding(&scheduling, binding, now);
    context.hub.runtime.metrics().scheduler.decided(started.elapsed());
    decision
}

async fn carry_out<K>(
    context: &Context,
    binding: &K,
    decision: BindingDecision,
    api: &Api<K>,
    cache: &Informer<K>,
) -> Result<Outcome, ReconcileError>
where
    K: Resource<DynamicType = ()>
        + HasSpec<Spec = ResourceBindingSpec>
        + HasStatus<Status = ResourceBindingStatus>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let name = binding.name_any();
    let operation = |what: &str| format!("{what} {} {name}", K::kind(&()));
    let is_repetition = is_repetition(binding, &decision);
    let tell = || {
        let template = template_of(binding.spec());
        for event in &decision.events {
            for about in [&ObjectReference::of(binding), &template] {
                match event.kind {
                    EventKind::Normal => context.events.normal(about, event.reason, &event.message),
                    EventKind::Warning => context.events.warning(about, event.reason, &event.message),
                }
            }
        }
    };
    let (started, trigger) = (Instant::now(), decision.trigger);
    let mut version = binding.meta().resource_version.clone();
    let mut generation = binding.meta().generation;
    if let Some(change) = &decision.change {
        let patch = with_version(change.merge_patch(), version.as_deref());
        let patched = match api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(patched) => patched,
            Err(error) if is_not_found(&error) => return Ok(Outcome::Settled),
            Err(error) => {
                if let Some(message) = quota_refusal(&error) {
                    tell_quota(context, binding, message, api, cache).await?;
                }
                return Err(ReconcileError::api(operation("place"))(error));
            }
        };
        version.clone_from(&patched.meta().resource_version);
        generation = patched.meta().generation;
        cache.observe(patched);
        if context.protects_from_overcommit() {
            let key = ObjectKey::of(binding).to_string();
            let now = jiff::Timestamp::now();
            context.assumed.lock().observe_result(&key, binding.spec(), &change.clusters, now);
        }
    }
    if let Some(mut status) = decision.status.clone().filter(|_| !is_repetition) {
        // What was decided holds for the generation that the placement itself made.
        if status.observed_generation.is_some() {
            status.observed_generation = generation;
        }
        // The list of conditions is replaced as a whole, so another writer's must not be lost.
        // If it was, the next turn finds the result without its status and finishes it.
        let patch = with_version(status.merge_patch(), version.as_deref());
        match api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(patched) => cache.observe(patched),
            Err(error) if is_not_found(&error) => return Ok(Outcome::Settled),
            Err(error) => {
                // The next turn finds the placement made and has nothing to tell of it.
                if decision.change.is_some() {
                    tell();
                }
                return Err(ReconcileError::api(operation("update the status of"))(error));
            }
        }
    }
    if !is_repetition {
        tell();
    }
    if let Some(trigger) = trigger.filter(|_| !is_repetition) {
        let outcome = if decision.retry == Retry::None { Success::Success } else { Success::Error };
        let metrics = &context.hub.runtime.metrics().scheduler;
        metrics.attempted(schedule_type(trigger), outcome, started.elapsed());
    }
    match decision.retry {
        Retry::None => Ok(Outcome::Settled),
        Retry::Unschedulable => Ok(Outcome::Unschedulable),
        Retry::Backoff => Err(ReconcileError::Waiting(operation("a change that lets the scheduler place"))),
    }
}

/// Returns what admission said when it refused a result for a quota.
fn quota_refusal(error: &kube::Error) -> Option<&str> {
    match error {
        kube::Error::Api(status) if status.code == 403 && status.reason == REASON_QUOTA_EXCEEDED => {
            Some(&status.message)
        }
        _ => None,
    }
}

/// Writes into the binding that its result exceeds a quota, and records it.
async fn tell_quota<K>(
    context: &Context,
    binding: &K,
    message: &str,
    api: &Api<K>,
    cache: &Informer<K>,
) -> Result<(), ReconcileError>
where
    K: Resource<DynamicType = ()>
        + HasSpec<Spec = ResourceBindingSpec>
        + HasStatus<Status = ResourceBindingStatus>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let input = BindingInput {
        metadata: binding.meta(),
        spec: binding.spec(),
        status: binding.status(),
        estimates: None,
    };
    let (status, event) = quota_exceeded(&input, message, jiff::Timestamp::now());
    let Some(status) = status else { return Ok(()) };
    let name = binding.name_any();
    let patch = with_version(status.merge_patch(), binding.meta().resource_version.as_deref());
    let written = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await;
    let operation = format!("update the status of {} {name}", K::kind(&()));
    cache.observe(written.map_err(ReconcileError::api(operation))?);
    for about in [ObjectReference::of(binding), template_of(binding.spec())] {
        context.events.warning(&about, event.reason, &event.message);
    }
    Ok(())
}

/// Refers to the template of a binding.
fn template_of(spec: &ResourceBindingSpec) -> ObjectReference {
    let template = &spec.resource;
    ObjectReference {
        api_version: template.api_version.clone(),
        kind: template.kind.clone(),
        namespace: template.namespace.clone(),
        name: template.name.clone(),
        uid: template.uid.clone(),
    }
}

fn schedule_type(trigger: Trigger) -> ScheduleType {
    match trigger {
        Trigger::PlacementChanged => ScheduleType::Reconcile,
        Trigger::ReplicasChanged => ScheduleType::Scale,
        Trigger::RescheduleRequested
        | Trigger::NotAWorkload
        | Trigger::Duplicated
        | Trigger::ClusterDeleting => ScheduleType::Reschedule,
    }
}

/// Whether the turn came to what is already written.
///
/// Workloads on all clusters are looked at on every occasion; that alone is no reason to write
/// a new scheduling time. DEVIATION: upstream writes it every time.
fn is_repetition<K>(binding: &K, decision: &BindingDecision) -> bool
where
    K: Resource + HasStatus<Status = ResourceBindingStatus>,
{
    let Some(status) = &decision.status else { return false };
    let observed = binding.status().map(|status| status.scheduler_observed_generation);
    matches!(decision.trigger, Some(Trigger::Duplicated | Trigger::NotAWorkload))
        && decision.change.is_none()
        && status.conditions.is_none()
        && status.observed_affinity_name.is_none()
        && status.observed_generation == observed
}

fn with_version(mut patch: Value, version: Option<&str>) -> Value {
    if let Some(version) = version {
        match patch.get_mut("metadata").and_then(Value::as_object_mut) {
            Some(metadata) => {
                metadata.insert("resourceVersion".into(), version.into());
            }
            None => patch["metadata"] = json!({"resourceVersion": version}),
        }
    }
    patch
}

//! Reconciles one propagation policy.

use std::sync::Arc;

use karmada_core::api::policy::{ClusterPropagationPolicy, PropagationPolicy};
use karmada_core::api::{Feature, policy::Preemption};
use karmada_core::propagation::{
    BindingView, EventType, PolicyBinding, PolicyDeletionInput, PolicyInput, PolicyRef, TemplateKey,
    policies_to_retry_preemption, preempt, reconcile_policy, reconcile_policy_deletion,
};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::Context;
use super::lookup::HubLookup;
use super::template::CachedBinding;
use super::writes::{patch_template, write_all};
use crate::hub::{Action, ObjectKey, ObjectReference, ReconcileError, Unstructured, Urgency, is_not_found};
use crate::metrics::Outcome;

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let policy: Option<PolicyRef> = if key.namespace.is_empty() {
        hub.cluster_propagation_policies.find(key).map(PolicyRef::from)
    } else {
        hub.propagation_policies.find(key).map(PolicyRef::from)
    };
    let Some(policy) = policy else { return Ok(Action::Done) };
    if policy.is_terminating() {
        return delete(context, &policy).await;
    }

    let bindings: Vec<CachedBinding> = bindings_of(context, &policy);
    let templates: Vec<Option<Arc<Unstructured>>> = bindings
        .iter()
        .map(|binding| hub.templates.find(&TemplateKey::from(&binding.view().spec.resource)))
        .collect();
    let policy_bindings: Vec<PolicyBinding<'_>> = bindings
        .iter()
        .zip(&templates)
        .map(|(binding, template)| PolicyBinding {
            binding: binding.view(),
            template: template.as_deref().map(Unstructured::value),
        })
        .collect();
    let waiting: Vec<Arc<Unstructured>> =
        context.waiting.lock().iter().filter_map(|key| hub.templates.find(key)).collect();
    let waiting: Vec<&Value> = waiting.iter().map(|template| template.value()).collect();
    let decision = reconcile_policy(&PolicyInput {
        policy: &policy,
        bindings: &policy_bindings,
        waiting: &waiting,
        lookup: &HubLookup(hub),
    });
    write_all(hub, decision.writes).await?;
    for key in decision.requeue {
        context.enqueue(key, decision.change, Urgency::CanWait);
    }
    if hub.gates.is_enabled(Feature::PropagationPolicyPreemption) {
        take_from_lower_policies(context, key, &policy).await?;
    }
    match decision.error {
        Some(error) => Err(ReconcileError::decision(format!("apply {policy}"))(error)),
        None => Ok(Action::Done),
    }
}

fn bindings_of(context: &Context, policy: &PolicyRef) -> Vec<CachedBinding> {
    let id = policy.id();
    if id.is_empty() {
        return Vec::new();
    }
    let namespaced = context.hub.bindings.list_indexed(id).into_iter().map(CachedBinding::Namespaced);
    let cluster = context.hub.cluster_bindings.list_indexed(id).into_iter().map(CachedBinding::Cluster);
    namespaced.chain(cluster).collect()
}

/// Lets go of everything the policy claimed, then of the policy.
async fn delete(context: &Context, policy: &PolicyRef) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let finalizers = policy.metadata().finalizers.clone().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == policy.finalizer()) {
        return Ok(Action::Done);
    }
    let claimed = if policy.id().is_empty() { Vec::new() } else { hub.templates.list_indexed(policy.id()) };
    let bindings: Vec<Option<CachedBinding>> =
        claimed.iter().map(|(key, _)| CachedBinding::find(hub, key)).collect();
    let templates: Vec<(&Value, Option<BindingView<'_>>)> = claimed
        .iter()
        .zip(&bindings)
        .map(|((_, template), binding)| (template.value(), binding.as_ref().map(CachedBinding::view)))
        .collect();
    write_all(hub, reconcile_policy_deletion(&PolicyDeletionInput { policy, templates: &templates })).await?;

    let kept: Vec<&String> = finalizers.iter().filter(|finalizer| *finalizer != policy.finalizer()).collect();
    let patch =
        json!({"metadata": {"resourceVersion": policy.metadata().resource_version, "finalizers": kept}});
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(&patch));
    let result = match policy {
        PolicyRef::Namespaced(_) => hub
            .namespaced::<PropagationPolicy>(policy.namespace())
            .patch(policy.name(), &parameters, &patch)
            .await
            .map(drop),
        PolicyRef::Cluster(_) => {
            hub.all::<ClusterPropagationPolicy>().patch(policy.name(), &parameters, &patch).await.map(drop)
        }
    };
    match result {
        Ok(()) => Ok(Action::Done),
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(format!("remove the finalizer of {policy}"))(error)),
    }
}

/// Preempts for a policy, and gives other policies their turn where this one became weaker.
async fn take_from_lower_policies(
    context: &Context,
    key: &ObjectKey,
    policy: &PolicyRef,
) -> Result<(), ReconcileError> {
    let hub = &context.hub;
    let lookup = HubLookup(hub);
    if policy.spec().preemption == Preemption::Always {
        for selector in &policy.spec().resource_selectors {
            let namespace = match policy {
                PolicyRef::Namespaced(_) => policy.namespace(),
                PolicyRef::Cluster(_) => &selector.namespace,
            };
            let template_key = TemplateKey {
                api_version: selector.api_version.clone(),
                kind: selector.kind.clone(),
                namespace: namespace.to_string(),
                name: selector.name.clone(),
            };
            let Some(template) = hub.templates.find(&template_key) else { continue };
            let Some(preemption) = preempt(policy, template.value(), &lookup, &hub.gates) else {
                continue;
            };
            let patched = patch_template(hub, &template_key, &preemption.patch).await;
            hub.runtime.metrics().resources.preempted(Outcome::of(&patched));
            patched?;
            let about = ObjectReference::of_value(template.value());
            match preemption.event.type_ {
                EventType::Normal => {
                    context.events.normal(&about, preemption.event.reason, preemption.event.message);
                }
                EventType::Warning => {
                    context.events.warning(&about, preemption.event.reason, preemption.event.message);
                }
            }
        }
    }
    let Some(before) = context.lowered.lock().remove(key) else { return Ok(()) };
    for other in policies_to_retry_preemption(policy, before, &lookup) {
        context.policies.add(ObjectKey::new(other.namespace(), other.name()));
    }
    Ok(())
}

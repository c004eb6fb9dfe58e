//! Reconciles one template.

use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding};
use karmada_core::object::binding_name;
use karmada_core::propagation::{
    Binding, BindingView, Change as Meaning, EventType, TemplateInput, TemplateKey, TemplateOutcome, Write,
    reconcile_template,
};
use std::sync::Arc;
use std::time::Instant;

use super::Context;
use super::lookup::HubLookup;
use super::writes::write_all;
use crate::hub::{Action, Hub, ObjectKey, ObjectReference, ReconcileError};
use crate::metrics::Outcome;

/// A cached binding of either kind.
pub(super) enum CachedBinding {
    Namespaced(Arc<ResourceBinding>),
    Cluster(Arc<ClusterResourceBinding>),
}

impl CachedBinding {
    /// Finds the binding of a template.
    pub(super) fn find(hub: &Hub, key: &TemplateKey) -> Option<Self> {
        let name = binding_name(&key.kind, &key.name);
        if key.namespace.is_empty() {
            hub.cluster_bindings.find(&ObjectKey::new("", name)).map(Self::Cluster)
        } else {
            hub.bindings.find(&ObjectKey::new(&key.namespace, name)).map(Self::Namespaced)
        }
    }

    pub(super) fn view(&self) -> BindingView<'_> {
        match self {
            Self::Namespaced(binding) => (&**binding).into(),
            Self::Cluster(binding) => (&**binding).into(),
        }
    }
}

/// Whether a binding changes in nothing but the version of its template.
fn is_other_version_only(existing: &BindingView<'_>, updated: &Binding) -> bool {
    let mut spec = updated.spec().clone();
    spec.resource.resource_version.clone_from(&existing.spec.resource.resource_version);
    *existing.spec == spec && existing.metadata == updated.metadata()
}

pub(super) async fn reconcile(context: &Context, key: &TemplateKey) -> Result<Action, ReconcileError> {
    let meaning = context.meanings.lock().remove(key).unwrap_or(Meaning::ByUser);
    let result = decide_and_write(context, key, meaning).await;
    if result.is_err() {
        // The next try must know what this one was for.
        context.remember(key, meaning);
    }
    result
}

async fn decide_and_write(
    context: &Context,
    key: &TemplateKey,
    meaning: Meaning,
) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let Some(template) = hub.templates.find(key) else {
        context.waiting.lock().remove(key);
        return Ok(Action::Done);
    };
    let binding = CachedBinding::find(hub, key);
    let is_waiting = context.waiting.lock().contains(key);
    let started = Instant::now();
    let mut decision = context
        .interpreter
        .decide(|interpreter| {
            reconcile_template(&TemplateInput {
                template: template.value(),
                binding: binding.as_ref().map(CachedBinding::view),
                change: meaning,
                is_waiting,
                lookup: &HubLookup(hub),
                gates: &hub.gates,
                interpreter,
            })
        })
        .await;
    let metrics = &hub.runtime.metrics().resources;
    metrics.matched_policy(started.elapsed());
    if decision.outcome == TemplateOutcome::Waiting {
        // Caches may lag behind one another: the policy's own turn looks at waiting templates again.
        context.waiting.lock().insert(key.clone());
        return Ok(Action::Done);
    }
    context.waiting.lock().remove(key);
    let mut writes = std::mem::take(&mut decision.writes);
    // Its status has given it another version since its binding was written; what else it says may have changed while
    // nobody watched, and reaches the Works all the same: at the start every binding is looked at.
    let was_found = context.found.lock().remove(key);
    if was_found
        && let ([Write::UpdateBinding(updated)], Some(existing)) = (writes.as_slice(), &binding)
        && is_other_version_only(&existing.view(), updated)
    {
        writes.clear();
        decision.events.clear();
    }
    let is_applied = !writes.is_empty();
    let written = write_all(hub, writes).await;
    if is_applied {
        metrics.applied_policy(Outcome::of(&written), started.elapsed());
    }
    let about = ObjectReference::of_value(template.value());
    match &written {
        Ok(()) => {
            for event in &decision.events {
                match event.type_ {
                    EventType::Normal => context.events.normal(&about, event.reason, &event.message),
                    EventType::Warning => context.events.warning(&about, event.reason, &event.message),
                }
            }
        }
        Err(error) if error.is_conflict() => {}
        Err(error) => {
            let message = format!("Apply policy failed: {}", crate::hub::chain(error));
            context.events.warning(
                &about,
                karmada_core::api::policy::constants::APPLY_POLICY_FAILED,
                message,
            );
        }
    }
    written?;
    match decision.error {
        Some(error) => Err(ReconcileError::decision(format!("propagate {key}"))(error)),
        None => Ok(Action::Done),
    }
}

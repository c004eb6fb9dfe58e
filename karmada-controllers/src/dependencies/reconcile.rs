//! Reconciles what one binding takes along.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use karmada_core::api::work::ResourceBinding;
use karmada_core::api::work::constants::{
    RESOURCE_BINDING_ID_LABEL, SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_FAILED,
};
use karmada_core::propagation::{
    AttachedWrite, DependenciesInput, Event, EventType, TemplateKey, interpret_failed_event,
    reconcile_dependencies, wanted_dependencies,
};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::Value;

use super::Context;
use super::lookup::HubLookup;
use crate::hub::{
    Action, Hub, ObjectKey, ObjectReference, ReconcileError, Unstructured, chain, is_not_found,
};

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    let is_news = context.news.lock().remove(key);
    let Some(binding) = context.hub.bindings.find(key) else {
        context.dependents.lock().forget(key);
        return Ok(Action::Done);
    };
    let result = decide_and_write(context, key, &binding, is_news).await;
    if let Err(error) = &result {
        if is_news {
            // The next try must tell it.
            context.news.lock().insert(key.clone());
        }
        // A decision tells its own errors.
        if matches!(error, ReconcileError::Api { .. }) && !error.is_conflict() {
            let about = ObjectReference::of(&*binding);
            context.events.warning(&about, SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_FAILED, chain(error));
        }
    }
    result.map(|()| Action::Done)
}

async fn decide_and_write(
    context: &Context,
    key: &ObjectKey,
    binding: &ResourceBinding,
    is_news: bool,
) -> Result<(), ReconcileError> {
    let hub = &context.hub;
    let template = hub.templates.find(&TemplateKey::from(&binding.spec.resource));
    let template_reference = template.as_ref().map(|template| ObjectReference::of_value(template.value()));
    let template = template.as_deref().map(Unstructured::value);
    let wanted =
        context.interpreter.decide(|interpreter| wanted_dependencies(binding, template, interpreter)).await;
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => {
            record(context, template_reference.as_ref(), &[interpret_failed_event(&error)]);
            return Err(ReconcileError::decision(format!("read the dependencies of binding {key}"))(error));
        }
    };
    // Before the objects are looked up: one that appears from now on brings this binding back.
    context.dependents.lock().record(key, wanted.references());
    // Before the objects are read, too: a change that is noted after its object was read stays noted.
    let changed: BTreeMap<TemplateKey, String> = context.changed.lock().clone();
    let attached = match binding.labels().get(RESOURCE_BINDING_ID_LABEL) {
        Some(id) if !id.is_empty() => hub.bindings.list_indexed(id),
        _ => Vec::new(),
    };
    let decision = reconcile_dependencies(&DependenciesInput {
        binding,
        wanted: &wanted,
        attached: &attached,
        changed: &changed.keys().cloned().collect::<BTreeSet<_>>(),
        is_news,
        lookup: &HubLookup(hub),
    });

    record(context, template_reference.as_ref(), &decision.template_events);
    if let Some(patch) = &decision.claim {
        patch_binding(hub, key, patch).await?;
    }
    let written = join_all(decision.writes.iter().map(|write| write_attached(hub, write))).await;
    if let Some(error) = written.into_iter().find_map(Result::err) {
        return Err(error);
    }
    if let Some(patch) = &decision.release {
        patch_binding(hub, key, patch).await?;
    }
    forget_changes(context, &decision.objects, &changed);
    record(context, Some(&ObjectReference::of(binding)), &decision.binding_events);
    for told in &decision.attached_events {
        let about = hub.bindings.find(&ObjectKey::new(&key.namespace, &told.name));
        let about = about.map(|attached: Arc<ResourceBinding>| ObjectReference::of(&*attached));
        record(context, about.as_ref(), std::slice::from_ref(&told.event));
    }
    match decision.error {
        Some(error) => {
            Err(ReconcileError::decision(format!("attach the dependencies of binding {key}"))(error))
        }
        None => Ok(()),
    }
}

/// Forgets changes that the bindings of their objects say now, unless there is a newer one.
fn forget_changes(context: &Context, objects: &[TemplateKey], seen: &BTreeMap<TemplateKey, String>) {
    let mut changed = context.changed.lock();
    for object in objects {
        if changed.get(object).is_some_and(|version| seen.get(object) == Some(version)) {
            changed.remove(object);
        }
    }
}

async fn write_attached(hub: &Hub, write: &AttachedWrite) -> Result<(), ReconcileError> {
    let binding = write.binding();
    let (namespace, name) = (binding.namespace().unwrap_or_default(), binding.name_any());
    let api = hub.namespaced::<ResourceBinding>(&namespace);
    let written = match write {
        AttachedWrite::Create(binding) => api.create(&PostParams::default(), binding).await,
        AttachedWrite::Update(binding) => api.replace(&name, &PostParams::default(), binding).await,
    };
    match written {
        Ok(written) => {
            hub.bindings.observe(written);
            Ok(())
        }
        // Collected with its object in the meantime: its deletion brings the referrers back.
        Err(error) if is_not_found(&error) && matches!(write, AttachedWrite::Update(_)) => Ok(()),
        Err(error) => Err(ReconcileError::api(format!("write binding {namespace}/{name}"))(error)),
    }
}

async fn patch_binding(hub: &Hub, key: &ObjectKey, patch: &Value) -> Result<(), ReconcileError> {
    let api = hub.namespaced::<ResourceBinding>(&key.namespace);
    match api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await {
        // The answer to the last finalizer's removal is no object that is there.
        Ok(patched) if patched.finalizers().is_empty() && patched.metadata.deletion_timestamp.is_some() => {
            Ok(())
        }
        Ok(patched) => {
            hub.bindings.observe(patched);
            Ok(())
        }
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(ReconcileError::api(format!("patch binding {key}"))(error)),
    }
}

fn record(context: &Context, about: Option<&ObjectReference>, events: &[Event]) {
    let Some(about) = about else { return };
    for event in events {
        match event.type_ {
            EventType::Normal => context.events.normal(about, event.reason, &event.message),
            EventType::Warning => context.events.warning(about, event.reason, &event.message),
        }
    }
}

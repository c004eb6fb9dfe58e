//! Reconciles the status of one binding and of its template.

use karmada_core::api::work::constants::{AGGREGATE_STATUS_FAILED, CONDITION_APPLIED};
use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding, Work};
use karmada_core::propagation::TemplateKey;
use karmada_core::scheduling::EventKind;
use karmada_core::work::{
    About, BindingInput, BindingScope, Event, aggregate_binding_status, aggregate_template_status, is_moving,
};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{CLAIM, Context};
use crate::hub::{
    Action, ObjectKey, ObjectReference, ReconcileError, Status, Unstructured, is_not_found, status_patch,
};

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    if key.namespace.is_empty() {
        let Some(binding) = hub.cluster_bindings.find(key) else { return Ok(gone(context, key)) };
        reconcile_status(context, key, BindingInput::from(&*binding), &ObjectReference::of(&*binding)).await
    } else {
        let Some(binding) = hub.bindings.find(key) else { return Ok(gone(context, key)) };
        reconcile_status(context, key, BindingInput::from(&*binding), &ObjectReference::of(&*binding)).await
    }
}

/// Nothing is waited for any longer.
fn gone(context: &Context, key: &ObjectKey) -> Action {
    context.patience.end(key);
    Action::Done
}

/// Whether a member has a Work and has not said yet how it fared.
fn is_unreported(work: &Work) -> bool {
    let mut conditions = work.status.iter().flat_map(|status| &status.conditions);
    work.metadata.deletion_timestamp.is_none()
        && !conditions.any(|condition| condition.type_ == CONDITION_APPLIED)
}

async fn reconcile_status(
    context: &Context,
    key: &ObjectKey,
    binding: BindingInput<'_>,
    about: &ObjectReference,
) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let (_, id) = binding.id_label();
    if id.is_empty() || binding.metadata.deletion_timestamp.is_some() {
        return Ok(gone(context, key));
    }
    let works = hub.works.list_indexed(id);
    let works: Vec<&Work> = works.iter().map(|work| &**work).collect();
    let is_reported = binding.status.is_some_and(|status| !status.aggregated_status.is_empty());
    if works.is_empty() && !is_reported && binding.spec.resource.kind != CLAIM {
        // Nothing was sent anywhere yet, so there is nothing to gather.
        return Ok(Action::Done);
    }
    if is_moving(&works, binding.spec) {
        // The end of these Works calls again.
        return Ok(gone(context, key));
    }
    // One write for the first reports of all members, unless one of them lets the others wait.
    if works.iter().any(|work| is_unreported(work)) && !works.iter().all(|work| is_unreported(work)) {
        if let Some(left) = context.patience.left(key) {
            return Ok(Action::RequeueAfter(left));
        }
    } else {
        context.patience.end(key);
    }
    let decision = aggregate_binding_status(binding, &works, jiff::Timestamp::now())
        .map_err(ReconcileError::decision(format!("aggregate the status of binding {}", about.name)))?;
    let items = match &decision.status {
        Some(status) => {
            // The list of conditions is replaced as a whole, so another writer's must not be lost.
            // Nothing is reported by leaving it out.
            let reported = (!status.aggregated_status.is_empty()).then_some(&status.aggregated_status);
            let patch = json!({
                "metadata": {"resourceVersion": binding.metadata.resource_version},
                "status": {"conditions": status.conditions, "aggregatedStatus": reported},
            });
            let patch = status_patch(patch, Status::from(binding.status));
            write_status(context, binding.scope, about, &patch).await?;
            status.aggregated_status.clone()
        }
        None => binding.status.map(|status| status.aggregated_status.clone()).unwrap_or_default(),
    };
    emit(context, &decision.events, about, None);

    let key = TemplateKey::from(&binding.spec.resource);
    let Some(template) = hub.templates.find(&key) else { return Ok(Action::Done) };
    let now = jiff::Timestamp::now();
    let decision = context
        .interpreter
        .decide(|interpreter| aggregate_template_status(template.value(), &items, interpreter, now))
        .await;
    if let Some(status) = decision.status
        && let Err(refusal) = write_template_status(context, &key, &template, status).await
    {
        if let Some(message) = refusal.answer() {
            for about in [&ObjectReference::of_value(template.value()), about] {
                context.events.warning(about, AGGREGATE_STATUS_FAILED, message);
            }
        }
        return Err(refusal);
    }
    emit(context, &decision.events, about, Some(&ObjectReference::of_value(template.value())));
    match decision.error {
        Some(error) => Err(ReconcileError::decision(format!("aggregate the status of {key}"))(error)),
        None => Ok(Action::Done),
    }
}

fn emit(context: &Context, events: &[Event], binding: &ObjectReference, template: Option<&ObjectReference>) {
    for event in events {
        let about = match event.about {
            About::Template => template,
            About::Binding | About::Work => Some(binding),
        };
        let Some(about) = about else { continue };
        match event.kind {
            EventKind::Normal => context.events.normal(about, event.reason, &event.message),
            EventKind::Warning => context.events.warning(about, event.reason, &event.message),
        }
    }
}

async fn write_status(
    context: &Context,
    scope: BindingScope,
    about: &ObjectReference,
    patch: &Patch<Value>,
) -> Result<(), ReconcileError> {
    let (hub, parameters) = (&context.hub, PatchParams::default());
    let result = match scope {
        BindingScope::Namespaced => {
            let api = hub.namespaced::<ResourceBinding>(&about.namespace);
            let written = api.patch_status(&about.name, &parameters, patch).await;
            written.map(|binding| hub.bindings.observe(binding))
        }
        BindingScope::Cluster => {
            let api = hub.all::<ClusterResourceBinding>();
            let written = api.patch_status(&about.name, &parameters, patch).await;
            written.map(|binding| hub.cluster_bindings.observe(binding))
        }
    };
    match result {
        Err(error) if !is_not_found(&error) => {
            Err(ReconcileError::api(format!("update the status of binding {}", about.name))(error))
        }
        _ => Ok(()),
    }
}

/// Adds what a real API server never lets go: without it the same status would be written again and again.
fn with_what_the_server_keeps(key: &TemplateKey, template: &Value, mut status: Value) -> Value {
    let kept = &template["status"]["qosClass"];
    let is_pod = key.api_version == "v1" && key.kind == "Pod";
    if is_pod && status.is_object() && status["qosClass"].is_null() && !kept.is_null() {
        status["qosClass"] = kept.clone();
    }
    status
}

/// Replaces the status of a template as a whole: a merge would keep counters that are gone.
async fn write_template_status(
    context: &Context,
    key: &TemplateKey,
    template: &Unstructured,
    status: Value,
) -> Result<(), ReconcileError> {
    let Some(api) = context.hub.templates.api(&key.api_version, &key.kind, &key.namespace) else {
        return Ok(());
    };
    let mut object = template.value().clone();
    let status = with_what_the_server_keeps(key, &object, status);
    if object["status"] == status {
        return Ok(());
    }
    object["status"] = status;
    let object =
        Unstructured::try_from_value(object).map_err(ReconcileError::decision(format!("read {key}")))?;
    match api.replace_status(&key.name, &PostParams::default(), &object).await {
        Ok(written) => {
            if let Some(cache) = context.hub.templates.informer(&key.api_version, &key.kind) {
                cache.observe(written);
            }
            Ok(())
        }
        // Kinds without the subresource take no status from us.
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(ReconcileError::api(format!("update the status of {key}"))(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_class_of_a_pod_stays_as_the_server_keeps_it() {
        let check = |kind: &str, status: Value, expected: Value| {
            let key = TemplateKey {
                api_version: "v1".into(),
                kind: kind.into(),
                namespace: "n".into(),
                name: "x".into(),
            };
            let template = json!({"status": {"phase": "Pending", "qosClass": "Burstable"}});
            assert_eq!(with_what_the_server_keeps(&key, &template, status), expected);
        };
        check("Pod", json!({"phase": "Running"}), json!({"phase": "Running", "qosClass": "Burstable"}));
        check("Pod", json!({"qosClass": "Guaranteed"}), json!({"qosClass": "Guaranteed"}));
        check("Service", json!({}), json!({}));
    }
}

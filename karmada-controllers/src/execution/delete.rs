//! Removes the objects of a Work that is being deleted from its member, or lets go of them.

use karmada_core::api::work::Work;
use karmada_core::api::work::constants::EXECUTION_FINALIZER;
use karmada_core::propagation::TemplateKey;
use karmada_core::work::{may_delete, release};
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};
use serde_json::Value;

use super::reconcile::{SyncError, live, replace, resolve};
use super::{Context, cluster_of};
use crate::hub::{Action, ReconcileError, api_of, is_not_found};
use crate::metrics::Outcome;

pub(super) async fn reconcile(context: &Context, work: &Work) -> Result<Action, ReconcileError> {
    let (namespace, name) = (work.namespace().unwrap_or_default(), work.name_any());
    if !work.finalizers().iter().any(|finalizer| finalizer == EXECUTION_FINALIZER) {
        return Ok(Action::Done);
    }
    if may_reach_member(context) {
        for manifest in &work.spec.workload.manifests {
            let is_preserved = work.spec.preserve_resources_on_deletion == Some(true);
            let result =
                if is_preserved { let_go(context, manifest).await } else { delete(context, manifest).await };
            result.map_err(ReconcileError::decision(format!(
                "remove the objects of Work {namespace}/{name}"
            )))?;
        }
    } else if !is_leaving(context) {
        return Err(ReconcileError::Waiting(format!(
            "cluster {} to be ready, to remove Work {name}",
            context.member.name
        )));
    }
    // Agents that upstream registered may update their Works, and not patch them.
    let mut released = work.clone();
    released.finalizers_mut().retain(|present| present != EXECUTION_FINALIZER);
    let api = context.hub.namespaced::<Work>(&namespace);
    match api.replace(&name, &PostParams::default(), &released).await {
        Ok(_) => Ok(Action::Done),
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => {
            Err(ReconcileError::api(format!("remove the finalizer of Work {namespace}/{name}"))(error))
        }
    }
}

fn may_reach_member(context: &Context) -> bool {
    context.member.is_ready()
}

/// Whether the cluster is being removed or gone; what an unreachable one holds then stays there.
fn is_leaving(context: &Context) -> bool {
    cluster_of(&context.hub, &context.member)
        .is_none_or(|cluster| cluster.metadata.deletion_timestamp.is_some())
}

async fn delete(context: &Context, manifest: &Value) -> Result<(), SyncError> {
    let (resource, namespaced) = match resolve(context, manifest).await {
        // A kind that the member no longer serves left no objects there.
        Err(SyncError::UnknownKind { .. }) => return Ok(()),
        other => other?,
    };
    let key = TemplateKey::of(manifest);
    let api = api_of(&context.member.client, &resource, namespaced, &key.namespace);
    let Some(observed) = live(context, &api, &key.name).await? else { return Ok(()) };
    if !may_delete(&observed) {
        return Ok(());
    }
    context.member.forget_version(&key);
    let uid = observed.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned);
    // An object of the same name that someone makes in the meantime is not ours to delete.
    let parameters =
        DeleteParams::background().preconditions(kube::api::Preconditions { uid, resource_version: None });
    let deleted = context.member.call(api.delete(&key.name, &parameters)).await;
    let metrics = &context.member.runtime.metrics().resources;
    metrics.deleted(&resource.api_version, &resource.kind, &context.member.name, Outcome::of(&deleted));
    match deleted {
        Ok(_) => Ok(()),
        Err(error) if error.is_status(404) || error.is_status(409) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Leaves the object in the member without what marks it as Karmada's.
async fn let_go(context: &Context, manifest: &Value) -> Result<(), SyncError> {
    let (resource, namespaced) = match resolve(context, manifest).await {
        Err(SyncError::UnknownKind { .. }) => return Ok(()),
        other => other?,
    };
    let key = TemplateKey::of(manifest);
    let api = api_of(&context.member.client, &resource, namespaced, &key.namespace);
    let Some(mut observed) = live(context, &api, &key.name).await? else { return Ok(()) };
    context.member.forget_version(&key);
    if release(&mut observed) {
        replace(context, &api, &key.name, observed).await?;
    }
    Ok(())
}

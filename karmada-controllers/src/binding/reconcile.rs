//! Reconciles the Works of one binding.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use karmada_core::api::cluster::Cluster;
use karmada_core::api::policy::{ClusterOverridePolicy, OverridePolicy};
use karmada_core::api::reserved::EXECUTION_NAMESPACE_PREFIX;
use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding, Work};
use karmada_core::object::{execution_namespace, work_name};
use karmada_core::propagation::TemplateKey;
use karmada_core::scheduling::EventKind;
use karmada_core::work::{
    About, BindingInput, BindingScope, OrphanWork, WorkWrite, WorksInput, WorksOptions, build_works,
    target_clusters,
};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::Context;
use crate::hub::{
    Action, Hub, ObjectKey, ObjectReference, ReconcileError, Unstructured, chain, is_not_found,
};

/// How often a binding is looked at while Works of evicted clusters are being purged.
const PURGE_POLL: Duration = Duration::from_secs(5);

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    if key.namespace.is_empty() {
        let Some(binding) = hub.cluster_bindings.find(key) else { return Ok(Action::Done) };
        reconcile_works(context, BindingInput::from(&*binding), &ObjectReference::of(&*binding)).await
    } else {
        let Some(binding) = hub.bindings.find(key) else { return Ok(Action::Done) };
        reconcile_works(context, BindingInput::from(&*binding), &ObjectReference::of(&*binding)).await
    }
}

async fn reconcile_works(
    context: &Context,
    binding: BindingInput<'_>,
    about: &ObjectReference,
) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let (_, id) = binding.id_label();
    if binding.metadata.deletion_timestamp.is_some() {
        return delete(context, binding, id).await;
    }
    if id.is_empty() {
        return Err(ReconcileError::Waiting(format!("the permanent id of binding {}", about.name)));
    }
    let template_key = TemplateKey::from(&binding.spec.resource);
    let template = hub.templates.find(&template_key);
    let clusters = hub.clusters.list();
    let clusters: BTreeMap<String, &Cluster> =
        clusters.iter().map(|cluster| (cluster.name().to_string(), &**cluster)).collect();
    let cluster_override_policies: Vec<ClusterOverridePolicy> =
        hub.cluster_override_policies.list().iter().map(|policy| (**policy).clone()).collect();
    let override_policies: Vec<OverridePolicy> = match binding.scope {
        BindingScope::Namespaced => hub
            .override_policies
            .list_namespace(&about.namespace)
            .iter()
            .map(|policy| (**policy).clone())
            .collect(),
        BindingScope::Cluster => Vec::new(),
    };
    let mut existing = hub.works.list_indexed(id);
    // A Work of that name that belongs to nobody, or to an older binding, is taken over.
    let name = work_name(&template_key.kind, &template_key.name, &template_key.namespace);
    for target in target_clusters(binding.spec) {
        let work_key = ObjectKey::new(execution_namespace(&target.name), &name);
        if !existing.iter().any(|work| ObjectKey::of(&**work) == work_key) {
            existing.extend(hub.works.find(&work_key));
        }
    }
    let existing: Vec<&Work> = existing.iter().map(|work| &**work).collect();
    let decision = context
        .interpreter
        .decide(|interpreter| {
            build_works(&WorksInput {
                binding,
                template: template.as_deref().map(Unstructured::value),
                clusters: &clusters,
                cluster_override_policies: &cluster_override_policies,
                override_policies: &override_policies,
                existing: &existing,
                interpreter,
                options: WorksOptions::default(),
            })
        })
        .await;

    let deleted = join_all(decision.orphans.iter().map(|orphan| delete_work(context, orphan))).await;
    if let Some(error) = deleted.into_iter().find_map(Result::err) {
        let reason = karmada_core::api::work::constants::CLEANUP_WORK_FAILED;
        context.events.warning(about, reason, chain(&error));
        return Err(error);
    }
    if decision.waits_for_purge {
        return Ok(Action::RequeueAfter(PURGE_POLL));
    }
    // Clusters do not wait for one another.
    let written = join_all(decision.writes.iter().map(|write| write_work(hub, write))).await;
    let is_news = !decision.writes.is_empty()
        || !decision.orphans.is_empty()
        || !decision.failures.is_empty()
        || target_clusters(binding.spec).is_empty();
    let failed = written.into_iter().find_map(Result::err);
    if is_news && failed.is_none() {
        let template_reference =
            template.as_ref().map(|template| ObjectReference::of_value(template.value()));
        for event in &decision.events {
            let subject = match event.about {
                About::Template => template_reference.as_ref(),
                About::Binding | About::Work => Some(about),
            };
            let Some(subject) = subject else { continue };
            match event.kind {
                EventKind::Normal => context.events.normal(subject, event.reason, &event.message),
                EventKind::Warning => context.events.warning(subject, event.reason, &event.message),
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    match decision.failures.into_iter().next() {
        Some(failure) => Err(ReconcileError::decision(format!(
            "build the Work for cluster {}",
            failure.cluster
        ))(failure.error)),
        None => Ok(Action::Done),
    }
}

/// Creates or replaces a Work.
pub(crate) async fn write_work(hub: &Hub, write: &WorkWrite) -> Result<(), ReconcileError> {
    let work = write.work();
    let (namespace, name) = (work.namespace().unwrap_or_default(), work.name_any());
    let api = hub.namespaced::<Work>(&namespace);
    if matches!(write, WorkWrite::Create(_))
        && let Some(cluster) = namespace.strip_prefix(EXECUTION_NAMESPACE_PREFIX)
        && let Some(cluster) = hub.clusters.find(&ObjectKey::new("", cluster))
        && cluster.metadata.deletion_timestamp.is_some()
    {
        // It would only have to be removed again before the cluster can go.
        return Err(ReconcileError::Waiting(format!("the end of cluster {}", cluster.name())));
    }
    let result = match write {
        WorkWrite::Create(work) => api.create(&PostParams::default(), work).await,
        WorkWrite::Update(work) => api.replace(&name, &PostParams::default(), work).await,
    };
    let written = result.map_err(ReconcileError::api(format!("write Work {namespace}/{name}")))?;
    hub.works.observe(written);
    Ok(())
}

async fn delete_work(context: &Context, orphan: &OrphanWork) -> Result<(), ReconcileError> {
    let api = context.hub.namespaced::<Work>(&orphan.namespace);
    match api.delete(&orphan.name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => {
            Err(ReconcileError::api(format!("delete Work {}/{}", orphan.namespace, orphan.name))(error))
        }
    }
}

/// Deletes the Works of a binding that is being deleted, then lets the binding go.
async fn delete(context: &Context, binding: BindingInput<'_>, id: &str) -> Result<Action, ReconcileError> {
    let hub = &context.hub;
    let works = if id.is_empty() { Vec::new() } else { hub.works.list_indexed(id) };
    let orphans: Vec<OrphanWork> = works
        .iter()
        .filter(|work| work.metadata.deletion_timestamp.is_none())
        .map(|work| OrphanWork::of(work))
        .collect();
    let deleted = join_all(orphans.iter().map(|orphan| delete_work(context, orphan))).await;
    if let Some(error) = deleted.into_iter().find_map(Result::err) {
        return Err(error);
    }
    let finalizer = match binding.scope {
        BindingScope::Namespaced => karmada_core::api::work::constants::BINDING_FINALIZER,
        BindingScope::Cluster => karmada_core::api::work::constants::CLUSTER_RESOURCE_BINDING_FINALIZER,
    };
    let finalizers = binding.metadata.finalizers.as_deref().unwrap_or_default();
    if !finalizers.iter().any(|present| present == finalizer) {
        return Ok(Action::Done);
    }
    let kept: Vec<&String> = finalizers.iter().filter(|present| *present != finalizer).collect();
    let patch: Value =
        json!({"metadata": {"resourceVersion": binding.metadata.resource_version, "finalizers": kept}});
    let name = binding.metadata.name.as_deref().unwrap_or_default();
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(&patch));
    let result = match binding.scope {
        BindingScope::Namespaced => {
            let namespace = binding.metadata.namespace.as_deref().unwrap_or_default();
            hub.namespaced::<ResourceBinding>(namespace).patch(name, &parameters, &patch).await.map(drop)
        }
        BindingScope::Cluster => {
            hub.all::<ClusterResourceBinding>().patch(name, &parameters, &patch).await.map(drop)
        }
    };
    match result {
        Ok(()) => Ok(Action::Done),
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(format!("remove the finalizer of binding {name}"))(error)),
    }
}

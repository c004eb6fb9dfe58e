//! Binding controller: turns a scheduled binding into one Work per cluster.
//!
//! Watches ResourceBindings, ClusterResourceBindings, override policies and Works (a Work that is
//! deleted or edited by hand comes back). Keys are bindings; an empty namespace names a ClusterResourceBinding.

mod reconcile;

pub(crate) use reconcile::write_work;

use std::sync::Arc;
use std::time::Instant;

use karmada_core::api::policy::OverrideSpec;
use karmada_core::api::reserved::EXECUTION_NAMESPACE_PREFIX;
use karmada_core::api::work::Work;
use karmada_core::api::work::constants::{
    CLUSTER_RESOURCE_BINDING_ID_LABEL, CLUSTER_RESOURCE_BINDING_NAME_ANNOTATION, RESOURCE_BINDING_ID_LABEL,
    RESOURCE_BINDING_NAME_ANNOTATION, RESOURCE_BINDING_NAMESPACE_ANNOTATION,
};
use kube::{Resource, ResourceExt};

use crate::hub::{Change, EventRecorder, Hub, ObjectKey, WorkQueue};
use crate::interpreter::LiveInterpreter;
use crate::metrics::Outcome;

/// Bindings in work at the same time: most of it is waiting for durable writes.
const WORKERS: usize = 16;

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    interpreter: Arc<LiveInterpreter>,
    events: EventRecorder,
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, interpreter: &Arc<LiveInterpreter>) {
    let queue: Arc<WorkQueue<ObjectKey>> = Arc::default();
    watch_bindings(&hub.bindings, &queue);
    watch_bindings(&hub.cluster_bindings, &queue);
    {
        let (queue, bindings) = (queue.clone(), hub.bindings.clone());
        let cluster_bindings = hub.cluster_bindings.clone();
        hub.cluster_override_policies.on_change(move |change| {
            if is_generation_changed(change) {
                for key in bindings_under(&bindings.list(), &change.object().spec) {
                    queue.add(key);
                }
                for key in bindings_under(&cluster_bindings.list(), &change.object().spec) {
                    queue.add(key);
                }
            }
        });
    }
    {
        let (queue, bindings) = (queue.clone(), hub.bindings.clone());
        hub.override_policies.on_change(move |change| {
            if is_generation_changed(change) {
                let namespace = change.object().namespace().unwrap_or_default();
                for key in bindings_under(&bindings.list_namespace(&namespace), &change.object().spec) {
                    queue.add(key);
                }
            }
        });
    }
    {
        let queue = queue.clone();
        hub.works.on_change(move |change| {
            let key = match change {
                Change::Deleted(work) => binding_of(work),
                Change::Updated { old, new } if old.metadata.generation != new.metadata.generation => {
                    binding_of(new)
                }
                Change::Updated { .. } | Change::Added(_) => None,
            };
            if let Some(key) = key {
                queue.add(key);
            }
        });
    }
    let context = Arc::new(Context {
        hub: hub.clone(),
        interpreter: interpreter.clone(),
        events: hub.events.for_component("binding-controller"),
    });
    hub.runtime.run_queue("binding", &queue, WORKERS, move |key| {
        let context = context.clone();
        async move {
            let started = Instant::now();
            let result = reconcile::reconcile(&context, &key).await;
            let metrics = &context.hub.runtime.metrics().resources;
            metrics.synced_works(Outcome::of(&result), started.elapsed());
            result
        }
    });
}

fn watch_bindings<K>(informer: &crate::hub::Informer<K>, queue: &Arc<WorkQueue<ObjectKey>>)
where
    K: Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let queue = queue.clone();
    informer.on_change(move |change| {
        if is_generation_changed(change) {
            queue.add(ObjectKey::of(&**change.object()));
        }
    });
}

/// Whether the spec (or the deletion timestamp, which bumps the generation too) is new.
pub(crate) fn is_generation_changed<K: Resource>(change: &Change<K>) -> bool {
    match change {
        Change::Updated { old, new } => {
            old.meta().generation != new.meta().generation
                || old.meta().deletion_timestamp != new.meta().deletion_timestamp
        }
        Change::Added(_) | Change::Deleted(_) => true,
    }
}

/// Whether someone else may have deleted or edited a Work, so that its owner has to put it right.
pub(crate) fn is_touched(change: &Change<Work>) -> bool {
    match change {
        Change::Deleted(_) => true,
        Change::Updated { old, new } => old.metadata.generation != new.metadata.generation,
        Change::Added(_) => false,
    }
}

/// Returns the bindings whose template an override policy may select.
///
/// Only kind and name are looked at: a binding too many costs a comparison, one too few a wrong object.
fn bindings_under<K>(bindings: &[Arc<K>], spec: &OverrideSpec) -> Vec<ObjectKey>
where
    K: Resource + kube::core::object::HasSpec<Spec = karmada_core::api::work::ResourceBindingSpec>,
{
    let selected = bindings.iter().filter(|binding| {
        let resource = &binding.spec().resource;
        spec.resource_selectors.is_empty()
            || spec.resource_selectors.iter().any(|selector| {
                selector.api_version == resource.api_version
                    && selector.kind == resource.kind
                    && (selector.name.is_empty() || selector.name == resource.name)
            })
    });
    selected.map(|binding| ObjectKey::of(&**binding)).collect()
}

/// Returns the binding that a Work was built from.
pub(crate) fn binding_of(work: &Work) -> Option<ObjectKey> {
    work.metadata.namespace.as_deref()?.strip_prefix(EXECUTION_NAMESPACE_PREFIX)?;
    let annotations = work.annotations();
    if work.labels().contains_key(RESOURCE_BINDING_ID_LABEL) {
        let namespace = annotations.get(RESOURCE_BINDING_NAMESPACE_ANNOTATION)?;
        return Some(ObjectKey::new(namespace, annotations.get(RESOURCE_BINDING_NAME_ANNOTATION)?));
    }
    work.labels().get(CLUSTER_RESOURCE_BINDING_ID_LABEL)?;
    Some(ObjectKey::new("", annotations.get(CLUSTER_RESOURCE_BINDING_NAME_ANNOTATION)?))
}

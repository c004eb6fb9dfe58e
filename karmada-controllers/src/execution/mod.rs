//! Execution controller: writes the manifests of Works to their member, and reports what the member says.
//!
//! Each member has its own queue, workers and caches. A Work is looked at when it changes, when
//! its object in the member changes, and when the member becomes ready; every look compares
//! what should be with what is, so drift and deletions in the member are repaired the same way
//! as changes of the Work are carried out.

mod delete;
mod reconcile;
mod status;

use std::sync::Arc;
use std::time::{Duration, Instant};

use karmada_core::api::cluster::Cluster;
use karmada_core::api::reserved::{EXECUTION_NAMESPACE_PREFIX, LABEL_TRUE, MANAGED_LABEL};
use karmada_core::api::work::Work;
use karmada_core::api::work::constants::{WORK_NAME_ANNOTATION, WORK_NAMESPACE_ANNOTATION};
use kube::core::ApiResource;
use kube::{Resource, ResourceExt};

use crate::hub::{Change, EventRecorder, Hub, ObjectKey, Unstructured, key_of};
use crate::interpreter::LiveInterpreter;
use crate::members::{Fleet, Member};
use crate::metrics::Outcome;

/// Works of one member in work at the same time: most of it is waiting for the member.
const WORKERS_PER_MEMBER: usize = 8;

/// Time in which the changes of an object in a member become one look at it.
const GATHER_TIME: Duration = Duration::from_millis(30);

/// What the execution controller of one member works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) hub: Arc<Hub>,
    pub(crate) member: Arc<Member>,
    pub(crate) interpreter: Arc<LiveInterpreter>,
    pub(crate) events: EventRecorder,
}

/// Routes changes of Works to the queue of the member they are for.
pub(crate) fn route_works(hub: &Hub, fleet: Arc<Fleet>) {
    hub.works.on_change(move |change| {
        if is_status_only(change) {
            return;
        }
        let key = ObjectKey::of(&**change.object());
        let Some(cluster) = key.namespace.strip_prefix(EXECUTION_NAMESPACE_PREFIX) else { return };
        if let Some(member) = fleet.find(cluster) {
            member.queue.add(key);
        }
    });
}

/// Starts the controller of one member.
pub(crate) fn start(context: Context) {
    let context = Arc::new(context);
    let (hub, member) = (context.hub.clone(), context.member.clone());
    let namespace = format!("{EXECUTION_NAMESPACE_PREFIX}{}", member.name);
    {
        let (queue, namespace, member) = (member.queue.clone(), namespace.clone(), Arc::downgrade(&member));
        context.member.objects.on_change(Arc::new(move |resource, change| {
            let Some(member) = member.upgrade() else { return };
            if let Some(work) = work_to_look_at(&member, &namespace, resource, change) {
                match change {
                    Change::Deleted(_) => queue.add(work),
                    // What a member reports must not hold up what it shall do, and mostly comes in pieces.
                    _ => queue.add_after(work, GATHER_TIME),
                }
            }
        }));
    }
    let runtime = member.runtime.clone();
    {
        // Works that existed before the member, or that waited for it to become ready.
        let (hub, member, mut ready) = (hub.clone(), member.clone(), member.ready.subscribe());
        runtime.spawn_cancellable(async move {
            loop {
                member.forget_futile();
                for work in hub.works.keys_of_namespace(&namespace) {
                    member.queue.add(work);
                }
                if ready.changed().await.is_err() {
                    return;
                }
            }
        });
    }
    runtime.run_queue("execution", &member.queue, WORKERS_PER_MEMBER, move |key| {
        let context = context.clone();
        async move {
            let started = Instant::now();
            let result = reconcile::reconcile(&context, &key).await;
            let metrics = &context.member.runtime.metrics().resources;
            metrics.synced_workload(Outcome::of(&result), started.elapsed());
            result
        }
    });
}

/// Whether a Work changed in nothing but its status, which is our own writing.
fn is_status_only(change: &Change<Work>) -> bool {
    let Change::Updated { old, new } = change else { return false };
    old.spec == new.spec
        && old.metadata.labels == new.metadata.labels
        && old.metadata.annotations == new.metadata.annotations
        && old.metadata.finalizers == new.metadata.finalizers
        && old.metadata.deletion_timestamp == new.metadata.deletion_timestamp
}

/// Returns the Work that must be looked at because an object of the member changed.
///
/// Objects that Karmada does not manage are none of our business, and the echo of our own
/// write is no change.
fn work_to_look_at(
    member: &Member,
    execution_namespace: &str,
    resource: &ApiResource,
    change: &Change<Unstructured>,
) -> Option<ObjectKey> {
    // An object that just lost its marks was ours until now.
    let object = match change {
        Change::Updated { old, new } if !is_ours(new) => old,
        _ => change.object(),
    };
    if !is_ours(object) {
        return None;
    }
    let namespace = object.annotations().get(WORK_NAMESPACE_ANNOTATION)?;
    let name = object.annotations().get(WORK_NAME_ANNOTATION)?;
    if namespace != execution_namespace {
        return None;
    }
    let is_echo = !matches!(change, Change::Deleted(_))
        && member.recorded_version(&key_of(resource, object)) == change.object().meta().resource_version;
    (!is_echo).then(|| ObjectKey::new(namespace, name))
}

/// Whether an object of the member names the Work it comes from and is marked as managed.
fn is_ours(object: &Unstructured) -> bool {
    object.labels().get(MANAGED_LABEL).is_some_and(|value| value == LABEL_TRUE)
        && object.annotations().contains_key(WORK_NAME_ANNOTATION)
}

/// Whether the control plane considers the member ready or is removing it.
fn cluster_of(hub: &Hub, member: &Member) -> Option<Arc<Cluster>> {
    hub.clusters.find(&ObjectKey::new("", &member.name))
}

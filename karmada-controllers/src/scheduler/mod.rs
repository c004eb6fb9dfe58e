//! Scheduler: chooses clusters for bindings.
//!
//! Watches ResourceBindings, ClusterResourceBindings and Clusters. Keys are bindings; an empty
//! namespace names a ClusterResourceBinding. The clusters are kept as one prepared snapshot.

mod reconcile;

use std::sync::Arc;
use std::time::Duration;

use karmada_core::api::cluster::Cluster;
use karmada_core::api::work::{ResourceBindingSpec, ResourceBindingStatus};
use karmada_core::scheduling::{
    ScheduleOptions, Snapshot, WorkloadGroups, is_affected_by_cluster, is_in_charge,
};
use kube::Resource;
use kube::core::object::{HasSpec, HasStatus};
use parking_lot::{Mutex, RwLock};

use crate::binding::is_generation_changed;
use crate::hub::{Change, EventRecorder, Hub, Informer, ObjectKey, WorkQueue};

/// Bindings in work at the same time: decisions are quick, durable writes are not.
const WORKERS: usize = 16;

/// How long a binding that found no room waits, unless clusters change before.
const UNSCHEDULABLE_RETRY: Duration = Duration::from_mins(5);

/// How bindings are scheduled.
#[derive(Clone, Debug, Default)]
pub struct SchedulerSettings {
    /// Bindings of other schedulers are left alone; empty means `default-scheduler`.
    pub name: String,
    pub options: ScheduleOptions,
}

struct Context {
    hub: Arc<Hub>,
    settings: SchedulerSettings,
    events: EventRecorder,
    snapshot: RwLock<Arc<Snapshot>>,
    /// The other workloads by group; empty without the gate WorkloadAffinity.
    groups: Mutex<WorkloadGroups>,
    /// Bindings that found no room: any change of a cluster may help them.
    unschedulable: Mutex<std::collections::BTreeSet<ObjectKey>>,
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, mut settings: SchedulerSettings) {
    if settings.name.is_empty() {
        settings.name = karmada_core::api::reserved::DEFAULT_SCHEDULER_NAME.to_string();
    }
    let queue: Arc<WorkQueue<ObjectKey>> = Arc::default();
    let context = Arc::new(Context {
        events: hub.events.for_component("karmada-scheduler"),
        hub: hub.clone(),
        settings,
        snapshot: RwLock::new(Arc::new(Snapshot::new([]))),
        groups: Mutex::default(),
        unschedulable: Mutex::default(),
    });
    {
        // Before the bindings: the first decisions must see all clusters.
        let (context, queue) = (context.clone(), queue.clone());
        hub.clusters.on_change(move |change| follow_cluster(&context, &queue, change));
    }
    if context.settings.options.gates.workload_affinity {
        let context = context.clone();
        hub.bindings.on_change(move |change| match change {
            Change::Deleted(binding) => {
                let key = ObjectKey::of(&**binding);
                context.groups.lock().remove(&key.namespace, &key.name);
            }
            other => context.groups.lock().observe(other.object()),
        });
    }
    watch_bindings(&context, &hub.bindings, &queue);
    watch_bindings(&context, &hub.cluster_bindings, &queue);
    let runtime = hub.runtime.clone();
    let delayed = queue.clone();
    runtime.run_queue("scheduler", &queue, WORKERS, move |key| {
        let (context, delayed) = (context.clone(), delayed.clone());
        async move {
            let action = reconcile::reconcile(&context, &key).await?;
            if let reconcile::Outcome::Unschedulable = action {
                context.unschedulable.lock().insert(key.clone());
                delayed.add_after(key, UNSCHEDULABLE_RETRY);
            } else {
                context.unschedulable.lock().remove(&key);
            }
            Ok(crate::hub::Action::Done)
        }
    });
}

fn watch_bindings<K>(context: &Arc<Context>, informer: &Informer<K>, queue: &Arc<WorkQueue<ObjectKey>>)
where
    K: Resource
        + HasSpec<Spec = ResourceBindingSpec>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    let (context, queue) = (context.clone(), queue.clone());
    informer.on_change(move |change| {
        let binding = change.object();
        if !matches!(change, Change::Deleted(_))
            && is_generation_changed(change)
            && is_in_charge(&context.settings.name, binding.meta(), binding.spec())
        {
            queue.add(ObjectKey::of(&**binding));
        }
    });
}

/// Updates the snapshot, and looks again at the bindings that the change may matter to.
fn follow_cluster(context: &Context, queue: &WorkQueue<ObjectKey>, change: &Change<Cluster>) {
    {
        let mut current = context.snapshot.write();
        let snapshot = Arc::make_mut(&mut current);
        match change {
            Change::Deleted(cluster) => snapshot.remove(cluster.name()),
            other => snapshot.upsert(other.object()),
        }
    }
    for key in context.unschedulable.lock().iter() {
        queue.add(key.clone());
    }
    let Change::Updated { old, new } = change else { return };
    let is_leaving = old.metadata.deletion_timestamp.is_none() && new.metadata.deletion_timestamp.is_some();
    let is_changed =
        old.metadata.labels != new.metadata.labels || old.metadata.generation != new.metadata.generation;
    let clusters: &[&Cluster] = match (is_leaving, is_changed) {
        (true, _) => &[&**new],
        (false, true) => &[&**old, &**new],
        (false, false) => return,
    };
    add_affected(context, queue, &context.hub.bindings.list(), clusters);
    add_affected(context, queue, &context.hub.cluster_bindings.list(), clusters);
}

fn add_affected<K>(
    context: &Context,
    queue: &WorkQueue<ObjectKey>,
    bindings: &[Arc<K>],
    clusters: &[&Cluster],
) where
    K: Resource + HasSpec<Spec = ResourceBindingSpec> + HasStatus<Status = ResourceBindingStatus>,
{
    for binding in bindings {
        let is_affected = clusters.iter().any(|cluster| {
            is_affected_by_cluster(
                &context.settings.name,
                binding.meta(),
                binding.spec(),
                binding.status(),
                cluster,
            )
        });
        if is_affected {
            queue.add(ObjectKey::of(&**binding));
        }
    }
}

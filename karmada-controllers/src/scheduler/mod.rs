//! Scheduler: chooses clusters for bindings.
//!
//! Watches ResourceBindings, ClusterResourceBindings and Clusters. Keys are bindings; an empty
//! namespace names a ClusterResourceBinding. The clusters are kept as one prepared snapshot.

mod queue;
mod reconcile;

use std::sync::Arc;
use std::time::Instant;

use karmada_core::api::Feature;
use karmada_core::api::cluster::Cluster;
use karmada_core::api::work::{ResourceBindingSpec, ResourceBindingStatus, ResourceHealth};
use karmada_core::scheduling::{
    AssumedWorkloads, ScheduleOptions, Snapshot, WorkloadGroups, is_affected_by_cluster, is_in_charge,
};
use kube::Resource;
use kube::core::object::{HasSpec, HasStatus};
use parking_lot::{Mutex, RwLock};

use tracing::Instrument as _;

use self::queue::{Next, Order, ScheduleQueue};
use crate::binding::is_generation_changed;
use crate::hub::{Change, EventRecorder, Hub, Informer, ObjectKey, Observed, chain};

/// Bindings in work at the same time: decisions are quick, durable writes are not.
const WORKERS: usize = 16;

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
    /// Room that was given away and does not show in what clusters report yet; empty without the gate
    /// SchedulingOvercommitProtection.
    assumed: Mutex<AssumedWorkloads>,
    queue: Arc<ScheduleQueue>,
}

impl Context {
    fn push(&self, key: ObjectKey, spec: &ResourceBindingSpec, event: &'static str) {
        let priority = spec.schedule_priority.as_ref().map_or(0, |priority| priority.priority);
        self.hub.runtime.metrics().scheduler.queued(event);
        self.queue.push(key, priority);
    }

    fn protects_from_overcommit(&self) -> bool {
        self.settings.options.gates.scheduling_overcommit_protection
    }
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, mut settings: SchedulerSettings) {
    if settings.name.is_empty() {
        settings.name = karmada_core::api::reserved::DEFAULT_SCHEDULER_NAME.to_string();
    }
    let order = if hub.gates.is_enabled(Feature::PriorityBasedScheduling) {
        Order::Priority
    } else {
        Order::Arrival(hub.runtime.retry_limits())
    };
    let queue = Arc::new(ScheduleQueue::new(order));
    let gates = settings.options.gates;
    let context = Arc::new(Context {
        events: hub.events.for_component("karmada-scheduler"),
        hub: hub.clone(),
        settings,
        snapshot: RwLock::new(Arc::new(Snapshot::new([]))),
        groups: Mutex::default(),
        assumed: Mutex::default(),
        queue: queue.clone(),
    });
    {
        // Before the bindings: the first decisions must see all clusters.
        let context = context.clone();
        hub.clusters.on_change(move |change| follow_cluster(&context, change));
    }
    if gates.workload_affinity {
        let context = context.clone();
        hub.bindings.on_change(move |change| match change {
            Change::Deleted(binding) => {
                let key = ObjectKey::of(&**binding);
                context.groups.lock().remove(&key.namespace, &key.name);
            }
            other => context.groups.lock().observe(other.object()),
        });
    }
    watch_bindings(&context, &hub.bindings);
    watch_bindings(&context, &hub.cluster_bindings);
    // Decisions that depend on one another are made one after the other.
    let workers = if gates.workload_affinity || gates.scheduling_overcommit_protection {
        1
    } else {
        hub.runtime.workers("scheduler", WORKERS)
    };
    let observed: Arc<dyn Observed> = queue.clone();
    hub.runtime.observe("scheduler", &observed);
    for _ in 0..workers {
        let (context, queue) = (context.clone(), queue.clone());
        hub.runtime.spawn_cancellable(async move {
            while let Some(key) = queue.next().await {
                let next = take_turn(&context, &key).await;
                queue.done(&key, next);
                let (pools, metrics) = (queue.pools(), &context.hub.runtime.metrics().scheduler);
                metrics.pending("active", pools.active);
                metrics.pending("backoff", pools.backoff);
                metrics.pending("unschedulable", pools.unschedulable);
            }
        });
    }
    let cancel = hub.runtime.cancellation();
    hub.runtime.spawn(async move {
        cancel.cancelled().await;
        queue.close();
    });
}

async fn take_turn(context: &Context, key: &ObjectKey) -> Next {
    let started = Instant::now();
    let span = tracing::debug_span!("reconcile", controller = "scheduler", %key);
    let result = reconcile::reconcile(context, key).instrument(span).await;
    let metrics = context.hub.runtime.metrics();
    let (next, outcome) = match &result {
        Ok(reconcile::Outcome::Settled) => (Next::Settled, "success"),
        Ok(reconcile::Outcome::Unschedulable) => (Next::Unschedulable, "success"),
        Err(error) if error.is_conflict() => (Next::Conflict, "error"),
        Err(error) => {
            tracing::debug!(controller = "scheduler", %key, error = chain(error), "will retry");
            (Next::Failed, "error")
        }
    };
    metrics.runtime.reconciled("scheduler", outcome, started.elapsed());
    next
}

fn watch_bindings<K>(context: &Arc<Context>, informer: &Informer<K>)
where
    K: Resource
        + HasSpec<Spec = ResourceBindingSpec>
        + HasStatus<Status = ResourceBindingStatus>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    let context = context.clone();
    informer.on_change(move |change| {
        let binding = change.object();
        let key = ObjectKey::of(&**binding);
        if context.protects_from_overcommit() {
            release_assumed(&context, &key, change);
        }
        if matches!(change, Change::Deleted(_)) {
            return;
        }
        // A label that gives a binding to the scheduler changes no generation.
        let in_charge = |binding: &K| is_in_charge(&context.settings.name, binding.meta(), binding.spec());
        let is_new = match change {
            Change::Updated { old, .. } => !in_charge(old),
            Change::Added(_) | Change::Deleted(_) => false,
        };
        if in_charge(binding) && (is_new || is_generation_changed(change)) {
            let event = if matches!(change, Change::Added(_)) { "BindingAdd" } else { "BindingUpdate" };
            context.push(key, binding.spec(), event);
        }
    });
}

/// Releases what a binding was assumed to take once it runs, or is gone.
fn release_assumed<K>(context: &Context, key: &ObjectKey, change: &Change<K>)
where
    K: HasSpec<Spec = ResourceBindingSpec> + HasStatus<Status = ResourceBindingStatus>,
{
    let mut assumed = context.assumed.lock();
    if assumed.is_empty() {
        return;
    }
    let name = key.to_string();
    match change {
        Change::Deleted(_) => assumed.release_all_but(&name, &[]),
        other => {
            let binding = other.object();
            assumed.release_all_but(&name, &binding.spec().clusters);
            let items = binding.status().map(|status| status.aggregated_status.as_slice());
            for item in items.unwrap_or_default() {
                if item.health == ResourceHealth::Healthy {
                    assumed.release(&name, &item.cluster_name);
                }
            }
        }
    }
}

/// Updates the snapshot, and looks again at the bindings that the change may matter to.
fn follow_cluster(context: &Context, change: &Change<Cluster>) {
    {
        let mut current = context.snapshot.write();
        let snapshot = Arc::make_mut(&mut current);
        match change {
            Change::Deleted(cluster) => snapshot.remove(cluster.name()),
            other => snapshot.upsert(other.object()),
        }
    }
    // Any change of a cluster may have made room.
    context.queue.push_unschedulable();
    let Change::Updated { old, new } = change else { return };
    let is_leaving = old.metadata.deletion_timestamp.is_none() && new.metadata.deletion_timestamp.is_some();
    let is_changed =
        old.metadata.labels != new.metadata.labels || old.metadata.generation != new.metadata.generation;
    let clusters: &[&Cluster] = match (is_leaving, is_changed) {
        (true, _) => &[&**new],
        (false, true) => &[&**old, &**new],
        (false, false) => return,
    };
    add_affected(context, &context.hub.bindings.list(), clusters);
    add_affected(context, &context.hub.cluster_bindings.list(), clusters);
}

fn add_affected<K>(context: &Context, bindings: &[Arc<K>], clusters: &[&Cluster])
where
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
            context.push(ObjectKey::of(&**binding), binding.spec(), "ClusterChanged");
        }
    }
}

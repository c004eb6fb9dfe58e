//! Who is told about which change, and the workers of each queue.

use std::future::Future;
use std::sync::Arc;

use kube::{Client, Resource};

use super::cluster::{Cluster, Kind, key_of};
use super::paper::Limit;
use super::pods::Addresses;
use super::room::Holder;
use super::{claims, daemon_sets, deployments, jobs, nodes, pods, replica_sets, services, stateful_sets};
use crate::hub::{Action, Change, ObjectKey, ReconcileError, Runtime, Unstructured, WorkQueue};

const WORKERS: usize = 2;

/// Starts caches and controllers. They begin once the caches hold what there is.
pub(super) fn start(client: Client, pod_objects: u32, runtime: &Runtime) {
    let cluster = Arc::new(Cluster::start(client, runtime));
    let task = runtime.clone();
    runtime.spawn_cancellable(async move {
        cluster.wait_synced().await;
        watch_nodes(&cluster);
        let (limit, addresses) = (Arc::new(Limit::new(pod_objects)), Arc::new(Addresses::default()));
        pods::take_over(&cluster, &addresses);
        limit.take_over(&cluster);
        watch_workloads(&cluster);
        run(&cluster, limit, addresses, &task);
    });
}

fn watch_nodes(cluster: &Arc<Cluster>) {
    let told = Arc::clone(cluster);
    cluster.nodes.cache.on_change(move |change| {
        let node = nodes::facts(change.object().value());
        let name = node.name.clone();
        let holders = if let Change::Deleted(_) = change {
            told.room.lock().remove_node(&name)
        } else {
            let mut room = told.room.lock();
            if !room.set_node(node) {
                return;
            }
            room.holders(&name)
        };
        for holder in holders {
            match holder {
                Holder::Pod(key) => told.queues.pods.add(key),
                Holder::Paper(key) => told.queues.deployments.add(key),
            }
        }
        told.room_became_free();
        for set in told.daemon_sets.cache.list() {
            told.queues.daemon_sets.add(ObjectKey::of(&*set));
        }
    });
}

fn watch_workloads(cluster: &Arc<Cluster>) {
    let queues = &cluster.queues;
    watch(&cluster.deployments, &queues.deployments);
    watch(&cluster.stateful_sets, &queues.stateful_sets);
    watch(&cluster.daemon_sets, &queues.daemon_sets);
    watch(&cluster.jobs, &queues.jobs);
    watch(&cluster.services, &queues.services);
    watch(&cluster.replica_sets, &queues.replica_sets);
    watch(&cluster.claims, &queues.claims);
    for kind in [&cluster.replica_sets, &cluster.endpoint_slices] {
        let told = Arc::clone(cluster);
        kind.cache.on_change(move |change| {
            if let Change::Deleted(object) = change {
                told.forget(object.value());
            }
            told.queues.add_owner(change.object().value());
        });
    }
    let told = Arc::clone(cluster);
    cluster.claims.cache.on_change(move |change| {
        if let Change::Deleted(claim) = change {
            told.queues.volumes.add(ObjectKey::new("", claims::volume_name(claim.value())));
        }
    });
    pods::watch(cluster);
}

/// Tells a controller about changes of its kind, those of the status apart: they are its own.
fn watch(kind: &Kind, queue: &Arc<WorkQueue<ObjectKey>>) {
    let queue = Arc::clone(queue);
    kind.cache.on_change(move |change| {
        if let Change::Updated { old, new } = change
            && is_only_status(old, new)
        {
            return;
        }
        queue.add(key_of(change.object().value()));
    });
}

fn is_only_status(old: &Unstructured, new: &Unstructured) -> bool {
    let (before, after) = (old.meta(), new.meta());
    old.value().get("status") != new.value().get("status")
        && old.value().get("spec") == new.value().get("spec")
        && before.annotations == after.annotations
        && before.labels == after.labels
        && before.deletion_timestamp == after.deletion_timestamp
}

fn run(cluster: &Arc<Cluster>, limit: Arc<Limit>, addresses: Arc<Addresses>, runtime: &Runtime) {
    let queues = &cluster.queues;
    let start = Starter { cluster, runtime };
    runtime.run_queue("simulated-pods", &queues.pods, WORKERS, {
        let cluster = Arc::clone(cluster);
        move |key| {
            let (cluster, addresses) = (Arc::clone(&cluster), Arc::clone(&addresses));
            async move { pods::reconcile(&cluster, &addresses, key).await }
        }
    });
    runtime.run_queue("simulated-deployments", &queues.deployments, WORKERS, {
        let cluster = Arc::clone(cluster);
        move |key| {
            let (cluster, limit) = (Arc::clone(&cluster), Arc::clone(&limit));
            async move { deployments::reconcile(&cluster, &limit, key).await }
        }
    });
    start.queue("simulated-replicasets", &queues.replica_sets, |cluster, key| async move {
        replica_sets::reconcile(&cluster, key).await
    });
    start.queue("simulated-statefulsets", &queues.stateful_sets, |cluster, key| async move {
        stateful_sets::reconcile(&cluster, key).await
    });
    start.queue("simulated-daemonsets", &queues.daemon_sets, |cluster, key| async move {
        daemon_sets::reconcile(&cluster, key).await
    });
    start.queue("simulated-jobs", &queues.jobs, |cluster, key| async move {
        jobs::reconcile(&cluster, key).await
    });
    start.queue("simulated-services", &queues.services, |cluster, key| async move {
        services::reconcile(&cluster, key).await
    });
    start.queue("simulated-claims", &queues.claims, |cluster, key| async move {
        claims::reconcile(&cluster, key).await
    });
    start.queue("simulated-volumes", &queues.volumes, |cluster, key| async move {
        claims::release(&cluster, key).await
    });
}

struct Starter<'a> {
    cluster: &'a Arc<Cluster>,
    runtime: &'a Runtime,
}

impl Starter<'_> {
    fn queue<F, Fut>(&self, name: &'static str, queue: &Arc<WorkQueue<ObjectKey>>, reconcile: F)
    where
        F: Fn(Arc<Cluster>, ObjectKey) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Action, ReconcileError>> + Send + 'static,
    {
        let cluster = Arc::clone(self.cluster);
        self.runtime.run_queue(name, queue, WORKERS, move |key| reconcile(Arc::clone(&cluster), key));
    }
}

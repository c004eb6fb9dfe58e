//! What is known of each cluster.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use karmada_core::api::cluster::ClusterStatus;
use karmada_core::api::cluster::constants::CONDITION_READY;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Gauges, Histograms, Labels, durations, observe};

type Amounts = Family<Labels, Gauge<f64, AtomicU64>>;

/// What is known of each cluster.
#[derive(Clone, Debug)]
pub struct ClusterMetrics {
    ready: Gauges,
    nodes: Gauges,
    ready_nodes: Gauges,
    memory_allocatable: Amounts,
    cpu_allocatable: Amounts,
    pods_allocatable: Amounts,
    memory_allocated: Amounts,
    cpu_allocated: Amounts,
    pods_allocated: Amounts,
    sync: Histograms,
}

impl Default for ClusterMetrics {
    fn default() -> Self {
        Self {
            ready: Gauges::default(),
            nodes: Gauges::default(),
            ready_nodes: Gauges::default(),
            memory_allocatable: Amounts::default(),
            cpu_allocatable: Amounts::default(),
            pods_allocatable: Amounts::default(),
            memory_allocated: Amounts::default(),
            cpu_allocated: Amounts::default(),
            pods_allocated: Amounts::default(),
            sync: durations(),
        }
    }
}

impl ClusterMetrics {
    /// Takes over the status of a cluster.
    pub fn observe(&self, cluster: &str, status: &ClusterStatus) {
        let labels = vec![("cluster_name", cluster.to_owned())];
        let mut conditions = status.conditions.iter();
        let is_ready =
            conditions.any(|condition| condition.type_ == CONDITION_READY && condition.status == "True");
        self.ready.get_or_create(&labels).set(i64::from(is_ready));
        if let Some(nodes) = &status.node_summary {
            self.nodes.get_or_create(&labels).set(i64::from(nodes.total_num));
            self.ready_nodes.get_or_create(&labels).set(i64::from(nodes.ready_num));
        }
        let Some(resources) = &status.resource_summary else { return };
        let families = [
            (&self.memory_allocatable, &resources.allocatable, "memory"),
            (&self.cpu_allocatable, &resources.allocatable, "cpu"),
            (&self.pods_allocatable, &resources.allocatable, "pods"),
            (&self.memory_allocated, &resources.allocated, "memory"),
            (&self.cpu_allocated, &resources.allocated, "cpu"),
            (&self.pods_allocated, &resources.allocated, "pods"),
        ];
        for (family, amounts, name) in families {
            let amount = amounts.get(name).map_or(0.0, karmada_core::object::Quantity::as_f64);
            family.get_or_create(&labels).set(amount);
        }
    }

    /// Counts how long it took to look at a cluster.
    pub fn synced(&self, cluster: &str, elapsed: Duration) {
        observe(&self.sync, vec![("cluster_name", cluster.to_owned())], elapsed);
    }

    /// Forgets a cluster that is gone.
    pub fn forget(&self, cluster: &str) {
        let labels = vec![("cluster_name", cluster.to_owned())];
        for family in [&self.ready, &self.nodes, &self.ready_nodes] {
            family.remove(&labels);
        }
        for family in [
            &self.memory_allocatable,
            &self.cpu_allocatable,
            &self.pods_allocatable,
            &self.memory_allocated,
            &self.cpu_allocated,
            &self.pods_allocated,
        ] {
            family.remove(&labels);
        }
        self.sync.remove(&labels);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let mut gauge =
            |name: &str, help: &str, family: &Gauges| registry.register(name, help, family.clone());
        gauge("cluster_ready_state", "1 if the cluster is ready, else 0", &self.ready);
        gauge("cluster_node_number", "Nodes of the cluster", &self.nodes);
        gauge("cluster_ready_node_number", "Ready nodes of the cluster", &self.ready_nodes);
        let mut amount =
            |name: &str, help: &str, family: &Amounts| registry.register(name, help, family.clone());
        amount("cluster_memory_allocatable_bytes", "Memory for pods in bytes", &self.memory_allocatable);
        amount("cluster_cpu_allocatable_number", "CPUs for pods", &self.cpu_allocatable);
        amount("cluster_pod_allocatable_number", "Pods that the nodes take", &self.pods_allocatable);
        amount("cluster_memory_allocated_bytes", "Memory that pods ask for in bytes", &self.memory_allocated);
        amount("cluster_cpu_allocated_number", "CPUs that pods ask for", &self.cpu_allocated);
        amount("cluster_pod_allocated_number", "Pods on nodes", &self.pods_allocated);
        registry.register(
            "cluster_sync_status_duration_seconds",
            "Time to look at a cluster once",
            self.sync.clone(),
        );
    }
}

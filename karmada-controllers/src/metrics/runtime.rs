//! Queues, reconciles and calls of API servers.

use std::time::Duration;

use prometheus_client::registry::Registry;

use super::{Counters, Gauges, Histograms, count, durations, observe};

/// Whether a process holds a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Standby,
}

/// Queues, reconciles and calls of API servers.
#[derive(Clone, Debug)]
pub struct RuntimeMetrics {
    reconciles: Counters,
    reconcile_time: Histograms,
    depth: Gauges,
    calls: Counters,
    leading: Gauges,
}

impl Default for RuntimeMetrics {
    fn default() -> Self {
        Self {
            reconciles: Counters::default(),
            reconcile_time: durations(),
            depth: Gauges::default(),
            calls: Counters::default(),
            leading: Gauges::default(),
        }
    }
}

impl RuntimeMetrics {
    /// Counts a reconcile.
    pub fn reconciled(&self, controller: &str, result: &str, elapsed: Duration) {
        let controller = controller.to_owned();
        observe(&self.reconcile_time, vec![("controller", controller.clone())], elapsed);
        count(&self.reconciles, vec![("controller", controller), ("result", result.to_owned())]);
    }

    /// Notes how many keys of a controller wait.
    pub fn queued(&self, controller: &str, waiting: usize) {
        let labels = vec![("controller", controller.to_owned()), ("name", controller.to_owned())];
        self.depth.get_or_create(&labels).set(waiting as i64);
    }

    /// Counts a call of an API server.
    pub fn called(&self, host: &str, method: &str, code: u16) {
        let labels =
            vec![("code", code.to_string()), ("host", host.to_owned()), ("method", method.to_owned())];
        count(&self.calls, labels);
    }

    /// Notes whether this process holds a lease.
    pub fn set_role(&self, lease: &str, role: Role) {
        self.leading.get_or_create(&vec![("name", lease.to_owned())]).set(i64::from(role == Role::Leader));
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "controller_runtime_reconcile",
            "Reconciles by how they ended",
            self.reconciles.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Time of a reconcile",
            self.reconcile_time.clone(),
        );
        registry.register("workqueue_depth", "Keys that wait", self.depth.clone());
        registry.register("rest_client_requests", "Calls of API servers", self.calls.clone());
        registry.register(
            "leader_election_master_status",
            "1 while this process holds the lease, else 0",
            self.leading.clone(),
        );
    }
}

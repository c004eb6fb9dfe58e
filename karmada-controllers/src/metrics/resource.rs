//! The way of resources: policy, binding, Work, member.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::registry::Registry;

use super::{Counters, Gauges, Histograms, Outcome, count, durations, observe};

/// Whether an object was in its cluster before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    First,
    /// Someone else deleted it there.
    Again,
}

/// The way of resources: policy, binding, Work, member.
#[derive(Clone, Debug)]
pub struct ResourceMetrics {
    match_policy: Histograms,
    apply_policy: Histograms,
    apply_attempts: Counters,
    preemptions: Counters,
    sync_work: Histograms,
    sync_workload: Histograms,
    // Counters by what they count; the library's counters would get another name.
    created: Gauges,
    updated: Gauges,
    deleted: Gauges,
    totals: Arc<Mutex<ResourceTotals>>,
}

/// What was written to clusters, over all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceTotals {
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
}

impl Default for ResourceMetrics {
    fn default() -> Self {
        Self {
            match_policy: durations(),
            apply_policy: durations(),
            apply_attempts: Counters::default(),
            preemptions: Counters::default(),
            sync_work: durations(),
            sync_workload: durations(),
            created: Gauges::default(),
            updated: Gauges::default(),
            deleted: Gauges::default(),
            totals: Arc::default(),
        }
    }
}

impl ResourceMetrics {
    /// Counts a search for the policy of a template.
    pub fn matched_policy(&self, elapsed: Duration) {
        observe(&self.match_policy, Vec::new(), elapsed);
    }

    /// Counts that a policy was applied to a template.
    pub fn applied_policy(&self, outcome: Outcome, elapsed: Duration) {
        observe(&self.apply_policy, Vec::new(), elapsed);
        count(&self.apply_attempts, vec![("result", outcome.name().to_owned())]);
    }

    /// Counts that a policy took a template from another.
    pub fn preempted(&self, outcome: Outcome) {
        count(&self.preemptions, vec![("result", outcome.name().to_owned())]);
    }

    /// Counts that the Works of a binding were brought up to date.
    pub fn synced_works(&self, outcome: Outcome, elapsed: Duration) {
        observe(&self.sync_work, vec![("result", outcome.name().to_owned())], elapsed);
    }

    /// Counts that the objects of a Work were brought up to date.
    pub fn synced_workload(&self, outcome: Outcome, elapsed: Duration) {
        observe(&self.sync_workload, vec![("result", outcome.name().to_owned())], elapsed);
    }

    /// Counts an object created in a cluster.
    pub fn created(
        &self,
        api_version: &str,
        kind: &str,
        cluster: &str,
        outcome: Outcome,
        creation: Creation,
    ) {
        let labels = vec![
            ("apiversion", api_version.to_owned()),
            ("kind", kind.to_owned()),
            ("member_cluster", cluster.to_owned()),
            ("recreate", (creation == Creation::Again).to_string()),
            ("result", outcome.name().to_owned()),
        ];
        self.created.get_or_create(&labels).inc();
        self.totals.lock().created += u64::from(outcome == Outcome::Success);
    }

    /// Counts an object updated in a cluster.
    pub fn updated(&self, api_version: &str, kind: &str, cluster: &str, outcome: Outcome) {
        let labels = vec![
            ("apiversion", api_version.to_owned()),
            ("kind", kind.to_owned()),
            ("member_cluster", cluster.to_owned()),
            ("operationResult", "updated".to_owned()),
            ("result", outcome.name().to_owned()),
        ];
        self.updated.get_or_create(&labels).inc();
        self.totals.lock().updated += u64::from(outcome == Outcome::Success);
    }

    /// Counts an object deleted from a cluster.
    pub fn deleted(&self, api_version: &str, kind: &str, cluster: &str, outcome: Outcome) {
        let labels = vec![
            ("apiversion", api_version.to_owned()),
            ("kind", kind.to_owned()),
            ("member_cluster", cluster.to_owned()),
            ("result", outcome.name().to_owned()),
        ];
        self.deleted.get_or_create(&labels).inc();
        self.totals.lock().deleted += u64::from(outcome == Outcome::Success);
    }

    /// Returns what was written to clusters so far.
    pub fn totals(&self) -> ResourceTotals {
        *self.totals.lock()
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let mut histogram =
            |name: &str, help: &str, family: &Histograms| registry.register(name, help, family.clone());
        histogram(
            "resource_match_policy_duration_seconds",
            "Time to find the policy of a template",
            &self.match_policy,
        );
        histogram(
            "resource_apply_policy_duration_seconds",
            "Time to apply a policy to a template",
            &self.apply_policy,
        );
        histogram(
            "binding_sync_work_duration_seconds",
            "Time to bring the Works of a binding up to date",
            &self.sync_work,
        );
        histogram(
            "work_sync_workload_duration_seconds",
            "Time to bring the objects of a Work up to date",
            &self.sync_workload,
        );
        registry.register("policy_apply_attempts", "Attempts to apply a policy", self.apply_attempts.clone());
        registry.register(
            "policy_preemption",
            "Templates that a policy took from another",
            self.preemptions.clone(),
        );
        registry.register("create_resource_to_cluster", "Objects created in clusters", self.created.clone());
        registry.register("update_resource_to_cluster", "Objects updated in clusters", self.updated.clone());
        registry.register(
            "delete_resource_from_cluster",
            "Objects deleted from clusters",
            self.deleted.clone(),
        );
    }
}

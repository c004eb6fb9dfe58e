//! Whether there is anything left to do, and what is not as it should be when there is not.

use std::time::Duration;

use karmada_core::api::cluster::{Cluster, ClusterSyncMode};
use karmada_core::api::work::constants::{CONDITION_FULLY_APPLIED, CONDITION_SCHEDULED};
use karmada_core::api::work::{ResourceBindingSpec, ResourceBindingStatus, ResourceHealth};
use kube::Resource;
use kube::core::object::{HasSpec, HasStatus};
use tokio::time::Instant;

use crate::ControlPlane;
use crate::hub::ObjectKey;

/// How often it is looked whether there is something to do.
const PAUSE: Duration = Duration::from_millis(20);

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What it is about, such as `Deployment default/web`.
    pub about: String,
    /// What is wrong, and why.
    pub message: String,
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Templates that a policy propagates.
    pub resources: usize,
    /// Clusters that take part.
    pub clusters: usize,
    pub problems: Vec<Problem>,
}

impl ControlPlane {
    /// Whether a controller has something to do that is expected to come to an end.
    pub fn is_busy(&self) -> bool {
        let is_waiting_for_members = self.hub().clusters.list().iter().any(|cluster| {
            is_served(cluster)
                && self.fleet().find(cluster.name()).is_none_or(|member| {
                    !member.is_looked_at() || (member.is_ready() && !member.objects.is_synced())
                })
        });
        let members_failing = self.runtime().failing().iter().any(|(controller, _)| *controller == "cluster");
        (is_waiting_for_members && !members_failing)
            || self.runtime().loads().iter().any(|(_, load)| load.is_busy())
    }

    /// Waits until there was nothing to do for a while, or the time is up.
    pub async fn wait_until_quiet(&self, quiet: Duration, patience: Duration) {
        let late = Instant::now() + patience;
        let mut since = Instant::now();
        while since.elapsed() < quiet && Instant::now() < late {
            tokio::time::sleep(PAUSE).await;
            if self.is_busy() {
                since = Instant::now();
            }
        }
    }

    /// Says how things stand: what is not placed, not applied or not healthy.
    pub fn report(&self) -> Report {
        let hub = self.hub();
        let mut report = Report::default();
        for cluster in hub.clusters.list() {
            report.clusters += 1;
            if !cluster.is_ready() {
                let conditions = cluster.status.iter().flat_map(|status| &status.conditions);
                let ready = conditions.clone().find(|condition| condition.type_ == "Ready");
                let message = ready.map_or_else(|| "no status yet".to_owned(), |ready| ready.message.clone());
                report.add(format!("Cluster {}", cluster.name()), format!("not ready: {message}"));
            }
        }
        for binding in hub.bindings.list() {
            report.judge(&*binding);
        }
        for binding in hub.cluster_bindings.list() {
            report.judge(&*binding);
        }
        for (controller, key) in self.runtime().failing() {
            if matches!(controller, "detector" | "policy" | "binding" | "dependencies") {
                report.add(
                    key,
                    format!("the {controller} controller keeps failing; see its events and the log"),
                );
            }
        }
        report.problems.sort();
        report.problems.dedup_by(|a, b| a.about == b.about);
        report
    }
}

impl Report {
    fn add(&mut self, about: String, message: String) {
        self.problems.push(Problem { about, message });
    }

    fn judge<K>(&mut self, binding: &K)
    where
        K: Resource + HasSpec<Spec = ResourceBindingSpec> + HasStatus<Status = ResourceBindingStatus>,
    {
        if binding.meta().deletion_timestamp.is_some() {
            return;
        }
        self.resources += 1;
        let spec = binding.spec();
        let key = ObjectKey::new(&spec.resource.namespace, &spec.resource.name);
        let about = format!("{} {key}", spec.resource.kind);
        if let Some(message) = problem_of(spec, binding.status()) {
            self.add(about, message);
        }
    }
}

/// Returns what is wrong with a binding.
fn problem_of(spec: &ResourceBindingSpec, status: Option<&ResourceBindingStatus>) -> Option<String> {
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let find = |type_: &str| conditions.iter().find(|condition| condition.type_ == type_);
    let is_attached = spec.placement.is_none();
    match find(CONDITION_SCHEDULED) {
        Some(scheduled) if scheduled.status != "True" => {
            return Some(format!("not placed ({}): {}", scheduled.reason, scheduled.message));
        }
        None if !is_attached && !spec.is_scheduling_suspended() => return Some("not placed yet".to_owned()),
        _ => {}
    }
    let items = status.map(|status| status.aggregated_status.as_slice()).unwrap_or_default();
    if let Some(failed) = items.iter().find(|item| !item.applied && !item.applied_message.is_empty()) {
        return Some(format!("not applied in {}: {}", failed.cluster_name, failed.applied_message));
    }
    let has_targets = !spec.clusters.is_empty() || !spec.required_by.is_empty();
    if has_targets && find(CONDITION_FULLY_APPLIED).is_none_or(|applied| applied.status != "True") {
        return Some("not applied everywhere yet".to_owned());
    }
    let unhealthy = items.iter().find(|item| item.health != ResourceHealth::Healthy);
    unhealthy.map(|item| format!("not healthy in {}", item.cluster_name))
}

/// Whether a controller of this process brings objects to the cluster.
fn is_served(cluster: &Cluster) -> bool {
    cluster.spec.sync_mode == ClusterSyncMode::Push && cluster.metadata.deletion_timestamp.is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problem(spec: Value, status: Value) -> Option<String> {
        let spec: ResourceBindingSpec = serde_json::from_value(spec).unwrap();
        let status: ResourceBindingStatus = serde_json::from_value(status).unwrap();
        problem_of(&spec, Some(&status))
    }

    #[test]
    fn a_binding_is_fine_when_it_is_placed_applied_and_healthy() {
        let spec = json!({"placement": {}, "clusters": [{"name": "m1"}]});
        let condition = |type_: &str, status: &str| json!({"type": type_, "status": status, "reason": "R", "message": "M"});
        let item = |applied: bool, health: &str| {
            json!([{"clusterName": "m1", "applied": applied, "health": health,
            "appliedMessage": if applied { "" } else { "refused" }}])
        };
        let placed = condition("Scheduled", "True");
        assert_eq!(problem(spec.clone(), json!({})).unwrap(), "not placed yet");
        let refused = json!({"conditions": [condition("Scheduled", "False")]});
        assert_eq!(problem(spec.clone(), refused).unwrap(), "not placed (R): M");
        let waiting = json!({"conditions": [placed]});
        assert_eq!(problem(spec.clone(), waiting).unwrap(), "not applied everywhere yet");
        let failed = json!({"conditions": [placed], "aggregatedStatus": item(false, "Unknown")});
        assert_eq!(problem(spec.clone(), failed).unwrap(), "not applied in m1: refused");
        let both = [placed, condition("FullyApplied", "True")];
        let sick = json!({"conditions": both, "aggregatedStatus": item(true, "Unhealthy")});
        assert_eq!(problem(spec.clone(), sick).unwrap(), "not healthy in m1");
        assert_eq!(
            problem(spec, json!({"conditions": both, "aggregatedStatus": item(true, "Healthy")})),
            None
        );
    }
}

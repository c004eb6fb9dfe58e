//! Which Deployments get pods as objects, and what becomes of those that do not.
//!
//! A pod costs some ten writes until it runs, as in a real cluster. So that ten thousand Deployments
//! stay cheap, a member makes pods only up to a limit. The replicas of a Deployment beyond it take
//! their room on the nodes and count as ready, but are not seen as objects: they are on paper.

use std::collections::HashMap;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::cluster::{Cluster, key_of};
use super::demand::Demand;
use super::json::{condition, count, number_at, text, text_at};
use super::pod_state::second;
use super::room::Holder;
use crate::hub::{Action, ObjectKey, ReconcileError};

/// The Deployments with pods as objects, and how many each has.
#[derive(Debug)]
pub(super) struct Limit {
    most: i64,
    given: Mutex<HashMap<ObjectKey, i64>>,
}

impl Limit {
    pub(super) fn new(most: u32) -> Self {
        Self { most: most.into(), given: Mutex::default() }
    }

    /// Notes what Deployments of an earlier run have.
    pub(super) fn take_over(&self, cluster: &Cluster) {
        let mut given = self.given.lock();
        for set in cluster.replica_sets.cache.list() {
            let set = set.value();
            let owner =
                super::cluster::controller_of(set).filter(|owner| text(owner, "kind") == "Deployment");
            if let Some(owner) = owner {
                let key = ObjectKey::new(text_at(set, "/metadata/namespace"), text(owner, "name"));
                *given.entry(key).or_default() += number_at(set, "/spec/replicas").unwrap_or_default();
            }
        }
    }

    /// Whether a Deployment gets pods as objects. One that did keeps them, however many they become.
    pub(super) fn allows(&self, key: &ObjectKey, deployment: &Value, replicas: i64) -> bool {
        let mut given = self.given.lock();
        if let Some(known) = given.get_mut(key) {
            *known = replicas;
            return true;
        }
        // What was on paper before a restart stays there: a start over a settled state writes nothing.
        if number_at(deployment, "/status/replicas").unwrap_or_default() > 0 {
            return false;
        }
        let total: i64 = given.values().sum();
        let fits = total + replicas <= self.most;
        if fits {
            given.insert(key.clone(), replicas);
        }
        fits
    }

    pub(super) fn forget(&self, key: &ObjectKey) {
        self.given.lock().remove(key);
    }
}

/// Gives back what a Deployment on paper held.
pub(super) fn release(cluster: &Cluster, key: &ObjectKey) {
    cluster.short.lock().remove(key);
    let freed = cluster.room.lock().release(&Holder::Paper(key.clone()));
    if freed {
        cluster.room_became_free();
    }
}

/// Makes a Deployment's replicas available on paper, as far as the nodes have room for them.
pub(super) async fn reconcile(cluster: &Cluster, deployment: &Value) -> Result<Action, ReconcileError> {
    let key = key_of(deployment);
    let wanted = number_at(deployment, "/spec/replicas").unwrap_or(1);
    let demand = deployment.pointer("/spec/template").map(Demand::of).unwrap_or_default();
    let holder = Holder::Paper(key.clone());
    let (before, available) = {
        let mut room = cluster.room.lock();
        (room.count(&holder), room.assign(&holder, wanted, &demand))
    };
    if available < wanted {
        cluster.short.lock().insert(key);
    } else {
        cluster.short.lock().remove(&key);
    }
    if available < before {
        // A smaller Deployment leaves room for those that found none.
        cluster.room_became_free();
    }
    let status = status_of(deployment, wanted, available, Timestamp::now());
    cluster.write_status(&cluster.deployments, deployment, &status).await?;
    Ok(Action::Done)
}

/// Returns the status a real Deployment would have with this many available replicas.
fn status_of(deployment: &Value, wanted: i64, available: i64, now: Timestamp) -> Value {
    let (answer, reason, message) = if available >= wanted {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            format!("{} replicas found no room on the simulated nodes", wanted - available),
        )
    };
    let before = condition(deployment, "Available")
        .filter(|before| text(before, "status") == answer && text(before, "reason") == reason);
    let since = |field: &str| match before {
        Some(before) => before.get(field).cloned().unwrap_or_default(),
        None => second(now).into(),
    };
    let mut status = json!({
        "observedGeneration": deployment["metadata"]["generation"],
        "conditions": [{"type": "Available", "status": answer, "reason": reason, "message": message,
                        "lastUpdateTime": since("lastUpdateTime"), "lastTransitionTime": since("lastTransitionTime")}],
    });
    for (field, number) in [
        ("replicas", wanted),
        ("updatedReplicas", wanted),
        ("readyReplicas", available),
        ("availableReplicas", available),
        ("unavailableReplicas", wanted - available),
    ] {
        count(&mut status, field, number);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_deployment_keeps_its_status() {
        let mut deployment = json!({"metadata": {"generation": 2}});
        let first = status_of(&deployment, 3, 3, Timestamp::UNIX_EPOCH);
        deployment["status"] = first.clone();
        assert_eq!(status_of(&deployment, 3, 3, Timestamp::now()), first);
        assert_eq!(first["readyReplicas"], 3);
        assert!(first.get("unavailableReplicas").is_none());
    }

    #[test]
    fn missing_room_is_said() {
        let status = status_of(&json!({"metadata": {"generation": 1}}), 3, 1, Timestamp::UNIX_EPOCH);
        assert_eq!(status["conditions"][0]["status"], "False");
        assert_eq!(
            (status["availableReplicas"].as_i64(), status["unavailableReplicas"].as_i64()),
            (Some(1), Some(2))
        );
    }

    #[test]
    fn deployments_get_pods_up_to_the_limit_and_keep_them() {
        let limit = Limit::new(5);
        let (a, b) = (ObjectKey::new("ns", "a"), ObjectKey::new("ns", "b"));
        let new = json!({});
        assert!(limit.allows(&a, &new, 3));
        assert!(!limit.allows(&b, &new, 3));
        assert!(limit.allows(&a, &new, 30));
        limit.forget(&a);
        assert!(limit.allows(&b, &new, 3));
        assert!(!limit.allows(&a, &json!({"status": {"replicas": 1}}), 1));
    }
}

//! Ray's RayService.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::NativeOptions;
use super::members::{Member, concatenated, copy_single, first, is_true, latest, sum};
use super::ray::{cluster_dependencies, worker_groups};
use super::rules::{Answer, Rules};
use super::templates::template_requirements;
use super::values::{assign, elements, from_number, guarded, keep_identity, number_or, text};
use crate::api::ResourceList;
use crate::api::work::ReplicaRequirements;

/// States of an application, the best one first.
const STATES: [&str; 6] = ["RUNNING", "NOT_STARTED", "DEPLOYING", "DELETING", "UNHEALTHY", "DEPLOY_FAILED"];

pub(super) const RULES: Rules = Rules {
    replicas: Some(replicas),
    revise: Some(revise),
    aggregate: Some(aggregate),
    dependencies: Some(|object| cluster_dependencies(object, "rayClusterConfig")),
    health: Some(|object| Ok(health(object))),
    ..Rules::NONE
};

/// Returns the head and all workers; each is taken to need what the head needs, or a worker if that is more.
fn replicas(object: &Value, options: NativeOptions) -> Answer<(i64, Option<ReplicaRequirements>)> {
    let cluster = guarded(object, &["spec", "rayClusterConfig"]);
    if cluster.is_null() {
        return Ok((0, None));
    }
    let mut replicas = 1.0;
    let mut needed = pod_requirements(guarded(cluster, &["headGroupSpec"]), options)?;
    for group in worker_groups(cluster) {
        replicas += number_or(group, &["replicas"], 0.0)?;
        let Some(worker) = pod_requirements(group, options)? else { continue };
        for name in ["cpu", "memory"] {
            let Some(wanted) = worker.resource_request.get(name) else { continue };
            let request: &mut ResourceList = &mut needed.get_or_insert_default().resource_request;
            if request.get(name).is_none_or(|known| wanted > known) {
                request.insert(name.to_owned(), *wanted);
            }
        }
    }
    Ok((replicas as i64, needed))
}

fn pod_requirements(group: &Value, options: NativeOptions) -> Answer<Option<ReplicaRequirements>> {
    if guarded(group, &["template"]).is_null() {
        return Ok(None);
    }
    template_requirements(group, &["template"], options)
}

/// Shares the replicas besides the head among the groups of workers, in proportion to what they had.
fn revise(object: &mut Value, replicas: i64) -> Answer<()> {
    let path = ["spec", "rayClusterConfig", "workerGroupSpecs"];
    let groups = elements(guarded(object, &path));
    let mut before = Vec::with_capacity(groups.len());
    for group in groups {
        before.push(number_or(group, &["replicas"], 0.0)?);
    }
    let mut groups = groups.to_vec();
    if groups.is_empty() {
        return Ok(());
    }
    for (group, share) in groups.iter_mut().zip(shares(&before, replicas.saturating_sub(1).max(0))) {
        assign(group, &["replicas"], share.into())?;
    }
    Ok(assign(object, &path, groups.into())?)
}

/// Splits workers among groups in proportion, rounded; the last group gets what is left.
///
/// DEVIATION: a share never exceeds what is left. Upstream rounds up regardless, which can leave the last group a
/// negative number.
fn shares(before: &[f64], workers: i64) -> Vec<i64> {
    let total: f64 = before.iter().sum();
    let mut left = workers;
    let last = before.len().saturating_sub(1);
    let share = |(index, had): (usize, &f64)| {
        let share = match total {
            _ if index == last => left,
            total if total > 0.0 => (had / total * workers as f64 + 0.5).floor() as i64,
            _ => workers / before.len() as i64,
        };
        let share = share.clamp(0, left);
        left -= share;
        share
    };
    before.iter().enumerate().map(share).collect()
}

/// Makes an object of identity and status alone.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    keep_identity(object);
    if copy_single(object, members)? {
        return Ok(());
    }
    let mut observed = 0.0_f64;
    for member in members {
        observed = observed.max(number_or(member.status, &["observedGeneration"], 0.0)?);
    }
    let mut status = json!({
        "numServeEndpoints": sum(members, "numServeEndpoints")?,
        "observedGeneration": from_number(observed),
        "serviceStatus": "Running",
        "conditions": concatenated(members, "conditions")?,
        "activeServiceStatus": service_status(members, "activeServiceStatus"),
        "pendingServiceStatus": service_status(members, "pendingServiceStatus"),
    });
    if let Some(time) = latest(members, "lastUpdateTime") {
        status["lastUpdateTime"] = time.into();
    }
    Ok(assign(object, &["status"], status)?)
}

/// Returns the first status with the worst state of each application.
fn service_status(members: &[Member<'_>], name: &str) -> Value {
    let mut applications: Map<String, Value> = Map::new();
    for member in members {
        let found = guarded(member.field(name), &["applicationStatuses"]).as_object();
        for (application, state) in found.into_iter().flatten() {
            let worse = |known: &Value| rank(state) > rank(known);
            if applications.get(application).is_none_or(worse) {
                applications.insert(application.clone(), state.clone());
            }
        }
    }
    let mut merged = first(members, name).and_then(Value::as_object).cloned().unwrap_or_default();
    if !applications.is_empty() {
        merged.insert("applicationStatuses".to_owned(), applications.into());
    }
    merged.into()
}

fn rank(state: &Value) -> Option<usize> {
    STATES.iter().position(|known| text(state, &["status"]) == *known)
}

fn health(object: &Value) -> bool {
    elements(guarded(object, &["status", "conditions"])).iter().any(|condition| is_true(condition, "Ready"))
}

#[cfg(test)]
mod tests {
    use super::shares;
    use proptest::prelude::*;

    #[test]
    fn splits_workers_in_proportion() {
        assert_eq!(shares(&[1.0, 2.0, 3.0], 12), [2, 4, 6]);
        assert_eq!(shares(&[2.0, 4.0], 1), [0, 1]);
        assert_eq!(shares(&[0.0, 0.0, 0.0], 8), [2, 2, 4]);
        assert_eq!(shares(&[5.0], 6), [6]);
        assert_eq!(shares(&[1.0, 1.0, 1.0, 0.0], 2), [1, 1, 0, 0]);
    }

    proptest! {
        #[test]
        fn shares_are_all_workers(before in prop::collection::vec(0u8..9, 1..6), workers in 0i64..100) {
            let before: Vec<f64> = before.into_iter().map(f64::from).collect();
            let shares = shares(&before, workers);
            prop_assert_eq!(shares.iter().sum::<i64>(), workers);
            prop_assert!(shares.iter().all(|share| *share >= 0));
        }
    }
}

//! Deployments: one ReplicaSet for each template they had, and rollouts between them.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cluster::{Cluster, controlled_by, controller_of, everybody, is_going, template_hash};
use super::json::{condition, count, merge_patch, number_at, text, text_at};
use super::paper::{self, Limit};
use super::pod_state::second;
use super::replica_sets::FAILURE;
use super::rollout::{Set, Wanted, next_scale};
use crate::hub::{Action, ObjectKey, ReconcileError, Unstructured};

const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// How long a rollout may stand still unless the Deployment says otherwise.
const PROGRESS_SECONDS: i64 = 600;
/// How many old ReplicaSets are kept unless the Deployment says otherwise.
const HISTORY: i64 = 10;

/// Looks at one Deployment.
pub(super) async fn reconcile(
    cluster: &Cluster,
    limit: &Limit,
    key: ObjectKey,
) -> Result<Action, ReconcileError> {
    if key == everybody() {
        for key in cluster.short.lock().iter() {
            cluster.queues.deployments.add(key.clone());
        }
        return Ok(Action::Done);
    }
    let found = cluster.deployments.cache.find(&key);
    let Some(deployment) = found.filter(|found| !is_going(found)) else {
        limit.forget(&key);
        paper::release(cluster, &key);
        return Ok(Action::Done);
    };
    let deployment = deployment.value();
    let wanted = Wanted::of(deployment);
    let sets = sets_of(cluster, deployment);
    if sets.is_empty() && !limit.allows(&key, deployment, wanted.replicas) {
        return paper::reconcile(cluster, deployment).await;
    }
    limit.allows(&key, deployment, wanted.replicas);
    roll_out(cluster, deployment, wanted, sets).await
}

/// The ReplicaSets of a Deployment, oldest first.
fn sets_of(cluster: &Cluster, deployment: &Value) -> Vec<Arc<Unstructured>> {
    let mut sets = cluster.replica_sets.owned(deployment);
    sets.retain(|set| !is_going(set));
    sets.sort_by_cached_key(|set| (revision(set.value()), text_at(set.value(), "/metadata/name").to_owned()));
    sets
}

async fn roll_out(
    cluster: &Cluster,
    deployment: &Value,
    wanted: Wanted,
    mut sets: Vec<Arc<Unstructured>>,
) -> Result<Action, ReconcileError> {
    let is_paused = deployment.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or_default();
    let newest = sets.last().map_or(0, |set| revision(set.value()));
    let position = sets.iter().position(|set| same_template(set.value(), deployment));
    let new = match position {
        Some(position) => Some(sets.remove(position)),
        None if is_paused => None,
        None => {
            let old: Vec<Set> = sets.iter().map(|set| observed(set.value())).collect();
            let (replicas, _) = next_scale(wanted, &Set::default(), &old);
            let set = new_set(deployment, wanted, replicas, newest + 1);
            if !cluster.create(&cluster.replica_sets, &set).await?
                && !adopt(cluster, deployment, &set).await?
            {
                return Err(ReconcileError::Waiting(format!(
                    "the ReplicaSet {} to be seen, or to go",
                    text_at(&set, "/metadata/name")
                )));
            }
            sets = sets_of(cluster, deployment);
            sets.iter()
                .position(|set| same_template(set.value(), deployment))
                .map(|position| sets.remove(position))
        }
    };
    let old: Vec<Set> = sets.iter().map(|set| observed(set.value())).collect();
    let scales = if let Some(new) = &new {
        let (new_scale, mut scales) = next_scale(wanted, &observed(new.value()), &old);
        if is_paused {
            scales = old.iter().map(|set| set.wanted).collect();
        }
        let revised = revision(new.value()).max(newest + i64::from(revision(new.value()) < newest));
        scale(cluster, new.value(), new_scale, wanted, revised).await?;
        scales
    } else {
        // Paused with a template that no set has: what there is stays, the newest follows the number.
        let mut scales: Vec<i64> = old.iter().map(|set| set.wanted).collect();
        if let Some((last, others)) = scales.split_last_mut() {
            *last = (wanted.replicas - others.iter().sum::<i64>()).max(0);
        }
        scales
    };
    for (set, replicas) in sets.iter().zip(scales) {
        scale(cluster, set.value(), replicas, wanted, revision(set.value())).await?;
    }
    // What was just written is what the status speaks of.
    let all = sets_of(cluster, deployment);
    let new = all.iter().find(|set| same_template(set.value(), deployment));
    if let Some(new) = new {
        let annotation = json!({"metadata": {"annotations": {REVISION: revision(new.value()).to_string()}}});
        if revision(deployment) != revision(new.value()) {
            let key = super::cluster::key_of(deployment);
            cluster.patch(&cluster.deployments, &key, &annotation).await?;
        }
    }
    let new = new.map(|set| set.value());
    let old: Vec<&Value> =
        all.iter().map(|set| set.value()).filter(|set| !is_same(Some(*set), new)).collect();
    let (status, again) = status_of(deployment, wanted, new, &old, Timestamp::now());
    cluster.write_status(&cluster.deployments, deployment, &status).await?;
    if is_complete(&status, wanted) {
        clean_up(cluster, deployment, &old).await?;
    }
    Ok(again.map_or(Action::Done, Action::RequeueAfter))
}

/// Takes a ReplicaSet of this name that nobody owns, as a Deployment deleted without its pods leaves one. Returns whether there was one.
async fn adopt(cluster: &Cluster, deployment: &Value, set: &Value) -> Result<bool, ReconcileError> {
    let key = super::cluster::key_of(set);
    let orphan = cluster.replica_sets.cache.find(&key);
    if orphan.is_none_or(|orphan| is_going(&orphan) || controller_of(orphan.value()).is_some()) {
        return Ok(false);
    }
    let patch = json!({"metadata": {"ownerReferences": controlled_by(deployment)}});
    cluster.patch(&cluster.replica_sets, &key, &patch).await?;
    Ok(true)
}

fn is_same(a: Option<&Value>, b: Option<&Value>) -> bool {
    a.map(|set| &set["metadata"]["uid"]) == b.map(|set| &set["metadata"]["uid"])
}

fn revision(object: &Value) -> i64 {
    let annotations = object.pointer("/metadata/annotations").unwrap_or(&Value::Null);
    text(annotations, REVISION).parse().unwrap_or_default()
}

/// Whether a ReplicaSet has the Deployment's template, its own label apart.
fn same_template(set: &Value, deployment: &Value) -> bool {
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    template == deployment["spec"]["template"]
}

fn observed(set: &Value) -> Set {
    let is_current = set.pointer("/status/observedGeneration") == set.pointer("/metadata/generation");
    let wanted = number_at(set, "/spec/replicas").unwrap_or(1);
    let available = number_at(set, "/status/availableReplicas").unwrap_or_default();
    Set {
        name: text_at(set, "/metadata/name").to_owned(),
        wanted,
        present: number_at(set, "/status/replicas").unwrap_or_default(),
        // Some of them may be on their way out.
        available: if is_current { available } else { available.min(wanted) },
    }
}

fn new_set(deployment: &Value, wanted: Wanted, replicas: i64, revision: i64) -> Value {
    let spec = &deployment["spec"];
    let collisions = number_at(deployment, "/status/collisionCount").unwrap_or_default();
    let hash = template_hash(&spec["template"], collisions);
    let mut template = spec["template"].clone();
    template["metadata"]["labels"][HASH_LABEL] = hash.as_str().into();
    let mut selector = spec["selector"].clone();
    selector["matchLabels"][HASH_LABEL] = hash.as_str().into();
    let name = format!("{}-{hash}", text_at(deployment, "/metadata/name"));
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "namespace": deployment["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": {REVISION: revision.to_string(), DESIRED: wanted.replicas.to_string(),
                            MOST: wanted.most().to_string()},
            "ownerReferences": controlled_by(deployment),
        },
        "spec": {"replicas": replicas, "minReadySeconds": number_at(deployment, "/spec/minReadySeconds").unwrap_or_default(),
                 "selector": selector, "template": template},
    })
}

async fn scale(
    cluster: &Cluster,
    set: &Value,
    replicas: i64,
    wanted: Wanted,
    revision: i64,
) -> Result<(), ReconcileError> {
    let before = json!({"metadata": {"annotations": set["metadata"]["annotations"]},
                        "spec": {"replicas": set["spec"]["replicas"]}});
    let mut after = before.clone();
    after["spec"]["replicas"] = replicas.into();
    after["metadata"]["annotations"][REVISION] = revision.to_string().into();
    if replicas > 0 {
        after["metadata"]["annotations"][DESIRED] = wanted.replicas.to_string().into();
        after["metadata"]["annotations"][MOST] = wanted.most().to_string().into();
    }
    match merge_patch(&before, &after) {
        Some(patch) => cluster.patch(&cluster.replica_sets, &super::cluster::key_of(set), &patch).await,
        None => Ok(()),
    }
}

/// Deletes the oldest ReplicaSets without pods beyond the history that is kept.
async fn clean_up(cluster: &Cluster, deployment: &Value, old: &[&Value]) -> Result<(), ReconcileError> {
    let keep = number_at(deployment, "/spec/revisionHistoryLimit").unwrap_or(HISTORY).max(0);
    let idle: Vec<&&Value> = old
        .iter()
        .filter(|set| number_at(set, "/spec/replicas") == Some(0))
        .filter(|set| number_at(set, "/status/replicas").unwrap_or_default() == 0)
        .collect();
    let surplus = idle.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
    for set in idle.into_iter().take(surplus) {
        cluster.delete(&cluster.replica_sets, set).await?;
    }
    Ok(())
}

fn is_complete(status: &Value, wanted: Wanted) -> bool {
    let number = |field: &str| status.get(field).and_then(Value::as_i64).unwrap_or_default();
    number("updatedReplicas") == wanted.replicas
        && number("replicas") == wanted.replicas
        && number("availableReplicas") == wanted.replicas
}

/// The status of a Deployment with these ReplicaSets, and when to look again because it stands still.
fn status_of(
    deployment: &Value,
    wanted: Wanted,
    new: Option<&Value>,
    old: &[&Value],
    now: Timestamp,
) -> (Value, Option<Duration>) {
    let sum = |field: &str| -> i64 {
        let pointer = format!("/status/{field}");
        new.into_iter()
            .chain(old.iter().copied())
            .map(|set| number_at(set, &pointer).unwrap_or_default())
            .sum()
    };
    let (replicas, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = new.and_then(|set| number_at(set, "/status/replicas")).unwrap_or_default();
    let mut status = json!({"observedGeneration": deployment["metadata"]["generation"]});
    let unavailable = (new.into_iter().chain(old.iter().copied()))
        .map(|set| number_at(set, "/spec/replicas").unwrap_or_default())
        .sum::<i64>()
        - available;
    for (field, number) in [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", unavailable.max(0)),
    ] {
        count(&mut status, field, number);
    }
    if let Some(collisions) = deployment.pointer("/status/collisionCount") {
        status["collisionCount"] = collisions.clone();
    }
    let (answer, reason, message) = if available >= wanted.fewest() {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let (progressing, again) = progress(deployment, &status, wanted, new, now);
    let available = stamped(deployment, "Available", (answer, reason, message), Refresh::OnChange, now);
    let mut conditions = vec![available, progressing];
    if let Some(failure) = new.and_then(|set| condition(set, FAILURE)) {
        let text = |field: &str| text(failure, field);
        let says = (text("status"), text("reason"), text("message"));
        conditions.push(stamped(deployment, FAILURE, says, Refresh::OnChange, now));
    }
    status["conditions"] = conditions.into();
    (status, again)
}

/// Whether a condition is refreshed although it says the same.
#[derive(Clone, Copy, PartialEq)]
enum Refresh {
    OnChange,
    Now,
}

fn progress(
    deployment: &Value,
    status: &Value,
    wanted: Wanted,
    new: Option<&Value>,
    now: Timestamp,
) -> (Value, Option<Duration>) {
    let name = new.map_or("", |set| text_at(set, "/metadata/name"));
    let state = |answer, reason: &'static str, message: String, refresh| {
        stamped(deployment, "Progressing", (answer, reason, &message), refresh, now)
    };
    if deployment.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        let message = "Deployment is paused".to_owned();
        return (state("Unknown", "DeploymentPaused", message, Refresh::OnChange), None);
    }
    if is_complete(status, wanted) {
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        return (state("True", "NewReplicaSetAvailable", message, Refresh::OnChange), None);
    }
    let before = condition(deployment, "Progressing");
    let limit = number_at(deployment, "/spec/progressDeadlineSeconds").unwrap_or(PROGRESS_SECONDS);
    let was_complete = before.is_some_and(|before| text(before, "reason") == "NewReplicaSetAvailable");
    let is_same_template =
        deployment.pointer("/status/observedGeneration") == deployment.pointer("/metadata/generation");
    // A rollout that was done stays done when pods are lost later.
    if was_complete && is_same_template {
        return (before.cloned().unwrap_or_default(), None);
    }
    let moved = ["updatedReplicas", "readyReplicas", "availableReplicas", "replicas"].iter().any(|field| {
        let known = number_at(deployment, &format!("/status/{field}")).unwrap_or_default();
        status.get(*field).and_then(Value::as_i64).unwrap_or_default() != known
    });
    let since = before
        .filter(|_| !moved && is_same_template)
        .and_then(|before| text(before, "lastUpdateTime").parse::<Timestamp>().ok());
    let left = SignedDuration::from_secs(limit)
        - since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
    if left.is_positive() {
        let refresh = if since.is_some() { Refresh::OnChange } else { Refresh::Now };
        let message = format!("ReplicaSet \"{name}\" is progressing.");
        (state("True", "ReplicaSetUpdated", message, refresh), Duration::try_from(left).ok())
    } else {
        let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
        (state("False", "ProgressDeadlineExceeded", message, Refresh::OnChange), None)
    }
}

fn stamped(
    deployment: &Value,
    kind: &str,
    (answer, reason, message): (&str, &str, &str),
    refresh: Refresh,
    now: Timestamp,
) -> Value {
    let before = condition(deployment, kind);
    let is_same = |field: &str, value: &str| before.is_some_and(|before| text(before, field) == value);
    let keep = |field: &str| before.and_then(|before| before.get(field).cloned());
    let fresh = || Value::from(second(now));
    let says_the_same = is_same("status", answer) && is_same("reason", reason) && is_same("message", message);
    let updated = (says_the_same && refresh == Refresh::OnChange).then(|| keep("lastUpdateTime")).flatten();
    let transition = is_same("status", answer).then(|| keep("lastTransitionTime")).flatten();
    json!({"type": kind, "status": answer, "reason": reason, "message": message,
           "lastUpdateTime": updated.unwrap_or_else(fresh), "lastTransitionTime": transition.unwrap_or_else(fresh)})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "ns", "uid": "u", "generation": 1},
            "spec": {"replicas": replicas, "progressDeadlineSeconds": 10, "selector": {"matchLabels": {"app": "web"}},
                     "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}}})
    }

    fn set(replicas: i64, available: i64) -> Value {
        json!({"metadata": {"name": "web-1", "uid": "s", "generation": 1}, "spec": {"replicas": replicas},
            "status": {"replicas": replicas, "readyReplicas": available, "availableReplicas": available}})
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_new_set_has_the_template_and_one_more_label() {
        let deployment = deployment(2);
        let set = new_set(&deployment, Wanted::of(&deployment), 0, 1);
        assert!(same_template(&set, &deployment));
        assert_eq!(set["spec"]["selector"]["matchLabels"]["app"], "web");
        let mut changed = deployment.clone();
        changed["spec"]["template"]["spec"]["containers"] = json!([{"name": "c"}]);
        assert!(!same_template(&set, &changed));
        let other = new_set(&changed, Wanted::of(&changed), 0, 2);
        assert_ne!(set["metadata"]["name"], other["metadata"]["name"]);
    }

    #[test]
    fn a_settled_status_stays_as_it_is() {
        let mut deployment = deployment(2);
        let (status, again) = status_of(&deployment, Wanted::of(&deployment), Some(&set(2, 2)), &[], at(100));
        assert_eq!(again, None);
        deployment["status"] = status.clone();
        let (same, _) = status_of(&deployment, Wanted::of(&deployment), Some(&set(2, 2)), &[], at(200));
        assert_eq!(same, status);
        assert_eq!(condition(&deployment, "Progressing").unwrap()["reason"], "NewReplicaSetAvailable");
    }

    #[test]
    fn a_rollout_that_stands_still_misses_its_deadline() {
        let mut deployment = deployment(2);
        let wanted = Wanted::of(&deployment);
        let (status, again) = status_of(&deployment, wanted, Some(&set(2, 0)), &[], at(100));
        assert_eq!(again, Some(Duration::from_secs(10)));
        deployment["status"] = status;
        let (status, again) = status_of(&deployment, wanted, Some(&set(2, 0)), &[], at(104));
        assert_eq!(again, Some(Duration::from_secs(6)));
        assert_eq!(deployment["status"], status);
        let (status, again) = status_of(&deployment, wanted, Some(&set(2, 0)), &[], at(110));
        assert_eq!(again, None);
        deployment["status"] = status;
        assert_eq!(condition(&deployment, "Progressing").unwrap()["reason"], "ProgressDeadlineExceeded");
        let (status, _) = status_of(&deployment, wanted, Some(&set(2, 1)), &[], at(120));
        deployment["status"] = status;
        assert_eq!(condition(&deployment, "Progressing").unwrap()["reason"], "ReplicaSetUpdated");
    }
}

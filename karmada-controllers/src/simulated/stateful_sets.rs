//! StatefulSets: pods with numbers, made in order, each with its own claims.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{Cluster, is_going, pod_of_template, template_hash};
use super::json::{count, list, number_at, text_at};
use super::pod_state::{is_finished, until_available};
use crate::hub::{Action, ObjectKey, ReconcileError, Unstructured};

const REVISION_LABEL: &str = "controller-revision-hash";

/// One step towards what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Create(i64),
    Delete(i64),
}

/// What is known of the pod with a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Member {
    available: bool,
    ended: bool,
    outdated: bool,
}

/// What a StatefulSet wants.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    first: i64,
    replicas: i64,
    in_order: bool,
    /// Pods from this number on are updated; none if they are updated by hand.
    partition: Option<i64>,
}

/// Looks at one StatefulSet.
pub(super) async fn reconcile(cluster: &Cluster, key: ObjectKey) -> Result<Action, ReconcileError> {
    let Some(set) = cluster.stateful_sets.cache.find(&key).filter(|set| !is_going(set)) else {
        return Ok(Action::Done);
    };
    let set = set.value();
    let now = Timestamp::now();
    let revision = format!("{}-{}", key.name, template_hash(&set["spec"]["template"], 0));
    let wanted = Wanted {
        first: number_at(set, "/spec/ordinals/start").unwrap_or_default(),
        replicas: number_at(set, "/spec/replicas").unwrap_or(1),
        in_order: text_at(set, "/spec/podManagementPolicy") != "Parallel",
        partition: (text_at(set, "/spec/updateStrategy/type") != "OnDelete")
            .then(|| number_at(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default()),
    };
    let minimum = number_at(set, "/spec/minReadySeconds").unwrap_or_default();
    let pods = numbered(cluster, set, &key.name);
    let members = pods
        .iter()
        .map(|(number, pod)| {
            let pod = pod.value();
            let member = Member {
                available: until_available(pod, minimum, now) == Some(Duration::ZERO),
                ended: is_finished(pod),
                outdated: revision_of(pod) != revision,
            };
            (*number, member)
        })
        .collect();
    for step in steps(wanted, &members) {
        match step {
            Step::Create(number) => create(cluster, set, number, &revision).await?,
            Step::Delete(number) => {
                if let Some(pod) = pods.get(&number) {
                    cluster.delete(&cluster.pods, pod.value()).await?;
                }
            }
        }
    }
    let pods = numbered(cluster, set, &key.name);
    let (status, again) = status_of(set, &pods, &revision, minimum, now);
    cluster.write_status(&cluster.stateful_sets, set, &status).await?;
    Ok(again.map_or(Action::Done, Action::RequeueAfter))
}

fn numbered(cluster: &Cluster, set: &Value, name: &str) -> BTreeMap<i64, Arc<Unstructured>> {
    cluster
        .pods_of(set)
        .into_iter()
        .filter_map(|pod| {
            let number =
                text_at(pod.value(), "/metadata/name").strip_prefix(name)?.strip_prefix('-')?.parse().ok()?;
            Some((number, pod))
        })
        .collect()
}

fn revision_of(pod: &Value) -> &str {
    pod.pointer("/metadata/labels")
        .and_then(|labels| labels.get(REVISION_LABEL))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What to do now. In order, nothing is made or replaced while an earlier pod is not available.
fn steps(wanted: Wanted, members: &BTreeMap<i64, Member>) -> Vec<Step> {
    let numbers = wanted.first..wanted.first + wanted.replicas.max(0);
    let mut steps = Vec::new();
    for (number, _) in members.iter().filter(|(_, member)| member.ended) {
        steps.push(Step::Delete(*number));
    }
    for number in numbers.clone() {
        match members.get(&number) {
            None => steps.push(Step::Create(number)),
            Some(member) if member.available => continue,
            Some(_) => {}
        }
        if wanted.in_order {
            // A pod of an old template that never gets ready would block its own update.
            let stuck = members.get(&number).is_some_and(|member| member.outdated && !member.ended);
            if stuck && wanted.partition.is_some_and(|partition| number >= partition) {
                steps.push(Step::Delete(number));
            }
            return steps;
        }
    }
    let surplus: Vec<i64> =
        members.keys().rev().copied().filter(|number| !numbers.contains(number)).collect();
    let at_once = if wanted.in_order { 1 } else { surplus.len() };
    steps.extend(surplus.iter().take(at_once).map(|number| Step::Delete(*number)));
    if !steps.is_empty() {
        return steps;
    }
    let Some(partition) = wanted.partition else { return steps };
    for (number, member) in members.iter().rev().filter(|(number, _)| **number >= partition) {
        if member.outdated {
            return vec![Step::Delete(*number)];
        }
        if !member.available {
            break;
        }
    }
    steps
}

/// Makes the pod with a number, and the claims it lacks.
///
/// Older templates are not kept: a pod below the partition that is lost comes back with the newest one.
async fn create(cluster: &Cluster, set: &Value, number: i64, revision: &str) -> Result<(), ReconcileError> {
    let owner = text_at(set, "/metadata/name");
    let name = format!("{owner}-{number}");
    let labels = [
        (REVISION_LABEL, revision.to_owned()),
        ("statefulset.kubernetes.io/pod-name", name.clone()),
        ("apps.kubernetes.io/pod-index", number.to_string()),
    ];
    let mut pod = pod_of_template(set, &set["spec"]["template"], &name, &labels);
    pod["spec"]["hostname"] = name.as_str().into();
    if let Some(service) = set.pointer("/spec/serviceName").filter(|service| **service != "") {
        pod["spec"]["subdomain"] = service.clone();
    }
    for template in list(&set["spec"], "volumeClaimTemplates") {
        let template_name = text_at(template, "/metadata/name");
        let claim_name = format!("{template_name}-{name}");
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim_name, "namespace": set["metadata"]["namespace"],
                         "labels": set["spec"]["selector"]["matchLabels"]},
            "spec": template["spec"]});
        if let Some(annotations) = template.pointer("/metadata/annotations") {
            claim["metadata"]["annotations"] = annotations.clone();
        }
        let key = ObjectKey::new(text_at(set, "/metadata/namespace"), claim_name.as_str());
        if cluster.claims.cache.find(&key).is_none() {
            cluster.create(&cluster.claims, &claim).await?;
        }
        let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        volumes.retain(|volume| text_at(volume, "/name") != template_name);
        volumes.push(json!({"name": template_name, "persistentVolumeClaim": {"claimName": claim_name}}));
        pod["spec"]["volumes"] = volumes.into();
    }
    cluster.create(&cluster.pods, &pod).await?;
    Ok(())
}

fn status_of(
    set: &Value,
    pods: &BTreeMap<i64, Arc<Unstructured>>,
    revision: &str,
    minimum: i64,
    now: Timestamp,
) -> (Value, Option<Duration>) {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let until: Vec<Duration> =
        pods.values().filter_map(|pod| until_available(pod.value(), minimum, now)).collect();
    let available = number(until.iter().filter(|left| left.is_zero()).count());
    let again = until.iter().copied().filter(|left| !left.is_zero()).min();
    let updated = number(pods.values().filter(|pod| revision_of(pod.value()) == revision).count());
    let before = text_at(set, "/status/currentRevision");
    let is_updated = updated == number(pods.len());
    let current = if is_updated || before.is_empty() { revision } else { before };
    let of_current = pods.values().filter(|pod| revision_of(pod.value()) == current).count();
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": number(pods.len()),
        "availableReplicas": available, "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    });
    count(&mut status, "readyReplicas", number(until.len()));
    count(&mut status, "currentReplicas", number(of_current));
    count(&mut status, "updatedReplicas", updated);
    (status, again)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Member = Member { available: true, ended: false, outdated: false };
    const THREE: Wanted = Wanted { first: 0, replicas: 3, in_order: true, partition: Some(0) };

    fn members(members: &[Member]) -> BTreeMap<i64, Member> {
        (0..).zip(members.iter().copied()).collect()
    }

    #[test]
    fn pods_are_made_one_after_the_other() {
        assert_eq!(steps(THREE, &members(&[])), [Step::Create(0)]);
        assert_eq!(steps(THREE, &members(&[Member { available: false, ..OK }])), []);
        assert_eq!(steps(THREE, &members(&[OK])), [Step::Create(1)]);
        let parallel = Wanted { in_order: false, ..THREE };
        assert_eq!(steps(parallel, &members(&[])), [Step::Create(0), Step::Create(1), Step::Create(2)]);
        let later = Wanted { first: 5, replicas: 1, ..THREE };
        assert_eq!(steps(later, &members(&[])), [Step::Create(5)]);
    }

    #[test]
    fn the_last_pods_go_first() {
        let one = Wanted { replicas: 1, ..THREE };
        assert_eq!(steps(one, &members(&[OK, OK, OK])), [Step::Delete(2)]);
        assert_eq!(steps(one, &members(&[OK, OK])), [Step::Delete(1)]);
        assert_eq!(steps(one, &members(&[OK])), []);
    }

    #[test]
    fn an_update_replaces_the_last_pod_first_and_stops_at_the_partition() {
        let old = Member { outdated: true, ..OK };
        assert_eq!(steps(THREE, &members(&[old, old, old])), [Step::Delete(2)]);
        assert_eq!(steps(THREE, &members(&[old, old])), [Step::Create(2)]);
        assert_eq!(steps(THREE, &members(&[old, old, OK])), [Step::Delete(1)]);
        let part = Wanted { partition: Some(2), ..THREE };
        assert_eq!(steps(part, &members(&[old, old, OK])), []);
        let by_hand = Wanted { partition: None, ..THREE };
        assert_eq!(steps(by_hand, &members(&[old, old, old])), []);
    }
}

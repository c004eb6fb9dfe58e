//! Jobs: pods that come to an end.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cluster::{Cluster, is_going, pod_name, pod_of_template};
use super::json::{condition, count, holds, number_at, text_at};
use super::pod_state::{is_active, is_ready, second};
use crate::hub::{Action, ObjectKey, ReconcileError, Unstructured};

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// How many pods may fail unless the Job says otherwise.
const BACKOFF_LIMIT: i64 = 6;

/// How the pods of a Job stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    active: i64,
    ready: i64,
    succeeded: i64,
    failed: i64,
}

/// Looks at one Job.
pub(super) async fn reconcile(cluster: &Cluster, key: ObjectKey) -> Result<Action, ReconcileError> {
    let Some(job) = cluster.jobs.cache.find(&key).filter(|job| !is_going(job)) else {
        return Ok(Action::Done);
    };
    let job = job.value();
    if holds(job, "Complete") || holds(job, "Failed") || !text_at(job, "/spec/managedBy").is_empty() {
        return Ok(Action::Done);
    }
    let now = Timestamp::now();
    let is_indexed = text_at(job, "/spec/completionMode") == "Indexed";
    let mut pods = cluster.pods_of(job);
    let mut tally = tally(&pods, is_indexed);
    let is_suspended = job.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or_default();
    let started = text_at(job, "/status/startTime").parse::<Timestamp>().unwrap_or(now);
    let left = number_at(job, "/spec/activeDeadlineSeconds")
        .map(|limit| SignedDuration::from_secs(limit) - now.duration_since(started));
    let end = verdict(job, tally, left.is_some_and(|left| !left.is_positive()));
    if end.is_some() || is_suspended {
        for pod in pods.iter().filter(|pod| is_active(pod.value())) {
            cluster.delete(&cluster.pods, pod.value()).await?;
        }
        tally.active = 0;
        tally.ready = 0;
    } else {
        let missing = missing(job, tally);
        let mut indexes = free_indexes(&pods, number_at(job, "/spec/completions").unwrap_or(1));
        for _ in 0..missing {
            let index = if is_indexed { indexes.pop() } else { None };
            cluster.create(&cluster.pods, &new_pod(job, &key.name, index)).await?;
        }
        if missing > 0 {
            pods = cluster.pods_of(job);
            tally = self::tally(&pods, is_indexed);
        }
    }
    let status = status_of(job, tally, end, is_suspended, started, now);
    cluster.write_status(&cluster.jobs, job, &status).await?;
    let left = left.filter(|left| end.is_none() && left.is_positive());
    let left = left.and_then(|left| std::time::Duration::try_from(left).ok());
    Ok(left.map_or(Action::Done, Action::RequeueAfter))
}

fn tally(pods: &[Arc<Unstructured>], is_indexed: bool) -> Tally {
    let mut tally = Tally::default();
    let mut done = BTreeSet::new();
    for pod in pods.iter().map(|pod| pod.value()) {
        match text_at(pod, "/status/phase") {
            "Succeeded" if is_indexed => {
                done.insert(index_of(pod));
            }
            "Succeeded" => tally.succeeded += 1,
            "Failed" => tally.failed += 1,
            _ if is_active(pod) => {
                tally.active += 1;
                tally.ready += i64::from(is_ready(pod));
            }
            _ => {}
        }
    }
    tally.succeeded += i64::try_from(done.len()).unwrap_or(i64::MAX);
    tally
}

fn index_of(pod: &Value) -> Option<i64> {
    pod.pointer("/metadata/annotations")?.get(INDEX)?.as_str()?.parse().ok()
}

/// The indexes that no pod has or has done, the smallest last.
fn free_indexes(pods: &[Arc<Unstructured>], completions: i64) -> Vec<i64> {
    let taken: BTreeSet<i64> = pods
        .iter()
        .map(|pod| pod.value())
        .filter(|pod| is_active(pod) || text_at(pod, "/status/phase") == "Succeeded")
        .filter_map(index_of)
        .collect();
    (0..completions).rev().filter(|index| !taken.contains(index)).collect()
}

/// How many more pods there should be now.
fn missing(job: &Value, tally: Tally) -> i64 {
    let parallelism = number_at(job, "/spec/parallelism").unwrap_or(1);
    let wanted = match number_at(job, "/spec/completions") {
        Some(completions) => parallelism.min(completions - tally.succeeded),
        // A queue of work: once one pod has found it empty, no new ones are made.
        None if tally.succeeded > 0 => tally.active,
        None => parallelism,
    };
    (wanted - tally.active).max(0)
}

/// How a Job that has come to its end came to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    BackoffLimit,
    Deadline,
}

fn verdict(job: &Value, tally: Tally, is_late: bool) -> Option<End> {
    let is_done = match number_at(job, "/spec/completions") {
        Some(completions) => tally.succeeded >= completions,
        None => tally.succeeded > 0 && tally.active == 0,
    };
    if is_done {
        return Some(End::Complete);
    }
    if tally.failed > number_at(job, "/spec/backoffLimit").unwrap_or(BACKOFF_LIMIT) {
        return Some(End::BackoffLimit);
    }
    is_late.then_some(End::Deadline)
}

fn new_pod(job: &Value, owner: &str, index: Option<i64>) -> Value {
    let name = match index {
        Some(index) => pod_name(&format!("{owner}-{index}")),
        None => pod_name(owner),
    };
    let mut pod = pod_of_template(job, &job["spec"]["template"], &name, &[]);
    if let Some(index) = index {
        pod["metadata"]["annotations"][INDEX] = index.to_string().into();
        pod["metadata"]["labels"][INDEX] = index.to_string().into();
        pod["spec"]["hostname"] = format!("{owner}-{index}").into();
    }
    pod
}

fn status_of(
    job: &Value,
    tally: Tally,
    end: Option<End>,
    is_suspended: bool,
    started: Timestamp,
    now: Timestamp,
) -> Value {
    let mut status = json!({"ready": tally.ready, "uncountedTerminatedPods": {}});
    count(&mut status, "active", tally.active);
    count(&mut status, "succeeded", tally.succeeded);
    count(&mut status, "failed", tally.failed);
    if !is_suspended {
        status["startTime"] = second(started).into();
    }
    let mut conditions = Vec::new();
    let mut add = |kind: &str, answer: &str, reason: &str, message: &str| {
        let before = condition(job, kind).filter(|before| before["status"] == answer);
        let since = |field: &str| before.and_then(|before| before.get(field).cloned());
        conditions.push(json!({"type": kind, "status": answer, "reason": reason, "message": message,
            "lastProbeTime": since("lastProbeTime").unwrap_or_else(|| second(now).into()),
            "lastTransitionTime": since("lastTransitionTime").unwrap_or_else(|| second(now).into())}));
    };
    match end {
        Some(End::Complete) => {
            let message = "Reached expected number of succeeded pods";
            add("SuccessCriteriaMet", "True", "CompletionsReached", message);
            add("Complete", "True", "CompletionsReached", message);
            status["completionTime"] = second(now).into();
        }
        Some(End::BackoffLimit) => {
            let message = "Job has reached the specified backoff limit";
            add("FailureTarget", "True", "BackoffLimitExceeded", message);
            add("Failed", "True", "BackoffLimitExceeded", message);
        }
        Some(End::Deadline) => {
            let message = "Job was active longer than specified deadline";
            add("FailureTarget", "True", "DeadlineExceeded", message);
            add("Failed", "True", "DeadlineExceeded", message);
        }
        None if is_suspended => add("Suspended", "True", "JobSuspended", "Job suspended"),
        None if condition(job, "Suspended").is_some() => {
            add("Suspended", "False", "JobResumed", "Job resumed");
        }
        None => {}
    }
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    if text_at(job, "/spec/completionMode") == "Indexed" {
        let kept = job.pointer("/status/completedIndexes").cloned();
        if let Some(kept) = kept {
            status["completedIndexes"] = kept;
        }
        if end == Some(End::Complete) {
            let last = number_at(job, "/spec/completions").unwrap_or(1) - 1;
            status["completedIndexes"] = if last > 0 { format!("0-{last}") } else { "0".to_owned() }.into();
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(spec: Value) -> Value {
        json!({"spec": spec})
    }

    fn tally(active: i64, succeeded: i64, failed: i64) -> Tally {
        Tally { active, ready: 0, succeeded, failed }
    }

    #[test]
    fn as_many_pods_run_as_parallelism_and_completions_allow() {
        let job = job(json!({"parallelism": 3, "completions": 5}));
        for (tally, more) in
            [(tally(0, 0, 0), 3), (tally(2, 1, 0), 1), (tally(0, 4, 0), 1), (tally(1, 4, 2), 0)]
        {
            assert_eq!(missing(&job, tally), more, "{tally:?}");
        }
        let queue = super::tests::job(json!({"parallelism": 2}));
        assert_eq!((missing(&queue, tally(0, 0, 0)), missing(&queue, tally(1, 1, 0))), (2, 0));
    }

    #[test]
    fn a_job_ends_well_or_for_a_reason() {
        let job = job(json!({"completions": 2, "backoffLimit": 1}));
        assert_eq!(verdict(&job, tally(0, 1, 1), false), None);
        assert_eq!(verdict(&job, tally(0, 2, 1), true), Some(End::Complete));
        assert_eq!(verdict(&job, tally(0, 1, 2), false), Some(End::BackoffLimit));
        assert_eq!(verdict(&job, tally(1, 0, 0), true), Some(End::Deadline));
        let now = Timestamp::UNIX_EPOCH;
        let status = status_of(&job, tally(0, 2, 0), Some(End::Complete), false, now, now);
        assert!(holds(&json!({"status": status}), "Complete"));
        assert_eq!(status["completionTime"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn indexes_are_taken_from_the_smallest() {
        let pod = |index: &str, phase: &str| {
            let value = json!({"metadata": {"name": index, "annotations": {INDEX: index}}, "status": {"phase": phase}});
            Arc::new(Unstructured::try_from_value(value).unwrap())
        };
        let pods = [pod("0", "Succeeded"), pod("1", "Failed"), pod("2", "Running")];
        assert_eq!(free_indexes(&pods, 4), [3, 1]);
    }
}

//! What a WorkloadRebalancer asks for and how it is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::apps::{
    ObjectReference, ObservedWorkload, RebalanceFailedReason, RebalanceResult, WorkloadRebalancerSpec,
    WorkloadRebalancerStatus,
};

/// How asking for a new schedule of one workload went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceAttempt {
    /// The binding asks the scheduler, now or since before.
    Asked,
    /// The workload has no binding, which is final.
    NoBinding,
    /// Something failed that may go better next time.
    Failed,
}

/// The status of a rebalancer after a look at its workloads.
#[derive(Clone, Debug, PartialEq)]
pub struct RebalanceDecision {
    /// The status, if it is news.
    pub status: Option<WorkloadRebalancerStatus>,
    /// Whether a workload has to be tried again.
    pub retry: bool,
}

/// Returns the workloads that still have to be asked for: those not done yet, each once.
pub fn workloads_to_ask<'a>(
    spec: &'a WorkloadRebalancerSpec,
    status: &WorkloadRebalancerStatus,
) -> Vec<&'a ObjectReference> {
    let done = |workload: &ObjectReference| {
        status.observed_workloads.iter().any(|known| known.workload == *workload && is_final(known))
    };
    let mut left: Vec<&ObjectReference> = Vec::new();
    for workload in spec.workloads.iter().filter(|workload| !done(workload)) {
        if !left.contains(&workload) {
            left.push(workload);
        }
    }
    left
}

/// Decides the status after `attempts` at the workloads that were left.
///
/// What succeeded stays in the list when the spec no longer names it; the list is sorted by kind and name (upstream's
/// order). The work is finished when nothing is left to try again.
pub fn rebalance_status(
    spec: &WorkloadRebalancerSpec,
    before: &WorkloadRebalancerStatus,
    generation: i64,
    attempts: &[(&ObjectReference, RebalanceAttempt)],
    now: Timestamp,
) -> RebalanceDecision {
    let mut observed: BTreeMap<[&str; 4], ObservedWorkload> = BTreeMap::new();
    for known in &before.observed_workloads {
        let is_named = spec.workloads.contains(&known.workload);
        if is_named || known.result == RebalanceResult::Successful {
            observed.insert(order(&known.workload), known.clone());
        }
    }
    for (workload, attempt) in attempts {
        let (result, reason) = match attempt {
            RebalanceAttempt::Asked => (RebalanceResult::Successful, RebalanceFailedReason::default()),
            RebalanceAttempt::NoBinding => {
                (RebalanceResult::Failed, RebalanceFailedReason::ReferencedBindingNotFound)
            }
            RebalanceAttempt::Failed => (RebalanceResult::default(), RebalanceFailedReason::default()),
        };
        let entry = ObservedWorkload { workload: (*workload).clone(), result, reason };
        observed.insert(order(workload), entry);
    }
    let retry = attempts.iter().any(|(_, attempt)| *attempt == RebalanceAttempt::Failed);
    let mut status = WorkloadRebalancerStatus {
        observed_workloads: observed.into_values().collect(),
        observed_generation: generation,
        finish_time: before.finish_time.clone(),
    };
    let is_news = status != *before || (before.finish_time.is_none() && !retry);
    if is_news {
        status.finish_time = (!retry).then_some(Time(now));
    }
    RebalanceDecision { status: is_news.then_some(status), retry }
}

fn order(workload: &ObjectReference) -> [&str; 4] {
    [&workload.api_version, &workload.kind, &workload.namespace, &workload.name].map(String::as_str)
}

fn is_final(observed: &ObservedWorkload) -> bool {
    observed.result == RebalanceResult::Successful
        || observed.reason == RebalanceFailedReason::ReferencedBindingNotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str) -> ObjectReference {
        ObjectReference {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: "shop".into(),
            name: name.into(),
        }
    }

    fn spec(names: &[&str]) -> WorkloadRebalancerSpec {
        WorkloadRebalancerSpec {
            workloads: names.iter().map(|name| workload(name)).collect(),
            ttl_seconds_after_finished: None,
        }
    }

    fn run(
        names: &[&str],
        before: &WorkloadRebalancerStatus,
        attempt: RebalanceAttempt,
    ) -> RebalanceDecision {
        let spec = spec(names);
        let left = workloads_to_ask(&spec, before);
        let attempts: Vec<_> = left.into_iter().map(|workload| (workload, attempt)).collect();
        rebalance_status(&spec, before, 1, &attempts, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn finishes_when_every_workload_was_asked_for() {
        let status =
            run(&["b", "a"], &WorkloadRebalancerStatus::default(), RebalanceAttempt::Asked).status.unwrap();
        let names: Vec<&str> = status.observed_workloads.iter().map(|o| o.workload.name.as_str()).collect();
        assert_eq!((names, status.finish_time.is_some()), (vec!["a", "b"], true));
    }

    #[test]
    fn a_workload_without_a_binding_has_failed_for_good() {
        let decision = run(&["a"], &WorkloadRebalancerStatus::default(), RebalanceAttempt::NoBinding);
        let status = decision.status.unwrap();
        assert_eq!(status.observed_workloads[0].reason, RebalanceFailedReason::ReferencedBindingNotFound);
        assert!(!decision.retry && status.finish_time.is_some());
        assert!(workloads_to_ask(&spec(&["a"]), &status).is_empty());
    }

    #[test]
    fn goes_on_while_something_may_still_succeed() {
        let decision = run(&["a"], &WorkloadRebalancerStatus::default(), RebalanceAttempt::Failed);
        let status = decision.status.unwrap();
        assert!(decision.retry && status.finish_time.is_none());
        assert_eq!(workloads_to_ask(&spec(&["a"]), &status).len(), 1);
    }

    #[test]
    fn a_second_look_writes_nothing() {
        let status =
            run(&["a"], &WorkloadRebalancerStatus::default(), RebalanceAttempt::Asked).status.unwrap();
        assert_eq!(
            run(&["a"], &status, RebalanceAttempt::Asked),
            RebalanceDecision { status: None, retry: false }
        );
    }

    #[test]
    fn success_stays_told_when_the_spec_forgets_it_and_failure_does_not() {
        let done = run(&["a"], &WorkloadRebalancerStatus::default(), RebalanceAttempt::Asked).status.unwrap();
        let next = run(&["b"], &done, RebalanceAttempt::NoBinding).status.unwrap();
        assert_eq!(next.observed_workloads.len(), 2);
        let last = run(&["c"], &next, RebalanceAttempt::Asked).status.unwrap();
        let names: Vec<&str> = last.observed_workloads.iter().map(|o| o.workload.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
    }
}

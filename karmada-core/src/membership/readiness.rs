//! Conditions of a cluster: `Ready` and `CompleteAPIEnablements`.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::Condition;
use crate::api::cluster::constants::{CONDITION_COMPLETE_API_ENABLEMENTS, CONDITION_READY};

const TRUE: &str = "True";
const FALSE: &str = "False";

/// What a health check of a member's API server found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// No client could be made, with the reason.
    NoClient(String),
    /// No answer.
    Unreachable,
    /// An answer other than "ok".
    NotOk,
    /// The server is ready.
    Ok,
}

/// How long a contrary observation must last before `Ready` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadinessThresholds {
    /// From ready to not ready.
    pub failure: SignedDuration,
    /// From not ready to ready.
    pub success: SignedDuration,
}

impl Default for ReadinessThresholds {
    fn default() -> Self {
        Self { failure: SignedDuration::from_secs(30), success: SignedDuration::from_secs(30) }
    }
}

/// What must be remembered between two health checks of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadyMemory {
    /// Whether any check was made.
    observed: bool,
    contrary_since: Option<Timestamp>,
}

/// Returns the `Ready` condition after a health check.
///
/// A flip is held back until the contrary observation has lasted as long as `thresholds` say;
/// the first observation is taken as it is. The transition time moves only when the status does.
///
/// Source: karmada v1.19 cluster-status-controller, `--cluster-failure-threshold`, `--cluster-success-threshold`.
pub fn ready_condition(
    current: Option<&Condition>,
    probe: &Probe,
    memory: &mut ReadyMemory,
    thresholds: ReadinessThresholds,
    now: Timestamp,
) -> Condition {
    let observed = observed_condition(probe);
    let first = !std::mem::replace(&mut memory.observed, true);
    let Some(current) = current else {
        memory.contrary_since = None;
        return Condition { last_transition_time: Some(Time(now)), ..observed };
    };
    if (current.status == TRUE) == (observed.status == TRUE) {
        memory.contrary_since = None;
        return with_transition_time(Some(current), observed, now);
    }
    let threshold = if current.status == TRUE { thresholds.failure } else { thresholds.success };
    let since = *memory.contrary_since.get_or_insert(now);
    if !first && now.duration_since(since) < threshold {
        return current.clone();
    }
    memory.contrary_since = None;
    with_transition_time(Some(current), observed, now)
}

/// Returns the `CompleteAPIEnablements` condition.
///
/// `found` is how many groups discovery gave, `failed` whether some could not be read.
pub fn api_enablements_condition(
    current: Option<&Condition>,
    found: usize,
    failed: Option<&str>,
    now: Timestamp,
) -> Condition {
    let (status, reason, message) = match (found, failed) {
        (0, failure) => (
            FALSE,
            "Empty",
            format!(
                "collected empty APIEnablements from the cluster{}",
                failure.map_or_else(String::new, |f| format!(": {f}"))
            ),
        ),
        (_, Some(failure)) => {
            (FALSE, "Partial", format!("might collect partial APIEnablements from the cluster: {failure}"))
        }
        (_, None) => (TRUE, "Complete", "collected complete APIEnablements from the cluster".to_string()),
    };
    let condition = Condition {
        type_: CONDITION_COMPLETE_API_ENABLEMENTS.into(),
        status: status.into(),
        reason: reason.into(),
        message,
        ..Condition::default()
    };
    with_transition_time(current, condition, now)
}

fn observed_condition(probe: &Probe) -> Condition {
    let (status, reason, message) = match probe {
        Probe::NoClient(message) => (FALSE, "StatusCollectionFailed", message.as_str()),
        Probe::Unreachable => (FALSE, "ClusterNotReachable", "cluster is not reachable"),
        Probe::NotOk => {
            (FALSE, "ClusterNotReady", "cluster is reachable but health endpoint responded without ok")
        }
        Probe::Ok => (TRUE, "ClusterReady", "cluster is healthy and ready to accept workloads"),
    };
    Condition {
        type_: CONDITION_READY.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        ..Condition::default()
    }
}

fn with_transition_time(current: Option<&Condition>, condition: Condition, now: Timestamp) -> Condition {
    let kept = current
        .filter(|current| current.status == condition.status)
        .and_then(|current| current.last_transition_time.clone());
    Condition { last_transition_time: Some(kept.unwrap_or(Time(now))), ..condition }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn check(
        current: &mut Option<Condition>,
        memory: &mut ReadyMemory,
        probe: &Probe,
        second: i64,
    ) -> String {
        let condition =
            ready_condition(current.as_ref(), probe, memory, ReadinessThresholds::default(), at(second));
        let status = condition.status.clone();
        *current = Some(condition);
        status
    }

    #[test]
    fn first_observation_is_taken_as_it_is() {
        let (mut current, mut memory) = (None, ReadyMemory::default());
        assert_eq!(check(&mut current, &mut memory, &Probe::Unreachable, 0), "False");
        let (mut restarted, mut fresh) = (current.clone(), ReadyMemory::default());
        assert_eq!(check(&mut restarted, &mut fresh, &Probe::Ok, 1), "True");
    }

    #[test]
    fn a_short_outage_does_not_flip_a_ready_cluster() {
        let (mut current, mut memory) = (None, ReadyMemory::default());
        assert_eq!(check(&mut current, &mut memory, &Probe::Ok, 0), "True");
        assert_eq!(check(&mut current, &mut memory, &Probe::Unreachable, 10), "True");
        assert_eq!(check(&mut current, &mut memory, &Probe::Ok, 20), "True");
        assert_eq!(check(&mut current, &mut memory, &Probe::Unreachable, 30), "True");
        assert_eq!(check(&mut current, &mut memory, &Probe::Unreachable, 59), "True");
        assert_eq!(check(&mut current, &mut memory, &Probe::NotOk, 60), "False");
        assert_eq!(current.unwrap().last_transition_time, Some(Time(at(60))));
    }

    #[test]
    fn transition_time_stays_while_the_status_stays() {
        let (mut current, mut memory) = (None, ReadyMemory::default());
        check(&mut current, &mut memory, &Probe::Unreachable, 0);
        check(&mut current, &mut memory, &Probe::NotOk, 10);
        let condition = current.unwrap();
        assert_eq!(
            (condition.reason.as_str(), condition.last_transition_time),
            ("ClusterNotReady", Some(Time(at(0))))
        );
    }

    #[test]
    fn says_how_complete_discovery_was() {
        let reason = |found, failed| api_enablements_condition(None, found, failed, at(0)).reason;
        assert_eq!(reason(3, None), "Complete");
        assert_eq!(reason(3, Some("metrics.k8s.io is down")), "Partial");
        assert_eq!(reason(0, Some("refused")), "Empty");
    }
}

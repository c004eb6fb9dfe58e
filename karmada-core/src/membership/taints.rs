//! Taints that Karmada itself puts on clusters.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::cluster::constants::{
    CONDITION_READY, EFFECT_NO_SCHEDULE, TAINT_NOT_READY, TAINT_UNREACHABLE,
};
use crate::api::cluster::{Cluster, Taint};

/// Returns the taints the cluster must have because of its `Ready` condition, or `None` when it has them.
///
/// Not ready (or never observed): `not-ready:NoSchedule`; unknown: `unreachable:NoSchedule`; ready: neither.
/// Other taints stay as they are.
pub fn taints_for_readiness(cluster: &Cluster, now: Timestamp) -> Option<Vec<Taint>> {
    let wanted = match cluster.condition_status(CONDITION_READY) {
        Some("True") => None,
        Some("Unknown") => Some(TAINT_UNREACHABLE),
        _ => Some(TAINT_NOT_READY),
    };
    let is_ours = |taint: &Taint| {
        taint.effect == EFFECT_NO_SCHEDULE && (taint.key == TAINT_NOT_READY || taint.key == TAINT_UNREACHABLE)
    };
    let mut taints: Vec<Taint> = cluster
        .spec
        .taints
        .iter()
        .filter(|taint| !is_ours(taint) || Some(taint.key.as_str()) == wanted)
        .cloned()
        .collect();
    if let Some(key) = wanted
        && !taints.iter().any(|taint| taint.key == key && taint.effect == EFFECT_NO_SCHEDULE)
    {
        taints.push(Taint {
            key: key.into(),
            effect: EFFECT_NO_SCHEDULE.into(),
            time_added: Some(Time(now)),
            ..Taint::default()
        });
    }
    (taints != cluster.spec.taints).then_some(taints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Condition;
    use crate::api::cluster::{ClusterSpec, ClusterStatus};

    fn cluster(ready: Option<&str>, taints: &[&str]) -> Cluster {
        let conditions = ready.map(|status| Condition {
            type_: CONDITION_READY.into(),
            status: status.into(),
            ..Condition::default()
        });
        let taints = taints
            .iter()
            .map(|key| Taint { key: (*key).into(), effect: EFFECT_NO_SCHEDULE.into(), ..Taint::default() })
            .collect();
        let mut cluster = Cluster::new("m1", ClusterSpec { taints, ..ClusterSpec::default() });
        cluster.status =
            Some(ClusterStatus { conditions: conditions.into_iter().collect(), ..ClusterStatus::default() });
        cluster
    }

    #[track_caller]
    fn check(ready: Option<&str>, has: &[&str], expected: Option<&[&str]>) {
        let taints = taints_for_readiness(&cluster(ready, has), Timestamp::UNIX_EPOCH);
        let keys: Option<Vec<String>> =
            taints.map(|taints| taints.into_iter().map(|taint| taint.key).collect());
        assert_eq!(keys, expected.map(|keys| keys.iter().map(ToString::to_string).collect()));
    }

    #[test]
    fn readiness_decides_the_taint() {
        check(None, &[], Some(&[TAINT_NOT_READY]));
        check(Some("False"), &[TAINT_NOT_READY], None);
        check(Some("Unknown"), &[TAINT_NOT_READY], Some(&[TAINT_UNREACHABLE]));
        check(Some("True"), &[TAINT_UNREACHABLE], Some(&[]));
    }

    #[test]
    fn taints_of_users_stay() {
        check(Some("True"), &["mine", TAINT_NOT_READY], Some(&["mine"]));
        check(Some("True"), &["mine"], None);
    }
}

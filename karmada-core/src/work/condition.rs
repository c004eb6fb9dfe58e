//! Conditions of Works.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::Condition;
use crate::api::work::constants::{
    CONDITION_APPLIED, CONDITION_DISPATCHING, REASON_APPLIED_FAILED, REASON_APPLIED_SUCCESSFUL,
    REASON_DISPATCHING, REASON_SUSPEND_DISPATCHING,
};

/// Returns the condition that says whether the manifests are in the member.
///
/// `failures` are the texts of the errors, `manifests` says how many manifests there are.
pub fn applied_condition(manifests: usize, failures: &[String], now: Timestamp) -> Condition {
    if failures.is_empty() {
        let message = "Manifest has been successfully applied";
        return condition(CONDITION_APPLIED, "True", REASON_APPLIED_SUCCESSFUL, message, now);
    }
    let errors = if failures.len() == 1 { failures.concat() } else { format!("[{}]", failures.join(", ")) };
    let applied = manifests.saturating_sub(failures.len());
    let message = format!("Failed to apply all manifests ({applied}/{manifests}): {errors}");
    condition(CONDITION_APPLIED, "False", REASON_APPLIED_FAILED, &message, now)
}

/// Returns the condition that says whether the Work is dispatched or held back.
pub fn dispatching_condition(suspend_dispatching: Option<bool>, now: Timestamp) -> Condition {
    if suspend_dispatching == Some(true) {
        let message = "Work dispatching is in a suspended state.";
        return condition(CONDITION_DISPATCHING, "False", REASON_SUSPEND_DISPATCHING, message, now);
    }
    let message = "Work is being dispatched to member clusters.";
    condition(CONDITION_DISPATCHING, "True", REASON_DISPATCHING, message, now)
}

/// Puts a condition into a list; returns whether that changed anything but a time.
///
/// The time of the last transition only moves when the status changes.
pub fn set_condition(conditions: &mut Vec<Condition>, mut condition: Condition) -> bool {
    let Some(known) = conditions.iter_mut().find(|known| known.type_ == condition.type_) else {
        conditions.push(condition);
        return true;
    };
    if known.status == condition.status && known.last_transition_time.is_some() {
        condition.last_transition_time.clone_from(&known.last_transition_time);
    }
    if *known == condition {
        return false;
    }
    *known = condition;
    true
}

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str, now: Timestamp) -> Condition {
    // Times on the wire have whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        observed_generation: 0,
        last_transition_time: Some(Time(now)),
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_the_transition_time_only_when_the_status_changes() {
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let mut conditions = Vec::new();
        assert!(set_condition(&mut conditions, applied_condition(1, &[], early)));
        assert!(!set_condition(&mut conditions, applied_condition(1, &[], late)));
        assert!(set_condition(&mut conditions, applied_condition(1, &["no".to_owned()], late)));
        assert_eq!(conditions[0].message, "Failed to apply all manifests (0/1): no");
        assert_eq!(conditions[0].last_transition_time, Some(Time(late)));
    }
}

//! Validation of what controllers write into the status of built-in kinds.

use std::net::IpAddr;

use serde_json::Value;

use super::super::field_error::FieldError;
use super::fields::{check_not_negative, items};

/// Returns what is wrong with the status of an object.
pub(super) fn validate(kind: &str, object: &Value) -> Vec<FieldError> {
    let status = &object["status"];
    let mut errors = Vec::new();
    match kind {
        "Deployment" => counts(
            status,
            &["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"],
            &["updatedReplicas", "readyReplicas", "availableReplicas"],
            &mut errors,
        ),
        "ReplicaSet" | "ReplicationController" => counts(
            status,
            &["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
            &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
            &mut errors,
        ),
        "StatefulSet" => counts(
            status,
            &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
            &["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
            &mut errors,
        ),
        "DaemonSet" => counts(
            status,
            &[
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberUnavailable",
            ],
            &[],
            &mut errors,
        ),
        "Pod" => pod_addresses(status, &mut errors),
        _ => {}
    }
    for field in ["observedGeneration", "collisionCount"] {
        check_not_negative(status, field, "status", &mut errors);
    }
    errors
}

/// Checks that counts are not negative, and that parts are no larger than the whole.
fn counts(status: &Value, all: &[&str], parts: &[&str], errors: &mut Vec<FieldError>) {
    for field in all {
        check_not_negative(status, field, "status", errors);
    }
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    let whole = count("replicas");
    for part in parts {
        if count(part) > whole {
            errors.push(FieldError::invalid(
                format!("status.{part}"),
                &Value::from(count(part)),
                "cannot be greater than status.replicas",
            ));
        }
    }
    if parts.contains(&"availableReplicas") && count("availableReplicas") > count("readyReplicas") {
        errors.push(FieldError::invalid(
            "status.availableReplicas",
            &Value::from(count("availableReplicas")),
            "cannot be greater than readyReplicas",
        ));
    }
}

fn pod_addresses(status: &Value, errors: &mut Vec<FieldError>) {
    for (index, address) in items(status, "podIPs").iter().enumerate() {
        if address["ip"].as_str().is_none_or(|text| text.parse::<IpAddr>().is_err()) {
            errors.push(FieldError::invalid(
                format!("status.podIPs[{index}]"),
                &address["ip"],
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refuses_more_ready_replicas_than_there_are() {
        let object = json!({"status": {"replicas": 1, "readyReplicas": 5}});
        let fields: Vec<String> =
            validate("Deployment", &object).into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["status.readyReplicas"]);
        assert_eq!(validate("Deployment", &json!({"status": {"replicas": -1}})).len(), 4);
    }
}

//! PersistentVolume.

use serde_json::{Value, json};

use super::super::InterpretError;
use super::rules::Rules;
use super::typed::{read, statuses, text, with_status};
use crate::api::work::AggregatedStatusItem;
use crate::object::{nested, set_nested};

/// Phases by precedence: the first one that any member reports is the template's.
const PHASES: [&str; 5] = ["Failed", "Pending", "Available", "Bound", "Released"];

pub(super) const RULES: Rules = Rules {
    retain: Some(retain),
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    ..Rules::NONE
};

/// Keeps the claim that the member has bound.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    if let Some(claim) = nested(observed, &["spec", "claimRef"])? {
        set_nested(&mut desired, &["spec", "claimRef"], claim.clone())?;
    }
    Ok(desired)
}

fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("PersistentVolume", object)?;
    let reported = statuses("PersistentVolumeStatus", items)?;
    let mut phases: Vec<&str> = reported.iter().map(|(_, status)| text(status, "phase")).collect();
    if reported.len() < items.len() {
        phases.push("Pending");
    }
    let phase = PHASES.iter().find(|phase| phases.contains(phase)).copied().unwrap_or_default();
    let status = json!({"phase": phase});
    if read("PersistentVolumeStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("PersistentVolume", object, status)
}

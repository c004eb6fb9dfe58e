//! PersistentVolumeClaim.

use serde_json::{Value, json};

use super::super::{InterpretError, fields};
use super::rules::Rules;
use super::typed::{read, statuses, text, with_status};
use crate::api::work::AggregatedStatusItem;
use crate::object::set_nested;

pub(super) const RULES: Rules = Rules {
    retain: Some(retain),
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    health: Some(|object| Ok(text(&read("PersistentVolumeClaim", object)?["status"], "phase") == "Bound")),
    ..Rules::NONE
};

/// Keeps the volume that the member has bound.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    if let Some(volume) = fields::text(observed, &["spec", "volumeName"])?.filter(|volume| !volume.is_empty())
    {
        set_nested(&mut desired, &["spec", "volumeName"], volume.into())?;
    }
    Ok(desired)
}

/// Lost in any member is lost; else the last phase that is not bound; else bound.
fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("PersistentVolumeClaim", object)?;
    let reported = statuses("PersistentVolumeClaimStatus", items)?;
    let phases: Vec<&str> = reported.iter().map(|(_, status)| text(status, "phase")).collect();
    let phase = if phases.contains(&"Lost") {
        "Lost"
    } else {
        phases.iter().rfind(|phase| **phase != "Bound").copied().unwrap_or("Bound")
    };
    let status = json!({"phase": phase});
    if read("PersistentVolumeClaimStatus", &status)? == typed["status"] {
        return Ok(object.clone());
    }
    with_status("PersistentVolumeClaim", object, status)
}

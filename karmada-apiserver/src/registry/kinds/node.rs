//! Nodes.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::checks::{check_cidr, check_qualified, parse_cidr};
use super::fields::{check_choice, default, has, items, text};

/// Fills a node in.
pub(super) fn apply_defaults(object: &mut Value) {
    if let Some(status) = object.get_mut("status")
        && let Some(capacity) = status.get("capacity").cloned()
    {
        default(status, "allocatable", capacity);
    }
    // Two names of one thing: the first range of several has a field of its own.
    let Some(spec) = object.get_mut("spec") else { return };
    let single = text(spec, "podCIDR").to_owned();
    match items(spec, "podCIDRs").first().cloned() {
        None if !single.is_empty() => spec["podCIDRs"] = json!([single]),
        Some(first) if single.is_empty() => spec["podCIDR"] = first,
        Some(first) if first != single.as_str() => spec["podCIDRs"] = json!([single]),
        _ => {}
    }
}

/// Returns what is wrong with a node.
pub(super) fn validate(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let taints = items(spec, "taints");
    for (index, taint) in taints.iter().enumerate() {
        // The real server looks for them in the metadata.
        let path = format!("metadata.taints[{index}]");
        check_qualified(taint, "key", &path, &mut errors);
        let value = text(taint, "value");
        errors.extend(names::invalid_each(&format!("{path}.value"), value, names::label_value(value)));
        if text(taint, "effect").is_empty() {
            errors.push(FieldError::required(format!("{path}.effect"), ""));
        } else {
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            check_choice(taint, "effect", &path, &effects, &mut errors);
        }
        let same = |other: &Value| other["key"] == taint["key"] && other["effect"] == taint["effect"];
        if taints[..index].iter().any(same) {
            let mut error = FieldError::duplicate(path, taint);
            error.message.push_str(": taints must be unique by key and effect pair");
            errors.push(error);
        }
    }
    let ranges = items(spec, "podCIDRs");
    let widths: Vec<u32> =
        ranges.iter().filter_map(|range| parse_cidr(range.as_str()?).map(|(_, width, _)| width)).collect();
    if widths.len() == 2 && widths[0] == widths[1] {
        let detail = "may specify no more than one CIDR for each IP family";
        errors.push(FieldError::invalid("spec.podCIDRs", &spec["podCIDRs"], detail));
    }
    for (index, range) in ranges.iter().enumerate() {
        check_cidr(range, &format!("spec.podCIDRs[{index}]"), &mut errors);
    }
    if let Some(old) = old {
        let was = &old["spec"];
        if !items(was, "podCIDRs").is_empty() && was["podCIDRs"] != spec["podCIDRs"] {
            let detail = "node updates may not change podCIDR except from \"\" to valid";
            errors.push(FieldError::forbidden("spec.podCIDRs", detail));
        }
        if has(was, "providerID") && was["providerID"] != spec["providerID"] {
            let detail = "node updates may not change providerID except from \"\" to valid";
            errors.push(FieldError::forbidden("spec.providerID", detail));
        }
    }
    errors
}

//! What the members report, and how it is put together.

use serde_json::Value;

use super::rules::Answer;
use super::values::{assign, elements, field, from_number, guarded, mismatch, number, number_or};
use crate::api::work::AggregatedStatusItem;

static NO_STATUS: Value = Value::Null;

/// What one member reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// The member's name.
    pub(super) cluster: &'a str,
    /// The status there; null when it is not known.
    pub(super) status: &'a Value,
}

impl<'a> Member<'a> {
    /// Returns a field of the status; null when it or the status is absent.
    pub(super) fn field(&self, name: &str) -> &'a Value {
        guarded(self.status, &[name])
    }

    /// Returns the conditions.
    pub(super) fn conditions(&self) -> &'a [Value] {
        elements(self.field("conditions"))
    }
}

/// Returns what the members report, in their order.
pub(super) fn members(items: &[AggregatedStatusItem]) -> Vec<Member<'_>> {
    items
        .iter()
        .map(|item| Member {
            cluster: &item.cluster_name,
            status: item.status.as_ref().unwrap_or(&NO_STATUS),
        })
        .collect()
}

/// Takes over the status of the only member; returns whether there is just one.
pub(super) fn copy_single(object: &mut Value, members: &[Member<'_>]) -> Answer<bool> {
    let [member] = members else { return Ok(false) };
    assign(object, &["status"], member.status.clone())?;
    Ok(true)
}

/// Returns the sum of a counter over all members that have it.
pub(super) fn sum(members: &[Member<'_>], counter: &str) -> Answer<Value> {
    let mut total = 0.0;
    for member in members {
        total += number_or(member.status, &[counter], 0.0)?;
    }
    Ok(from_number(total))
}

/// Returns the last value of a field that is there and no empty text.
pub(super) fn last<'a>(members: &[Member<'a>], name: &str) -> Option<&'a Value> {
    let found = members.iter().rev().map(|member| member.field(name));
    found.into_iter().find(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Returns the first value of a field that is there.
pub(super) fn first<'a>(members: &[Member<'a>], name: &str) -> Option<&'a Value> {
    members.iter().map(|member| member.field(name)).find(|value| !value.is_null())
}

/// Returns the smallest text of a field, which is the earliest of times.
pub(super) fn earliest<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    members.iter().filter_map(|member| member.field(name).as_str()).min()
}

/// Returns the largest text of a field, which is the latest of times.
pub(super) fn latest<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    members.iter().filter_map(|member| member.field(name).as_str()).max()
}

/// Returns the generation that all members have observed of the template's current one, else the one before.
///
/// A template without a generation gets the generation zero.
pub(super) fn observed_generation(object: &mut Value, members: &[Member<'_>]) -> Answer<Value> {
    if field(object, &["metadata", "generation"])?.is_null() {
        assign(object, &["metadata", "generation"], Value::from(0))?;
    }
    let generation = from_number(number(object, &["metadata", "generation"])?);
    let mut current = true;
    for member in members {
        let reported = |name| number_or(member.status, &[name], 0.0).map(from_number);
        current &= reported("resourceTemplateGeneration")? == generation
            && reported("generation")? == reported("observedGeneration")?;
    }
    if current {
        return Ok(generation);
    }
    let before = guarded(object, &["status", "observedGeneration"]);
    Ok(if before.is_null() { Value::from(0) } else { before.clone() })
}

/// Returns whether a condition has a type and the status True.
pub(super) fn is_true(condition: &Value, condition_type: &str) -> bool {
    guarded(condition, &["type"]) == condition_type && guarded(condition, &["status"]) == "True"
}

/// Returns the elements of a field of all members, one after the other.
///
/// # Errors
/// When the field is there and no list.
pub(super) fn concatenated(members: &[Member<'_>], name: &str) -> Answer<Value> {
    let mut all = Vec::new();
    for member in members {
        match member.field(name) {
            Value::Array(elements) => all.extend(elements.iter().cloned()),
            Value::Null => {}
            Value::Object(map) if map.is_empty() => {}
            other => return Err(mismatch(&["status", name], "list", other).into()),
        }
    }
    Ok(Value::Array(all))
}

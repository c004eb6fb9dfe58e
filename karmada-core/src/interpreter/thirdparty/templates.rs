//! What pod templates need.

use serde_json::{Value, json};

use super::super::empties::settle;
use super::super::kinds::{pod_dependencies, requirements};
use super::super::{DependentReference, InterpretError, NativeOptions, Operation};
use super::rules::Answer;
use super::values::{field, from_number, guarded, mismatch, number};
use crate::api::work::{Component, ComponentRequirements, NodeClaim, ReplicaRequirements};
use crate::native;
use crate::object::{Quantity, QuantityError};

const TYPE: &str = "PodTemplateSpec";

/// Returns what a pod of the template at a path needs of its node.
///
/// # Errors
/// When there is no template, or it is no valid one.
pub(super) fn template_requirements(
    object: &Value,
    path: &[&str],
    options: NativeOptions,
) -> Answer<Option<ReplicaRequirements>> {
    let (written, typed) = template(object, path)?;
    let needed = requirements(guarded(&typed, &["spec"]), guarded(&written, &["spec"]), options);
    needed.map(reread_quantities).transpose()
}

/// Returns what a pod of the template at a path needs in the object's namespace.
///
/// # Errors
/// When there is no template, or it is no valid one.
pub(super) fn template_dependencies(object: &Value, path: &[&str]) -> Answer<Vec<DependentReference>> {
    let (_, typed) = template(object, path)?;
    let namespace = match field(object, &["metadata", "namespace"])? {
        Value::Null => "default",
        Value::String(namespace) => namespace.as_str(),
        other => return Err(mismatch(&["metadata", "namespace"], "string", other).into()),
    };
    Ok(pod_dependencies(guarded(&typed, &["spec"]), namespace))
}

/// Returns the same as [`template_dependencies`], but no dependency at all is an error.
///
/// Scripts that pass on what they get pass on nothing then, which is no list.
pub(super) fn some_template_dependencies(object: &Value, path: &[&str]) -> Answer<Vec<DependentReference>> {
    let found = template_dependencies(object, path)?;
    if found.is_empty() {
        return Err(mismatch(path, "template with dependencies", guarded(object, path)).into());
    }
    Ok(found)
}

/// Returns the replicas of a field and what a pod of `spec.template` needs.
///
/// # Errors
/// When there is no number.
pub(super) fn workload_replicas(
    object: &Value,
    path: &[&str],
    options: NativeOptions,
) -> Answer<(i64, Option<ReplicaRequirements>)> {
    field(object, path)?;
    let needed = template_requirements(object, &["spec", "template"], options)?;
    match field(object, path)? {
        Value::Number(_) => Ok((number(object, path)? as i64, needed)),
        other => Err(mismatch(path, "number", other).into()),
    }
}

/// Returns a component of a pod template; without a template nothing is known of its needs.
pub(super) fn component(
    name: &str,
    replicas: i32,
    part: &Value,
    options: NativeOptions,
) -> Answer<Component> {
    let needed = match guarded(part, &["template"]) {
        Value::Null => None,
        _ => template_requirements(part, &["template"], options)?,
    };
    let needed = needed.map(|needed| ComponentRequirements {
        node_claim: needed.node_claim,
        resource_request: needed.resource_request,
        priority_class_name: needed.priority_class_name,
    });
    Ok(Component { name: name.to_owned(), replicas, replica_requirements: needed })
}

/// Returns the replicas of a component at a path, or a default.
pub(super) fn component_replicas(part: &Value, path: &[&str], default: i32) -> Answer<i32> {
    match guarded(part, path) {
        Value::Null => Ok(default),
        found => from_number(found.as_f64().unwrap_or(f64::NAN))
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .ok_or_else(|| mismatch(path, "integer", found).into()),
    }
}

/// Returns the quantity of a component that is written as a text or a number.
///
/// One with a point and no suffix stays as it is written.
///
/// # Errors
/// When it is no quantity.
pub(super) fn component_quantity(value: &Value) -> Answer<Quantity> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.contains('.') => text.parse().ok(),
        _ => None,
    };
    let quantity = match (number, value) {
        (Some(number), _) => Quantity::from_number(number),
        (None, Value::String(text)) => text.parse(),
        (None, other) => return Err(mismatch(&["resource"], "quantity", other).into()),
    };
    quantity.map_err(unreadable)
}

/// Returns the error for a quantity that cannot be read.
pub(super) fn unreadable(source: QuantityError) -> InterpretError {
    InterpretError::Customization { operation: Operation::InterpretReplica, source: source.into() }
}

/// Returns the claim to a node of a pod spec, if it makes one.
pub(super) fn node_claim(spec: &Value) -> Answer<Option<NodeClaim>> {
    let required =
        guarded(spec, &["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
    let (selector, tolerations) = (guarded(spec, &["nodeSelector"]), guarded(spec, &["tolerations"]));
    if [required, selector, tolerations].iter().all(|part| part.is_null()) {
        return Ok(None);
    }
    let mut claim =
        json!({"hardNodeAffinity": required, "nodeSelector": selector, "tolerations": tolerations});
    if let Value::Object(parts) = &mut claim {
        parts.retain(|_, part| !part.is_null());
    }
    settle(&mut claim, &[]);
    let claim = serde_json::from_value(claim).map_err(|source| InterpretError::Customization {
        operation: Operation::InterpretReplica,
        source: source.into(),
    })?;
    Ok(Some(claim))
}

/// Returns requirements whose quantities were written and read again: that may change how they are written next.
fn reread_quantities(mut needed: ReplicaRequirements) -> Answer<ReplicaRequirements> {
    for quantity in needed.resource_request.values_mut() {
        *quantity = quantity.to_string().parse().map_err(unreadable)?;
    }
    Ok(needed)
}

/// Returns a template as it was written and as its type reads it, both without empty maps and lists.
fn template(object: &Value, path: &[&str]) -> Answer<(Value, Value)> {
    let mut written = match field(object, path)? {
        table @ (Value::Object(_) | Value::Array(_)) => table.clone(),
        other => return Err(mismatch(path, "map", other).into()),
    };
    settle(&mut written, &[]);
    if matches!(&written, Value::Array(elements) if elements.is_empty()) {
        written = json!({});
    }
    let typed = native::convert(TYPE, &written)
        .map_err(|source| InterpretError::Convert { kind: TYPE.to_owned(), source })?;
    Ok((written, typed))
}

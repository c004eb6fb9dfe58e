//! OverridePolicy and ClusterOverridePolicy.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    AdmissionDenied, AdmissionInput, FieldError,
    affinity::{validate_cluster_affinity, validate_selector_namespaces},
    entry::{decode, deny_if_any},
};
use crate::{
    api::policy::{
        FieldOverrider, FieldPatchOperation, OverridePolicy, OverriderOperator, Overriders, RuleWithCluster,
    },
    object::{
        self,
        validation::{label_value, qualified_name},
    },
};

/// Fills in the namespaces of selectors.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    let mut spec = decode::<OverridePolicy>(input.object)?.spec;
    let own = Some(object::namespace(input.object)).filter(|own| !own.is_empty()).unwrap_or(input.namespace);
    for selector in spec.resource_selectors.iter_mut().filter(|selector| selector.namespace.is_empty()) {
        own.clone_into(&mut selector.namespace);
    }
    let mut spec = serde_json::to_value(spec).expect("wire types always serialise");
    remove_null_values(&mut spec);
    Ok(serde_json::json!({
        "apiVersion": input.object["apiVersion"],
        "kind": input.object["kind"],
        "metadata": input.object["metadata"],
        "spec": spec,
    }))
}

/// Removes every `value: null`: the type writes one for each operation without a value, nobody stores it.
fn remove_null_values(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("value").is_some_and(Value::is_null) {
                members.remove("value");
            }
            members.values_mut().for_each(remove_null_values);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_null_values),
        _ => {}
    }
}

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let spec = decode::<OverridePolicy>(input.object)?.spec;
    let mut errors = Vec::new();
    if let Some(target) = &spec.target_cluster {
        validate_cluster_affinity(target, "spec.targetCluster", &mut errors);
        if !spec.override_rules.is_empty() {
            errors.push(FieldError::invalid_value(
                "spec.targetCluster",
                target,
                "overrideRules and targetCluster can't co-exist",
            ));
        }
    }
    if !spec.override_rules.is_empty() && has_overriders(&spec.overriders) {
        errors.push(FieldError::invalid_value(
            "spec.overriders",
            &spec.overriders,
            "overrideRules and overriders can't co-exist",
        ));
    }
    for (index, rule) in spec.override_rules.iter().enumerate() {
        validate_rule(rule, &format!("spec.overrideRules[{index}]"), &mut errors);
    }
    if input.kind == "OverridePolicy" {
        validate_selector_namespaces(&spec.resource_selectors, object::namespace(input.object), &mut errors);
    }
    deny_if_any(input.kind, errors)
}

/// Returns true when there are overriders of the older kinds; field overriders do not count, as upstream.
fn has_overriders(overriders: &Overriders) -> bool {
    let counted = Overriders { field_overrider: Vec::new(), ..overriders.clone() };
    counted != Overriders::default()
}

fn validate_rule(rule: &RuleWithCluster, path: &str, errors: &mut Vec<FieldError>) {
    let overriders = &rule.overriders;
    let path_of = |name: &str, index: usize| format!("{path}.overriders.{name}[{index}]");
    for (index, overrider) in overriders.annotations_overrider.iter().enumerate() {
        let field = format!("{}.value", path_of("annotationsOverrider", index));
        validate_annotations(&overrider.value, &field, errors);
    }
    for (index, overrider) in overriders.labels_overrider.iter().enumerate() {
        validate_labels(&overrider.value, &format!("{}.value", path_of("labelsOverrider", index)), errors);
    }
    for (index, overrider) in overriders.image_overrider.iter().enumerate() {
        if let Some(predicate) = &overrider.predicate {
            let field = format!("{}.predicate.path", path_of("imageOverrider", index));
            validate_pointer(&predicate.path, &field, errors);
        }
    }
    for (index, overrider) in overriders.field_overrider.iter().enumerate() {
        validate_field_overrider(overrider, &path_of("fieldOverrider", index), errors);
    }
    if let Some(target) = &rule.target_cluster {
        validate_cluster_affinity(target, &format!("{path}.targetCluster"), errors);
    }
}

/// Checks annotation keys; case does not matter there.
pub(super) fn validate_annotations(
    annotations: &BTreeMap<String, String>,
    field: &str,
    errors: &mut Vec<FieldError>,
) {
    for key in annotations.keys() {
        let messages = qualified_name(&key.to_lowercase()).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(field, key, message)));
    }
}

/// Checks label keys and values.
pub(super) fn validate_labels(labels: &BTreeMap<String, String>, field: &str, errors: &mut Vec<FieldError>) {
    for (key, value) in labels {
        errors
            .extend(qualified_name(key).into_iter().map(|message| FieldError::invalid(field, key, message)));
        errors
            .extend(label_value(value).into_iter().map(|message| FieldError::invalid(field, value, message)));
    }
}

fn validate_pointer(pointer: &str, field: &str, errors: &mut Vec<FieldError>) {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        let detail = "JSON pointer must be empty or start with a \"/\"\nJSON pointer error";
        errors.push(FieldError::invalid(field, pointer, detail));
    }
}

fn validate_field_overrider(overrider: &FieldOverrider, path: &str, errors: &mut Vec<FieldError>) {
    match (overrider.json.is_empty(), overrider.yaml.is_empty()) {
        (true, true) => {
            errors.push(FieldError::required(path, "FieldOverrider must have either JSON or YAML set"));
        }
        (false, false) => errors.push(FieldError::invalid_value(
            path,
            overrider,
            "FieldOverrider has both YAML and JSON set. Only one is allowed",
        )),
        _ => {}
    }
    validate_pointer(&overrider.field_path, &format!("{path}.fieldPath"), errors);
    for (name, operations) in [("json", &overrider.json), ("yaml", &overrider.yaml)] {
        for (index, operation) in operations.iter().enumerate() {
            validate_operation(operation, &format!("{path}.{name}[{index}]"), errors);
        }
    }
}

fn validate_operation(operation: &FieldPatchOperation, path: &str, errors: &mut Vec<FieldError>) {
    validate_pointer(&operation.sub_path, &format!("{path}.subPath"), errors);
    let detail = match operation.operator {
        OverriderOperator::Add | OverriderOperator::Replace if operation.value.is_null() => {
            "value is required for add or replace operation"
        }
        OverriderOperator::Remove if !operation.value.is_null() => {
            "value is not allowed for remove operation"
        }
        _ => return,
    };
    errors.push(FieldError::invalid_value(format!("{path}.value"), &operation.value, detail));
}

//! Validation of where pods want to be: affinity, spreading, tolerations.

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::checks::{check_qualified, require_choice};
use super::fields::{check_choice, has, items, text};
use super::selector;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Reports what is wrong with the affinity of a pod spec.
pub(super) fn validate_affinity(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(affinity) = spec.get("affinity") else { return };
    let path = format!("{path}.affinity");
    node_affinity(&affinity["nodeAffinity"], &format!("{path}.nodeAffinity"), errors);
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (terms, path) = (&affinity[kind], format!("{path}.{kind}"));
        for (index, term) in items(terms, REQUIRED).iter().enumerate() {
            pod_term(term, &format!("{path}.{REQUIRED}[{index}]"), errors);
        }
        for (index, term) in items(terms, PREFERRED).iter().enumerate() {
            let path = format!("{path}.{PREFERRED}[{index}]");
            weight(term, &path, errors);
            pod_term(&term["podAffinityTerm"], &format!("{path}.podAffinityTerm"), errors);
        }
    }
}

fn node_affinity(affinity: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(selector) = affinity.get(REQUIRED) {
        validate_node_selector(selector, &format!("{path}.{REQUIRED}"), errors);
    }
    for (index, term) in items(affinity, PREFERRED).iter().enumerate() {
        let path = format!("{path}.{PREFERRED}[{index}]");
        weight(term, &path, errors);
        node_term(&term["preference"], &format!("{path}.preference"), errors);
    }
}

/// Reports what is wrong with a choice of nodes.
pub(super) fn validate_node_selector(selector: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (terms, path) = (items(selector, "nodeSelectorTerms"), format!("{path}.nodeSelectorTerms"));
    if terms.is_empty() {
        errors.push(FieldError::required(&path, "must have at least one node selector term"));
    }
    for (index, term) in terms.iter().enumerate() {
        node_term(term, &format!("{path}[{index}]"), errors);
    }
}

fn node_term(term: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, requirement) in items(term, "matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let values = items(requirement, "values");
        operator(requirement, &path, errors);
        check_qualified(requirement, "key", &path, errors);
        for (index, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            let field = format!("{path}.values[{index}]");
            errors.extend(names::invalid_each(&field, value, names::label_value(value)));
        }
    }
    for (index, requirement) in items(term, "matchFields").iter().enumerate() {
        let path = format!("{path}.matchFields[{index}]");
        let values = items(requirement, "values");
        match text(requirement, "operator") {
            "In" | "NotIn" if values.len() != 1 => errors.push(FieldError::required(
                format!("{path}.values"),
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
            )),
            "In" | "NotIn" => {}
            _ => errors.push(FieldError::invalid(
                format!("{path}.operator"),
                &Value::from(text(requirement, "operator")),
                "not a valid selector operator",
            )),
        }
        if text(requirement, "key") == "metadata.name" {
            for (index, value) in values.iter().enumerate() {
                let value = value.as_str().unwrap_or_default();
                let field = format!("{path}.values[{index}]");
                errors.extend(names::invalid_each(&field, value, names::subdomain(value)));
            }
        } else {
            errors.push(FieldError::invalid(
                format!("{path}.key"),
                &Value::from(text(requirement, "key")),
                "not a valid field selector key",
            ));
        }
    }
}

fn operator(requirement: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let count = items(requirement, "values").len();
    let values = format!("{path}.values");
    match text(requirement, "operator") {
        "In" | "NotIn" if count == 0 => {
            errors.push(FieldError::required(values, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if count > 0 => errors.push(FieldError::forbidden(
            values,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "Gt" | "Lt" if count != 1 => errors.push(FieldError::required(
            values,
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.push(FieldError::invalid(
            format!("{path}.operator"),
            &Value::from(other),
            "not a valid selector operator",
        )),
    }
}

fn weight(term: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let weight = term["weight"].as_i64().unwrap_or_default();
    if !(1..=100).contains(&weight) {
        errors.push(FieldError::invalid(
            format!("{path}.weight"),
            &Value::from(weight),
            "must be in the range 1-100",
        ));
    }
}

fn pod_term(term: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for key in ["labelSelector", "namespaceSelector"] {
        selector::validate(term.get(key), &format!("{path}.{key}"), errors);
    }
    for namespace in items(term, "namespaces") {
        let namespace = namespace.as_str().unwrap_or_default();
        errors.extend(names::invalid_each(&format!("{path}.namespace"), namespace, names::label(namespace)));
    }
    if text(term, "topologyKey").is_empty() {
        errors.push(FieldError::required(format!("{path}.topologyKey"), "can not be empty"));
    }
    check_qualified(term, "topologyKey", path, errors);
}

/// Reports what is wrong with tolerations.
pub(super) fn validate_tolerations(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, toleration) in items(spec, "tolerations").iter().enumerate() {
        let path = format!("{path}.tolerations[{index}]");
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        let (value, effect) = (text(toleration, "value"), text(toleration, "effect"));
        if !key.is_empty() {
            check_qualified(toleration, "key", &path, errors);
        }
        let field = format!("{path}.operator");
        if key.is_empty() && operator != "Exists" {
            errors.push(FieldError::invalid(
                &field,
                &Value::from(operator),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            ));
        }
        if has(toleration, "tolerationSeconds") && effect != "NoExecute" {
            errors.push(FieldError::invalid(
                format!("{path}.effect"),
                &Value::from(effect),
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            ));
        }
        match operator {
            "" | "Equal" => errors.extend(names::invalid_each(&field, value, names::label_value(value))),
            "Exists" if !value.is_empty() => {
                let detail = "value must be empty when `operator` is 'Exists'";
                // The real server shows the whole toleration.
                errors.push(FieldError::invalid(&field, toleration, detail));
            }
            "Exists" => {}
            other => {
                errors.push(FieldError::not_supported(&field, &Value::from(other), &["Equal", "Exists"]));
            }
        }
        if !effect.is_empty() {
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            check_choice(toleration, "effect", &path, &effects, errors);
        }
    }
}

/// Reports what is wrong with the spreading of pods.
pub(super) fn validate_spreading(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let constraints = items(spec, "topologySpreadConstraints");
    for (index, constraint) in constraints.iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{index}]");
        let positive = |key: &str, value: i64, errors: &mut Vec<FieldError>| {
            if value <= 0 {
                let field = format!("{path}.{key}");
                errors.push(FieldError::invalid(field, &Value::from(value), "must be greater than zero"));
            }
        };
        positive("maxSkew", constraint["maxSkew"].as_i64().unwrap_or_default(), errors);
        if text(constraint, "topologyKey").is_empty() {
            errors.push(FieldError::required(format!("{path}.topologyKey"), "can not be empty"));
        }
        let action = text(constraint, "whenUnsatisfiable");
        require_choice(constraint, "whenUnsatisfiable", &path, &["DoNotSchedule", "ScheduleAnyway"], errors);
        let same = |other: &&Value| {
            text(other, "topologyKey") == text(constraint, "topologyKey")
                && text(other, "whenUnsatisfiable") == action
        };
        if constraints[..index].iter().find(same).is_some() {
            let pair = format!("{{{}, {action}}}", text(constraint, "topologyKey"));
            let field = format!("{path}.{{topologyKey, whenUnsatisfiable}}");
            errors.push(FieldError::duplicate(field, &Value::from(pair)));
        }
        if let Some(domains) = constraint["minDomains"].as_i64() {
            positive("minDomains", domains, errors);
            if action != "DoNotSchedule" {
                errors.push(FieldError::invalid(
                    format!("{path}.minDomains"),
                    &constraint["minDomains"],
                    format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"),
                ));
            }
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            check_choice(constraint, policy, &path, &["Honor", "Ignore"], errors);
        }
        label_keys(constraint, &path, errors);
        selector::validate(constraint.get("labelSelector"), &format!("{path}.labelSelector"), errors);
    }
}

fn label_keys(constraint: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let keys = items(constraint, "matchLabelKeys");
    if keys.is_empty() {
        return;
    }
    if !has(constraint, "labelSelector") {
        errors.push(FieldError::forbidden(
            format!("{path}.matchLabelKeys"),
            "must not be specified when labelSelector is not set",
        ));
        return;
    }
    for (index, key) in keys.iter().enumerate() {
        let key = key.as_str().unwrap_or_default();
        let field = format!("{path}.matchLabelKeys[{index}]");
        errors.extend(names::invalid_each(&field, key, names::qualified_name(key)));
        let selector = &constraint["labelSelector"];
        let named = selector["matchLabels"].get(key).is_some()
            || items(selector, "matchExpressions").iter().any(|expression| text(expression, "key") == key);
        if named {
            let detail = "exists in both matchLabelKeys and labelSelector";
            errors.push(FieldError::invalid(field, &Value::from(key), detail));
        }
    }
}

//! Label selectors: matching and validation.

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::fields::{has, items, text};

/// Whether a label selector matches labels. An absent selector matches nothing, an empty one everything.
pub(super) fn matches(selector: Option<&Value>, labels: Option<&Value>) -> bool {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else { return false };
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let equal = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    for (key, value) in equal {
        if label(key) != value.as_str() {
            return false;
        }
    }
    items(selector, "matchExpressions").iter().all(|expression| {
        let found = label(text(expression, "key"));
        let listed = |found: &str| items(expression, "values").iter().any(|value| value == found);
        match text(expression, "operator") {
            "In" => found.is_some_and(listed),
            "NotIn" => !found.is_some_and(listed),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        }
    })
}

/// Whether a selector selects by nothing.
pub(super) fn is_empty(selector: &Value) -> bool {
    let no_labels =
        selector.get("matchLabels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
    no_labels && items(selector, "matchExpressions").is_empty()
}

/// Reports what is wrong with a label selector.
pub(super) fn validate(selector: Option<&Value>, path: &str, errors: &mut Vec<FieldError>) {
    let Some(selector) = selector else { return };
    errors.extend(names::check_labels(selector.get("matchLabels"), &format!("{path}.matchLabels")));
    for (index, expression) in items(selector, "matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let (key, operator) = (text(expression, "key"), text(expression, "operator"));
        let values = items(expression, "values");
        match operator {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                format!("{path}.values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
                format!("{path}.values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.push(FieldError::invalid(
                format!("{path}.operator"),
                &Value::from(operator),
                "not a valid selector operator",
            )),
        }
        errors.extend(names::invalid_each(&format!("{path}.key"), key, names::qualified_name(key)));
        for (index, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            errors.extend(names::invalid_each(
                &format!("{path}.values[{index}]"),
                value,
                names::label_value(value),
            ));
        }
    }
}

/// Checks the selector of a workload and that it selects its own template.
pub(super) fn validate_workload(kind: &str, spec: &Value, errors: &mut Vec<FieldError>) {
    let selector = spec.get("selector").filter(|selector| !selector.is_null());
    let Some(selector) = selector else {
        // A daemon set without one selects nothing, so its template does not match.
        if kind != "DaemonSet" {
            errors.push(FieldError::required("spec.selector", ""));
        }
        check_template(spec, None, errors);
        return;
    };
    let known = errors.len();
    validate(Some(selector), "spec.selector", errors);
    let usable = errors.len() == known;
    if is_empty(selector) {
        // The real server names Deployments in ReplicaSets too.
        let owner = match kind {
            "DaemonSet" => "daemonset",
            "StatefulSet" => "statefulset",
            _ => "deployment",
        };
        let detail = format!("empty selector is invalid for {owner}");
        errors.push(FieldError::invalid("spec.selector", selector, detail));
    }
    if usable {
        check_template(spec, Some(selector), errors);
    } else if kind != "DaemonSet" {
        let detail = if kind == "StatefulSet" { "" } else { "invalid label selector" };
        errors.push(FieldError::invalid("spec.selector", selector, detail));
    } else {
        check_template(spec, None, errors);
    }
}

/// Reports a template whose labels the selector does not match.
pub(super) fn check_template(spec: &Value, selector: Option<&Value>, errors: &mut Vec<FieldError>) {
    let template = &spec["template"]["metadata"];
    let labels = template.get("labels");
    if !matches(selector, labels) {
        errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            labels.filter(|_| has(template, "labels")).unwrap_or(&Value::Null),
            "`selector` does not match template `labels`",
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn matches_labels_and_expressions() {
        let selector = json!({"matchLabels": {"a": "1"}, "matchExpressions": [
            {"key": "b", "operator": "In", "values": ["x", "y"]},
            {"key": "c", "operator": "DoesNotExist"},
        ]});
        assert!(matches(Some(&selector), Some(&json!({"a": "1", "b": "y"}))));
        assert!(!matches(Some(&selector), Some(&json!({"a": "1", "b": "z"}))));
        assert!(!matches(Some(&selector), Some(&json!({"a": "1", "b": "x", "c": ""}))));
        assert!(!matches(None, None));
        assert!(matches(Some(&json!({})), None));
    }
}

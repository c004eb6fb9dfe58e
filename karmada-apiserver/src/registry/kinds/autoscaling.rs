//! Horizontal pod autoscalers.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::super::quantity::Quantity;
use super::checks::require_choice;
use super::fields::{check_choice, check_required, child, default, has, items, text};

/// The annotation of version 1 that holds the metrics of version 2.
pub(crate) const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const DEFAULT_UTILIZATION: i64 = 80;
const METRIC_TYPES: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];

pub(super) fn apply_defaults(version: &str, object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "minReplicas", 1);
    if version == "v1" {
        // Metrics besides the CPU's are in an annotation; the CPU counts only when there are none.
        if object.pointer("/metadata/annotations").is_none_or(|annotations| !has(annotations, METRICS)) {
            default(&mut object["spec"], "targetCPUUtilizationPercentage", DEFAULT_UTILIZATION);
        }
        return;
    }
    if items(spec, "metrics").is_empty() {
        spec["metrics"] = json!([{
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": DEFAULT_UTILIZATION}}
        }]);
    }
    let Some(behavior) = spec.get_mut("behavior") else { return };
    if let Some(up) = child(behavior, "scaleUp") {
        default(up, "stabilizationWindowSeconds", 0);
        default(up, "selectPolicy", "Max");
        default(
            up,
            "policies",
            json!([
                {"type": "Pods", "value": 4, "periodSeconds": 15},
                {"type": "Percent", "value": 100, "periodSeconds": 15}
            ]),
        );
    }
    if let Some(down) = child(behavior, "scaleDown") {
        default(down, "selectPolicy", "Max");
        default(down, "policies", json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]));
    }
}

/// Returns what is wrong with an autoscaler.
pub(super) fn validate(version: &str, object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let (low, high) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64().unwrap_or_default());
    if low.is_some_and(|low| low < 1) {
        errors.push(FieldError::invalid(
            "spec.minReplicas",
            &spec["minReplicas"],
            "must be greater than or equal to 1",
        ));
    }
    if high == 0 {
        errors.push(FieldError::required("spec.maxReplicas", "must be set and greater than 0"));
    } else if high < 0 {
        let detail = "must be greater than or equal to 1";
        errors.push(FieldError::invalid("spec.maxReplicas", &Value::from(high), detail));
    }
    if low.is_some_and(|low| high < low) {
        errors.push(FieldError::invalid(
            "spec.maxReplicas",
            &Value::from(high),
            "must be greater than or equal to `minReplicas`",
        ));
    }
    target(&spec["scaleTargetRef"], &mut errors);
    if version == "v1" {
        if low == Some(0) {
            errors.push(FieldError::forbidden(
                "spec.metrics",
                "must specify at least one Object or External metric to support scaling to zero replicas",
            ));
        }
        if spec["targetCPUUtilizationPercentage"].as_i64().is_some_and(|target| target < 1) {
            // The real server checks the newer version, where this is a metric.
            errors.push(FieldError::invalid(
                "spec.metrics[0].resource.target.averageUtilization",
                &spec["targetCPUUtilizationPercentage"],
                "must be greater than 0",
            ));
        }
        return errors;
    }
    for (index, metric) in items(spec, "metrics").iter().enumerate() {
        metric_errors(metric, &format!("spec.metrics[{index}]"), &mut errors);
    }
    let outside = |metric: &Value| matches!(text(metric, "type"), "Object" | "External");
    if low == Some(0) && !items(spec, "metrics").iter().any(outside) {
        errors.push(FieldError::forbidden(
            "spec.metrics",
            "must specify at least one Object or External metric to support scaling to zero replicas",
        ));
    }
    for direction in ["scaleUp", "scaleDown"] {
        let rules = &spec["behavior"][direction];
        if rules.is_object() {
            behavior(rules, &format!("spec.behavior.{direction}"), &mut errors);
        }
    }
    errors
}

fn target(reference: &Value, errors: &mut Vec<FieldError>) {
    let path = "spec.scaleTargetRef";
    check_required(reference, "kind", path, "", errors);
    check_required(reference, "name", path, "", errors);
    let (version, kind) = (text(reference, "apiVersion"), text(reference, "kind"));
    if !version.contains('/') && kind != "ReplicationController" {
        errors.push(FieldError::invalid(
            format!("{path}.apiVersion"),
            &Value::from(version),
            "apiVersion must specify API group",
        ));
    }
}

fn metric_errors(metric: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let kind = text(metric, "type");
    let field = match kind {
        "ContainerResource" => "containerResource",
        "External" => "external",
        "Object" => "object",
        "Pods" => "pods",
        "Resource" => "resource",
        _ => {
            // The real server says it twice: of the type, and of the source that the type names.
            let field = format!("{path}.type");
            let error = FieldError::not_supported(&field, &Value::from(kind), METRIC_TYPES);
            if kind.is_empty() {
                errors.push(FieldError::required(field, "must specify a metric source type"));
            }
            errors.push(error.clone());
            errors.push(error);
            return;
        }
    };
    if !has(metric, field) {
        errors.push(FieldError::required(
            format!("{path}.{field}"),
            "must populate information for the given metric source",
        ));
        return;
    }
    source_errors(kind, &metric[field], &format!("{path}.{field}"), errors);
}

fn source_errors(kind: &str, source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let target = &source["target"];
    let path_of_target = format!("{path}.target");
    match kind {
        "ContainerResource" | "Resource" => {
            check_required(source, "name", path, "must specify a resource name", errors);
            if kind == "ContainerResource" {
                container_source(source, path, errors);
            }
        }
        _ => {
            let (metric, path) = (&source["metric"], format!("{path}.metric"));
            check_required(metric, "name", &path, "must specify a metric name", errors);
        }
    }
    if kind == "Object" {
        let (object, path) = (&source["describedObject"], format!("{path}.describedObject"));
        check_required(object, "kind", &path, "", errors);
        check_required(object, "name", &path, "", errors);
    }
    target_errors(target, &path_of_target, errors);
    let (value, average) = (has(target, "value"), has(target, "averageValue"));
    let utilization = has(target, "averageUtilization");
    let need = |field: &str, detail: &str| FieldError::required(format!("{path_of_target}.{field}"), detail);
    match kind {
        "Pods" if !average => {
            errors.push(need("averageValue", "must specify a positive target averageValue"));
        }
        "Object" if !value && !average => {
            errors.push(need("averageValue", "must set either a target value or averageValue"));
        }
        "External" if !value && !average => {
            errors
                .push(need("averageValue", "must set either a target value for metric or a per-pod target"));
        }
        "External" if value && average => errors.push(FieldError::forbidden(
            format!("{path_of_target}.value"),
            "may not set both a target value for metric and a per-pod target",
        )),
        "ContainerResource" | "Resource" if !utilization && !average => {
            errors.push(need(
                "averageUtilization",
                "must set either a target raw value or a target utilization",
            ));
        }
        "ContainerResource" | "Resource" if utilization && average => errors.push(FieldError::forbidden(
            format!("{path_of_target}.averageValue"),
            "may not set both a target raw value and a target utilization",
        )),
        _ => {}
    }
}

fn container_source(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (name, container) = (text(source, "name"), text(source, "container"));
    if !name.is_empty() {
        errors.extend(names::invalid_each(&format!("{path}.name"), name, names::qualified_name(name)));
        let standard =
            matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
        if !name.contains('/') && !standard {
            let detail = "must be a standard resource for containers";
            errors.push(FieldError::invalid(format!("{path}.name"), &Value::from(name), detail));
        }
    }
    if container.is_empty() {
        errors.push(FieldError::required(format!("{path}.container"), "must specify a container"));
    } else {
        errors.extend(names::invalid_each(&format!("{path}.container"), container, names::label(container)));
    }
}

fn target_errors(target: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let kind = text(target, "type");
    if kind.is_empty() {
        errors.push(FieldError::required(format!("{path}.type"), "must specify a metric target type"));
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(format!("{path}.type"), &Value::from(kind), detail));
    }
    for field in ["value", "averageValue"] {
        let amount = target[field].as_str().and_then(Quantity::parse);
        if amount.is_some_and(|amount| amount.is_zero() || amount.is_negative()) {
            errors.push(FieldError::invalid(format!("{path}.{field}"), &target[field], "must be positive"));
        }
    }
    if target["averageUtilization"].as_i64().is_some_and(|value| value < 1) {
        errors.push(FieldError::invalid(
            format!("{path}.averageUtilization"),
            &target["averageUtilization"],
            "must be greater than 0",
        ));
    }
}

fn behavior(rules: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let window = &rules["stabilizationWindowSeconds"];
    let field = format!("{path}.stabilizationWindowSeconds");
    match window.as_i64() {
        Some(seconds) if seconds < 0 => {
            errors.push(FieldError::invalid(field, window, "must be greater than or equal to zero"));
        }
        Some(seconds) if seconds > 3600 => {
            errors.push(FieldError::invalid(field, window, "must be less than or equal to 3600"));
        }
        _ => {}
    }
    check_choice(rules, "selectPolicy", path, &["Disabled", "Max", "Min"], errors);
    let policies = items(rules, "policies");
    if policies.is_empty() {
        errors.push(FieldError::required(format!("{path}.policies"), "must specify at least one Policy"));
    }
    for (index, policy) in policies.iter().enumerate() {
        let path = format!("{path}.policies[{index}]");
        require_choice(policy, "type", &path, &["Percent", "Pods"], errors);
        for key in ["value", "periodSeconds"] {
            let number = policy[key].as_i64().unwrap_or_default();
            let (field, value) = (format!("{path}.{key}"), Value::from(number));
            if number <= 0 {
                errors.push(FieldError::invalid(field, &value, "must be greater than zero"));
            } else if key == "periodSeconds" && number > 1800 {
                errors.push(FieldError::invalid(field, &value, "must be less than or equal to 1800"));
            }
        }
    }
}

//! Horizontal pod autoscalers.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::fields::{check_required, child, default, has, items, text};

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
    if high < 1 {
        errors.push(FieldError::required("spec.maxReplicas", "must be set and greater than 0"));
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
        if spec["targetCPUUtilizationPercentage"].as_i64().is_some_and(|target| target < 1) {
            errors.push(FieldError::invalid(
                "spec.targetCPUUtilizationPercentage",
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
        if rules.is_object() && items(rules, "policies").is_empty() {
            errors.push(FieldError::required(
                format!("spec.behavior.{direction}.policies"),
                "must specify at least one Policy",
            ));
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
            let error = FieldError::not_supported(format!("{path}.type"), &Value::from(kind), METRIC_TYPES);
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
    let target = &metric[field]["target"];
    if target["averageUtilization"].as_i64().is_some_and(|value| value < 1) {
        errors.push(FieldError::invalid(
            format!("{path}.{field}.target.averageUtilization"),
            &target["averageUtilization"],
            "must be greater than 0",
        ));
    }
}

//! The cells of horizontal pod autoscalers.

use serde_json::Value;

use super::cells::{items, number, text};

/// How many metrics are printed before the rest is only counted.
const SHOWN: usize = 2;

pub(super) fn cell(column: &str, scaler: &Value) -> Option<Value> {
    let (spec, status) = (&scaler["spec"], &scaler["status"]);
    Some(match column {
        "Reference" => {
            format!("{}/{}", text(&spec["scaleTargetRef"], "kind"), text(&spec["scaleTargetRef"], "name"))
                .into()
        }
        "Targets" => targets(spec, status).into(),
        "MinPods" => {
            spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |low| low.to_string()).into()
        }
        "MaxPods" => number(spec, "maxReplicas").into(),
        "Replicas" => number(status, "currentReplicas").into(),
        _ => return None,
    })
}

fn targets(spec: &Value, status: &Value) -> String {
    // The first version has one target and a field for it.
    if let Some(target) = spec["targetCPUUtilizationPercentage"].as_i64() {
        let current = status["currentCPUUtilizationPercentage"].as_i64();
        return format!("cpu: {}/{target}%", percent(current));
    }
    let metrics = items(spec, "metrics");
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let current = items(status, "currentMetrics");
    let printed: Vec<String> = metrics
        .iter()
        .take(SHOWN)
        .enumerate()
        .map(|(index, metric)| target(metric, current.get(index)))
        .collect();
    let joined = printed.join(", ");
    if metrics.len() > SHOWN { format!("{joined} + {} more...", metrics.len() - SHOWN) } else { joined }
}

fn target(metric: &Value, current: Option<&Value>) -> String {
    let (field, named) = match text(metric, "type") {
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        "External" => ("external", false),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        _ => return "<unknown type>".to_owned(),
    };
    let source = &metric[field];
    let wanted = &source["target"];
    let now = current.map_or(&Value::Null, |current| &current[field]["current"]);
    let amount = |key: &str| now[key].as_str().unwrap_or("<unknown>").to_owned();
    let name = if named { format!("{}: ", text(source, "name")) } else { String::new() };
    if let Some(average) = wanted["averageValue"].as_str() {
        let suffix = if matches!(field, "external" | "object") { " (avg)" } else { "" };
        return format!("{name}{}/{average}{suffix}", amount("averageValue"));
    }
    if let Some(value) = wanted["value"].as_str() {
        return format!("{name}{}/{value}", amount("value"));
    }
    let target = wanted["averageUtilization"].as_i64();
    let target = target.map_or_else(|| "<auto>".to_owned(), |target| format!("{target}%"));
    format!("{name}{}/{target}", percent(now["averageUtilization"].as_i64()))
}

fn percent(value: Option<i64>) -> String {
    value.map_or_else(|| "<unknown>".to_owned(), |value| format!("{value}%"))
}

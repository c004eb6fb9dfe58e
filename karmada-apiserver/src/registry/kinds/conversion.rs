//! Kinds that are served in several versions, or groups, from one storage.

use serde_json::{Map, Value, json};

use super::super::resource::Resource;
use super::fields::{has, items, remove, text};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";

/// Brings an object to the version of a resource. One that is there already stays as it is.
pub(in super::super) fn convert(target: &Resource, object: &mut Value) {
    let wanted = target.api_version();
    let found = text(object, "apiVersion").to_owned();
    if found == wanted {
        return;
    }
    match (target.kind.as_str(), found.as_str(), wanted.as_str()) {
        ("HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1") => scaler_to_v1(object),
        ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2") => scaler_to_v2(object),
        ("Event", "v1", "events.k8s.io/v1") => rename(object, EVENT_FIELDS, Direction::Forth),
        ("Event", "events.k8s.io/v1", "v1") => rename(object, EVENT_FIELDS, Direction::Back),
        _ => {}
    }
    if let Some(map) = object.as_object_mut() {
        map.insert("apiVersion".to_owned(), wanted.into());
    }
}

/// Names of a field in the core group and in `events.k8s.io`.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forth,
    Back,
}

fn rename(object: &mut Value, fields: &[(&str, &str)], direction: Direction) {
    let Some(map) = object.as_object_mut() else { return };
    for (core, events) in fields {
        let (from, to) = if direction == Direction::Forth { (core, events) } else { (events, core) };
        if let Some(value) = map.remove(*from) {
            map.insert((*to).to_owned(), value);
        }
    }
}

/// The average CPU target is a field of its own in v1; everything else goes into annotations.
fn scaler_to_v1(object: &mut Value) {
    let spec = &mut object["spec"];
    let is_cpu = |metric: &Value| {
        text(metric, "type") == "Resource"
            && metric["resource"]["name"] == "cpu"
            && has(&metric["resource"]["target"], "averageUtilization")
    };
    let metrics = items(spec, "metrics").to_vec();
    if let Some(cpu) = metrics.iter().find(|metric| is_cpu(metric)) {
        spec["targetCPUUtilizationPercentage"] = cpu["resource"]["target"]["averageUtilization"].clone();
    }
    let mut cpu_taken = false;
    let others: Vec<Value> = metrics
        .into_iter()
        .filter(|metric| {
            let first_cpu = is_cpu(metric) && !cpu_taken;
            cpu_taken |= first_cpu;
            !first_cpu
        })
        .map(|metric| metric_to_v1(&metric))
        .collect();
    let behavior = spec.get("behavior").cloned();
    remove(spec, "metrics");
    remove(spec, "behavior");
    let status = &mut object["status"];
    let current = items(status, "currentMetrics").to_vec();
    let utilization = current.iter().find(|metric| metric["resource"]["name"] == "cpu");
    if let Some(percent) =
        utilization.map(|metric| metric["resource"]["current"]["averageUtilization"].clone())
        && !percent.is_null()
    {
        status["currentCPUUtilizationPercentage"] = percent;
    }
    let conditions = status.get("conditions").cloned();
    remove(status, "currentMetrics");
    remove(status, "conditions");
    super::fields::default(status, "currentReplicas", 0);
    let mut annotations = Map::new();
    if !others.is_empty() {
        annotations.insert(METRICS.to_owned(), Value::from(others).to_string().into());
    }
    if let Some(behavior) = behavior {
        annotations.insert(BEHAVIOR.to_owned(), behavior_to_v1(&behavior).to_string().into());
    }
    if let Some(conditions) = conditions.filter(|list| list.as_array().is_some_and(|list| !list.is_empty())) {
        annotations.insert(CONDITIONS.to_owned(), conditions.to_string().into());
    }
    if current.iter().any(|metric| metric["resource"]["name"] != "cpu") {
        let list: Vec<Value> = current.iter().map(metric_to_v1).collect();
        annotations.insert(CURRENT_METRICS.to_owned(), Value::from(list).to_string().into());
    }
    if annotations.is_empty() {
        return;
    }
    let target =
        super::super::metadata::metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
    if let Some(target) = target.as_object_mut() {
        target.extend(annotations);
    }
}

fn scaler_to_v2(object: &mut Value) {
    let taken = |object: &mut Value, key: &str| {
        let annotations = object["metadata"].get_mut("annotations")?.as_object_mut()?;
        let text = annotations.remove(key)?;
        if annotations.is_empty() {
            remove(&mut object["metadata"], "annotations");
        }
        serde_json::from_str::<Value>(text.as_str()?).ok()
    };
    let metrics = taken(object, METRICS);
    let behavior = taken(object, BEHAVIOR);
    let conditions = taken(object, CONDITIONS);
    let current = taken(object, CURRENT_METRICS);
    let spec = &mut object["spec"];
    let mut list: Vec<Value> = Vec::new();
    if let Some(percent) = spec.get("targetCPUUtilizationPercentage").cloned() {
        list.push(json!({"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}));
        remove(spec, "targetCPUUtilizationPercentage");
    }
    list.extend(metrics.as_ref().and_then(Value::as_array).into_iter().flatten().map(metric_to_v2));
    if list.is_empty() {
        list.push(json!({"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}));
    }
    spec["metrics"] = Value::from(list);
    if let Some(behavior) = behavior {
        spec["behavior"] = behavior_to_v2(&behavior);
    }
    let Some(status) = super::fields::child(object, "status") else { return };
    if let Some(percent) = status.get("currentCPUUtilizationPercentage").cloned() {
        status["currentMetrics"] = json!([{"type": "Resource", "resource": {
            "name": "cpu", "current": {"averageUtilization": percent}}}]);
        remove(status, "currentCPUUtilizationPercentage");
    }
    if let Some(current) = current {
        let list: Vec<Value> = current.as_array().into_iter().flatten().map(metric_to_v2).collect();
        status["currentMetrics"] = Value::from(list);
    }
    if let Some(conditions) = conditions {
        status["conditions"] = conditions;
    }
    super::fields::default(status, "currentMetrics", Value::Null);
    if status["currentReplicas"] == json!(0) {
        remove(status, "currentReplicas");
    }
}

/// The annotation keeps metrics in the flat shape of v2beta1.
fn metric_to_v1(metric: &Value) -> Value {
    let kind = text(metric, "type");
    let Some(name) = source_field(kind) else { return metric.clone() };
    let source = &metric[name];
    let mut flat = Map::new();
    let amounts = if has(source, "target") { &source["target"] } else { &source["current"] };
    let current = has(source, "current");
    let set = |flat: &mut Map<String, Value>, key: &str, value: &Value| {
        if !value.is_null() {
            flat.insert(key.to_owned(), value.clone());
        }
    };
    match kind {
        "Resource" | "ContainerResource" => {
            set(&mut flat, "name", &source["name"]);
            set(&mut flat, "container", &source["container"]);
            let prefix = if current { "current" } else { "target" };
            set(&mut flat, &format!("{prefix}AverageUtilization"), &amounts["averageUtilization"]);
            set(&mut flat, &format!("{prefix}AverageValue"), &amounts["averageValue"]);
        }
        "Pods" => {
            set(&mut flat, "metricName", &source["metric"]["name"]);
            set(&mut flat, "selector", &source["metric"]["selector"]);
            let key = if current { "currentAverageValue" } else { "targetAverageValue" };
            set(&mut flat, key, &amounts["averageValue"]);
        }
        "Object" => {
            set(&mut flat, "target", &source["describedObject"]);
            set(&mut flat, "metricName", &source["metric"]["name"]);
            set(&mut flat, "selector", &source["metric"]["selector"]);
            set(&mut flat, if current { "currentValue" } else { "targetValue" }, &amounts["value"]);
            set(&mut flat, "averageValue", &amounts["averageValue"]);
        }
        _ => {
            set(&mut flat, "metricName", &source["metric"]["name"]);
            set(&mut flat, "metricSelector", &source["metric"]["selector"]);
            let prefix = if current { "current" } else { "target" };
            set(&mut flat, &format!("{prefix}Value"), &amounts["value"]);
            set(&mut flat, &format!("{prefix}AverageValue"), &amounts["averageValue"]);
        }
    }
    json!({"type": kind, name: flat})
}

fn metric_to_v2(metric: &Value) -> Value {
    let kind = text(metric, "type");
    let Some(name) = source_field(kind) else { return metric.clone() };
    let flat = &metric[name];
    let first = |keys: &[&str]| keys.iter().map(|key| flat[*key].clone()).find(|value| !value.is_null());
    let current = flat.as_object().is_some_and(|map| map.keys().any(|key| key.starts_with("current")));
    let mut amounts = Map::new();
    let mut set = |key: &str, kind: &str, value: Option<Value>| {
        if let Some(value) = value {
            if !current {
                amounts.insert("type".to_owned(), kind.into());
            }
            amounts.insert(key.to_owned(), value);
        }
    };
    set("value", "Value", first(&["targetValue", "currentValue"]));
    set(
        "averageValue",
        "AverageValue",
        first(&["targetAverageValue", "currentAverageValue", "averageValue"]),
    );
    let utilization = first(&["targetAverageUtilization", "currentAverageUtilization"]);
    set("averageUtilization", "Utilization", utilization);
    let mut source = Map::new();
    source.insert(if current { "current" } else { "target" }.to_owned(), amounts.into());
    if let Some(found) = first(&["name"]) {
        source.insert("name".to_owned(), found);
    }
    if let Some(found) = first(&["container"]) {
        source.insert("container".to_owned(), found);
    }
    if let Some(found) = first(&["metricName"]) {
        let mut named = json!({"name": found});
        if let Some(selector) = first(&["selector", "metricSelector"]) {
            named["selector"] = selector;
        }
        source.insert("metric".to_owned(), named);
    }
    if kind == "Object" && has(flat, "target") {
        source.insert("describedObject".to_owned(), flat["target"].clone());
    }
    json!({"type": kind, name: source})
}

fn behavior_to_v1(behavior: &Value) -> Value {
    capitals(behavior, Direction::Forth)
}

fn behavior_to_v2(behavior: &Value) -> Value {
    capitals(behavior, Direction::Back)
}

/// The annotation is the internal form, whose fields start with a capital letter.
fn capitals(value: &Value, direction: Direction) -> Value {
    match value {
        Value::Object(map) => {
            let renamed = map.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
                let mut letters = key.chars();
                let first = letters.next().map(|c| match direction {
                    Direction::Forth => c.to_ascii_uppercase(),
                    Direction::Back => c.to_ascii_lowercase(),
                });
                (first.into_iter().chain(letters).collect::<String>(), capitals(value, direction))
            });
            Value::Object(renamed.collect())
        }
        Value::Array(items) => items.iter().map(|item| capitals(item, direction)).collect(),
        other => other.clone(),
    }
}

fn source_field(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::Registry;
    use super::*;

    fn converted(group: &str, version: &str, plural: &str, mut object: Value) -> Value {
        convert(&Registry::built_in().resource(group, version, plural).unwrap(), &mut object);
        object
    }

    #[test]
    fn an_autoscaler_survives_the_way_to_v1_and_back() {
        let original = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {},
            "spec": {"maxReplicas": 3, "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
                {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
            ], "behavior": {"scaleDown": {"selectPolicy": "Max"}}},
            "status": {"desiredReplicas": 0, "currentMetrics": null}});
        let first = converted("autoscaling", "v1", "horizontalpodautoscalers", original.clone());
        assert_eq!(first["spec"]["targetCPUUtilizationPercentage"], 80);
        assert!(first["metadata"]["annotations"][METRICS].as_str().unwrap().contains("rps"));
        let mut back = converted("autoscaling", "v2", "horizontalpodautoscalers", first);
        remove(&mut back["metadata"], "annotations");
        assert_eq!(back, original);
    }

    #[test]
    fn an_event_has_other_field_names_in_its_own_group() {
        let event =
            json!({"apiVersion": "v1", "kind": "Event", "message": "m", "involvedObject": {"name": "p"}});
        let other = converted("events.k8s.io", "v1", "events", event.clone());
        assert_eq!(other["note"], "m");
        assert_eq!(converted("", "v1", "events", other), event);
    }
}

//! One object in the words of another version of its resource.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::admission::webhook;
use crate::registry::{AUTOSCALER_METRICS as METRICS, Resource, prepare};
use crate::server::Inner;
use crate::store::Stored;

/// Says whether the stored bytes are the answer for this version of the resource.
pub(super) fn is_same_version(stored: &Stored, resource: &Resource) -> bool {
    has_same_version(stored, resource) && !resource.defaults_on_read
}

fn has_same_version(stored: &Stored, resource: &Resource) -> bool {
    stored.kind() == resource.kind && resource.has_api_version(stored.api_version())
}

/// Returns stored objects in the version of a resource, by its conversion webhook where it has one.
///
/// # Errors
/// When the webhook fails.
pub(crate) async fn localized(
    server: &Inner,
    resource: &Arc<Resource>,
    items: Vec<Arc<Stored>>,
) -> Result<Vec<Arc<Stored>>, Failure> {
    let is_foreign = |stored: &Arc<Stored>| !has_same_version(stored, resource);
    if resource.conversion.is_none() || !items.iter().any(is_foreign) {
        return Ok(items);
    }
    let objects: Vec<Value> =
        items.iter().filter(|item| is_foreign(item)).map(|item| without_revision(item)).collect();
    let mut converted =
        Box::pin(webhook::convert(server, resource, &resource.api_version(), objects)).await?.into_iter();
    let translate = |item: Arc<Stored>| {
        if !is_foreign(&item) {
            return item;
        }
        let Some(mut object) = converted.next() else { return item };
        prepare::default_on_read(resource, &mut object);
        Arc::new(item.with_content(&object))
    };
    Ok(items.into_iter().map(translate).collect())
}

/// Returns an object as it is on the disk.
fn without_revision(stored: &Stored) -> Value {
    let mut object = stored.value();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    object
}

/// Returns an object of another version of a resource in this one.
pub(crate) fn to_version(mut object: Value, resource: &Resource) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    if api_version == resource.api_version() {
        return object;
    }
    rename_fields(&mut object, &api_version, resource);
    object
}

/// Returns a stored object as this version of its resource shows it.
pub(crate) fn read(stored: &Stored, resource: &Resource) -> Value {
    let mut object = stored.value();
    if has_same_version(stored, resource) {
        if resource.defaults_on_read {
            prepare::default_on_read(resource, &mut object);
        }
        return object;
    }
    rename_fields(&mut object, stored.api_version(), resource);
    prepare::default_on_read(resource, &mut object);
    object
}

fn rename_fields(object: &mut Value, api_version: &str, resource: &Resource) {
    match (api_version, resource.api_version().as_str()) {
        ("autoscaling/v2", "autoscaling/v1") => autoscaler_to_v1(object),
        ("autoscaling/v1", "autoscaling/v2") => autoscaler_to_v2(object),
        ("v1", "events.k8s.io/v1") => rename(object, &EVENT_FIELDS, Direction::ToNew),
        ("events.k8s.io/v1", "v1") => rename(object, &EVENT_FIELDS, Direction::ToOld),
        // Versions of custom resources differ in name only, as far as no webhook converts them.
        _ => {}
    }
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind.clone().into();
}

/// Fields of events: in the core group, in their own group.
const EVENT_FIELDS: [(&str, &str); 8] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToNew,
    ToOld,
}

fn rename(object: &mut Value, names: &[(&str, &str)], direction: Direction) {
    let Some(map) = object.as_object_mut() else { return };
    for (old, new) in names {
        let (from, to) = if direction == Direction::ToNew { (old, new) } else { (new, old) };
        let Some(value) = map.remove(*from) else { continue };
        // The core group writes texts that are not set, the other leaves them out.
        let empty = value.is_null() || value == "" || value == json!({});
        if !(direction == Direction::ToNew && empty && *old != "firstTimestamp" && *old != "lastTimestamp") {
            map.insert((*to).to_owned(), value);
        }
    }
    if direction == Direction::ToOld {
        for text in ["reportingComponent", "reportingInstance"] {
            map.entry(text).or_insert_with(|| "".into());
        }
        for time in ["firstTimestamp", "lastTimestamp"] {
            map.entry(time).or_insert(Value::Null);
        }
        map.entry("source").or_insert_with(|| json!({}));
    } else {
        for time in ["deprecatedFirstTimestamp", "deprecatedLastTimestamp"] {
            map.entry(time).or_insert(Value::Null);
        }
        map.entry("deprecatedSource").or_insert_with(|| json!({}));
    }
}

/// A version 1 autoscaler knows the CPU's utilization; other metrics travel as an annotation.
fn autoscaler_to_v1(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let metrics = match spec.remove("metrics") {
        Some(Value::Array(metrics)) => metrics,
        _ => Vec::new(),
    };
    spec.remove("behavior");
    let mut others = Vec::new();
    for metric in metrics {
        let cpu = metric.pointer("/resource/name") == Some(&json!("cpu"));
        let utilization = metric.pointer("/resource/target/averageUtilization");
        match utilization {
            Some(utilization) if cpu && !spec.contains_key("targetCPUUtilizationPercentage") => {
                spec.insert("targetCPUUtilizationPercentage".to_owned(), utilization.clone());
            }
            _ => others.push(metric),
        }
    }
    if !others.is_empty() {
        object["metadata"]["annotations"][METRICS] = Value::from(others).to_string().into();
    }
    let old = object.get("status").cloned().unwrap_or_else(|| json!({}));
    let mut status = Map::new();
    for key in ["observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"] {
        if let Some(value) = old.get(key) {
            status.insert(key.to_owned(), value.clone());
        }
    }
    status.entry("currentReplicas").or_insert(json!(0));
    status.entry("desiredReplicas").or_insert(json!(0));
    let current =
        old.get("currentMetrics").and_then(Value::as_array).into_iter().flatten().find_map(|metric| {
            let cpu = metric.pointer("/resource/name") == Some(&json!("cpu"));
            metric.pointer("/resource/current/averageUtilization").filter(|_| cpu)
        });
    if let Some(current) = current {
        status.insert("currentCPUUtilizationPercentage".to_owned(), current.clone());
    }
    object["status"] = Value::Object(status);
}

fn autoscaler_to_v2(object: &mut Value) {
    let annotated = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
        .and_then(|annotations| annotations.remove(METRICS));
    let mut metrics = Vec::new();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        if let Some(utilization) = spec.remove("targetCPUUtilizationPercentage") {
            metrics.push(json!({"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": utilization}}}));
        }
        let others =
            annotated.as_ref().and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        if let Some(Value::Array(others)) = others {
            metrics.extend(others);
        }
        spec.insert("metrics".to_owned(), metrics.into());
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        let current = status.remove("currentCPUUtilizationPercentage").map(|utilization| {
            json!([{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": utilization}}}])
        });
        status.insert("currentMetrics".to_owned(), current.unwrap_or(Value::Null));
        // Version 2 leaves out what is zero and optional there.
        if status.get("currentReplicas") == Some(&json!(0)) {
            status.remove("currentReplicas");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autoscalers_go_there_and_back() {
        let v2 = json!({"metadata": {"name": "a"}, "spec": {"maxReplicas": 5, "metrics": [{"type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]},
            "status": {"desiredReplicas": 0, "currentMetrics": null}});
        let mut object = v2.clone();
        autoscaler_to_v1(&mut object);
        assert_eq!(object["spec"], json!({"maxReplicas": 5, "targetCPUUtilizationPercentage": 80}));
        autoscaler_to_v2(&mut object);
        assert_eq!(object["spec"], v2["spec"]);
    }

    #[test]
    fn events_have_other_names_in_their_own_group() {
        let mut event =
            json!({"involvedObject": {"name": "p"}, "message": "m", "count": 3, "reportingComponent": ""});
        rename(&mut event, &EVENT_FIELDS, Direction::ToNew);
        assert_eq!((&event["regarding"]["name"], &event["note"]), (&json!("p"), &json!("m")));
        rename(&mut event, &EVENT_FIELDS, Direction::ToOld);
        assert_eq!(
            (&event["involvedObject"]["name"], &event["reportingComponent"]),
            (&json!("p"), &json!(""))
        );
    }
}

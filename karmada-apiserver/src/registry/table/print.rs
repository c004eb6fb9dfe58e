//! Objects as a server-side `Table`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::kinds::TEMPLATE_GENERATION;
use super::super::resource::{Column, Resource};
use super::json_path::JsonPath;
use super::{cells, pod};

/// What a row carries of its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    #[default]
    Metadata,
    Object,
    None,
}

/// Prints objects as a `meta.k8s.io/v1` Table.
///
/// `list_meta` is the list's metadata; without it the one object's resource version is used.
pub fn table(
    resource: &Resource,
    objects: &[&Value],
    include: IncludeObject,
    list_meta: Option<&Value>,
    now: Timestamp,
) -> Value {
    let paths: Vec<Option<JsonPath>> =
        resource.columns.iter().map(|column| column.json_path.as_deref().and_then(JsonPath::parse)).collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut row = json!({
                "cells": cells::row(resource, &paths, object, now),
                "object": carried(resource, object, include),
            });
            if let Some(conditions) = pod::row_conditions(resource, object) {
                row["conditions"] = conditions;
            }
            row
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": table_metadata(objects, list_meta),
        "columnDefinitions": column_definitions(resource),
        "rows": rows,
    })
}

fn column_definitions(resource: &Resource) -> Vec<Value> {
    let definition = |column: &Column| {
        json!({
            "name": column.name,
            "type": column.column_type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        })
    };
    resource.columns.iter().map(definition).collect()
}

fn table_metadata(objects: &[&Value], list_meta: Option<&Value>) -> Value {
    let source = match list_meta {
        Some(meta) => meta,
        None => objects.first().map_or(&Value::Null, |object| &object["metadata"]),
    };
    let mut metadata = Map::new();
    for field in ["resourceVersion", "continue", "remainingItemCount"] {
        if let Some(value) = source.get(field).filter(|value| !value.is_null() && **value != "") {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(metadata)
}

fn carried(resource: &Resource, object: &Value, include: IncludeObject) -> Value {
    match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": held_metadata(resource, object),
        }),
    }
}

/// Returns the metadata of a row or of a partial object: as the real server holds it, not as it prints it.
pub(crate) fn held_metadata(resource: &Resource, object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    if !resource.is_custom()
        && resource.kind == "DaemonSet"
        && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
    {
        // The count of templates is a field there.
        annotations.remove(TEMPLATE_GENERATION);
        if annotations.is_empty() {
            metadata.as_object_mut().map(|metadata| metadata.remove("annotations"));
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::super::super::Registry;
    use super::*;

    fn cells(group: &str, plural: &str, object: &Value) -> Vec<Value> {
        let version = if group == "autoscaling" { "v2" } else { "v1" };
        let resource = Registry::built_in().resource(group, version, plural).unwrap();
        let table = table(&resource, &[object], IncludeObject::None, None, Timestamp::UNIX_EPOCH);
        assert_eq!(table["rows"][0]["cells"].as_array().unwrap().len(), resource.columns.len(), "{plural}");
        table["rows"][0]["cells"].as_array().unwrap().clone()
    }

    #[test]
    fn prints_a_cell_for_each_column_of_every_kind() {
        for resource in Registry::built_in().resources() {
            let object = json!({"metadata": {"name": "x"}, "kind": resource.kind});
            let table = table(resource, &[&object], IncludeObject::Object, None, Timestamp::UNIX_EPOCH);
            let cells = table["rows"][0]["cells"].as_array().unwrap();
            assert_eq!(cells.len(), resource.columns.len(), "{}", resource.plural);
        }
    }

    #[test]
    fn prints_a_deployment() {
        let object = json!({"metadata": {"name": "web"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"name": "c1", "image": "a"}, {"name": "c2", "image": "b"}]}}},
            "status": {"readyReplicas": 1, "updatedReplicas": 2}});
        assert_eq!(
            Value::from(cells("apps", "deployments", &object)),
            json!(["web", "1/3", 2, 0, "<unknown>", "c1,c2", "a,b", "app=web"])
        );
    }

    #[test]
    fn prints_a_service_with_a_node_port() {
        let object = json!({"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9",
            "clusterIPs": ["10.96.0.9"], "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]}, "status": {}});
        assert_eq!(
            Value::from(cells("", "services", &object)),
            json!(["web", "LoadBalancer", "10.96.0.9", "<pending>", "80:30080/TCP", "<unknown>", "<none>"])
        );
    }
}

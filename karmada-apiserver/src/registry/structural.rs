//! Custom objects against their structural schema: pruning and defaulting.

use serde_json::{Map, Value};

use super::body::Problem;
use super::schema::{Schema, SchemaType};
use super::typed;

/// Removes the fields that the schema does not know, and returns them.
pub fn prune(schema: &Schema, object: &mut Value) -> Vec<Problem> {
    let mut unknown = Vec::new();
    prune_node(schema, object, "", &mut unknown);
    unknown
}

/// Removes what the metadata of embedded resources does not know, and returns it.
pub fn prune_embedded(schema: &Schema, object: &mut Value) -> Vec<Problem> {
    let mut unknown = Vec::new();
    embedded_node(schema, object, "", &mut unknown);
    unknown
}

/// Fills in defaults, and removes nulls where the schema allows none.
pub fn apply_defaults(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, node) in &schema.properties {
                let Some(default) = &node.default else {
                    if map.get(key).is_some_and(Value::is_null) && forbids_null(node) {
                        map.remove(key);
                    }
                    continue;
                };
                let replace = match map.get(key) {
                    None => true,
                    Some(value) => value.is_null() && !node.nullable,
                };
                if replace {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, child) in map.iter_mut() {
                if let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) {
                    if child.is_null()
                        && !node.nullable
                        && let Some(default) = &node.default
                    {
                        *child = default.clone();
                    }
                    apply_defaults(node, child);
                }
            }
            // Map values that may not be null go as fields do.
            if let Some(node) = &schema.additional
                && forbids_null(node)
            {
                map.retain(|key, child| schema.properties.contains_key(key) || !child.is_null());
            }
        }
        Value::Array(items) => {
            if let Some(node) = &schema.items {
                for item in items {
                    if item.is_null()
                        && !node.nullable
                        && let Some(default) = &node.default
                    {
                        *item = default.clone();
                    }
                    apply_defaults(node, item);
                }
            }
        }
        _ => {}
    }
}

fn embedded_node(schema: &Schema, value: &mut Value, path: &str, unknown: &mut Vec<Problem>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                let child_path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) else { continue };
                if schema.embedded_resource && key == "metadata" {
                    let findings = typed::decode("ObjectMeta", node, child);
                    unknown.extend(findings.unknown.into_iter().map(|problem| {
                        let path = format!("{child_path}.{}", problem.path);
                        Problem { text: format!("unknown field \"{path}\""), path }
                    }));
                } else {
                    embedded_node(node, child, &child_path, unknown);
                }
            }
        }
        Value::Array(items) => {
            if let Some(node) = &schema.items {
                for (index, item) in items.iter_mut().enumerate() {
                    embedded_node(node, item, &format!("{path}[{index}]"), unknown);
                }
            }
        }
        _ => {}
    }
}

/// Returns the paths of nulls that are not allowed and that no default replaces.
pub(super) fn forbidden_nulls(schema: &Schema, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    find_nulls(schema, value, "", &mut found);
    found
}

fn find_nulls(schema: &Schema, value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null if !path.is_empty() && forbids_null(schema) && schema.default.is_none() => {
            found.push(path.to_owned());
        }
        Value::Object(map) => {
            for (key, child) in map.iter().filter(|(key, _)| !path.is_empty() || *key != "metadata") {
                let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) else { continue };
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                find_nulls(node, child, &path, found);
            }
        }
        Value::Array(items) => {
            let Some(node) = &schema.items else { return };
            for (index, item) in items.iter().enumerate() {
                find_nulls(node, item, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn forbids_null(node: &Schema) -> bool {
    // Metadata comes from the typed definitions, where null means absent.
    let is_open = node.preserve_unknown && node.schema_type == SchemaType::Any;
    !node.nullable && !is_open
}

fn prune_node(schema: &Schema, value: &mut Value, path: &str, unknown: &mut Vec<Problem>) {
    match value {
        Value::Object(map) => prune_map(schema, map, path, unknown),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let child_path = format!("{path}[{index}]");
                match &schema.items {
                    Some(node) => prune_node(node, item, &child_path, unknown),
                    None if schema.preserve_unknown => {}
                    None => prune_node(&Schema::default(), item, &child_path, unknown),
                }
            }
        }
        _ => {}
    }
}

fn prune_map(schema: &Schema, map: &mut Map<String, Value>, path: &str, unknown: &mut Vec<Problem>) {
    let mut removed = Vec::new();
    for (key, child) in map.iter_mut() {
        let child_path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match schema.properties.get(key).or(schema.additional.as_ref()) {
            // Metadata has its own reader.
            Some(_) if key == "metadata" && (path.is_empty() || schema.embedded_resource) => {}
            Some(node) => prune_node(node, child, &child_path, unknown),
            None if schema.preserve_unknown => {}
            None => {
                unknown.push(Problem { text: format!("unknown field \"{child_path}\""), path: child_path });
                removed.push(key.clone());
            }
        }
    }
    for key in removed {
        map.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::crd::compile_schema;
    use super::super::validate::validate;
    use super::*;

    fn schema() -> Schema {
        compile_schema(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "a": {"type": "string", "maxLength": 3},
            "n": {"type": "integer", "default": 7, "minimum": 1},
            "nullable": {"type": "string", "nullable": true},
            "o": {"type": "object", "default": {}, "properties": {"x": {"type": "string", "default": "y"}}},
            "l": {"type": "array", "items": {"type": "object", "properties": {
                "y": {"type": "string"}, "d": {"type": "integer", "default": 1}}}},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"b": {"type": "boolean"}}},
        }}}}))
    }

    #[test]
    fn prunes_in_the_order_of_paths() {
        let mut object =
            json!({"spec": {"a": "1", "unknown": 1, "o": {"x": "1", "bad": 2}, "l": [{"y": "1", "z": 2}]}});
        let unknown: Vec<String> =
            prune(&schema(), &mut object).into_iter().map(|problem| problem.path).collect();
        assert_eq!(unknown, ["spec.l[0].z", "spec.o.bad", "spec.unknown"]);
        assert_eq!(object, json!({"spec": {"a": "1", "o": {"x": "1"}, "l": [{"y": "1"}]}}));
    }

    #[test]
    fn fills_defaults_inside_defaults_and_replaces_forbidden_nulls() {
        let mut object = json!({"spec": {"n": null, "nullable": null, "a": null, "l": [{}]}});
        apply_defaults(&schema(), &mut object);
        assert_eq!(object, json!({"spec": {"n": 7, "nullable": null, "o": {"x": "y"}, "l": [{"d": 1}]}}));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i8>().prop_map(Value::from),
            "[a-z]{0,5}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            prop::sample::select(vec![
                "spec", "a", "n", "nullable", "o", "x", "l", "y", "d", "m", "open", "b"
            ])
            .prop_map(str::to_owned),
            "[a-z]{1,3}",
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn pruning_is_idempotent(spec in value()) {
            let schema = schema();
            let mut once = json!({"spec": spec});
            prune(&schema, &mut once);
            let mut twice = once.clone();
            prop_assert!(prune(&schema, &mut twice).is_empty());
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn defaulting_is_idempotent(spec in value()) {
            let schema = schema();
            let mut once = json!({"spec": spec});
            apply_defaults(&schema, &mut once);
            let mut twice = once.clone();
            apply_defaults(&schema, &mut twice);
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn a_pruned_and_defaulted_object_validates_the_same_way_twice(spec in value()) {
            let schema = schema();
            let mut object = json!({"spec": spec});
            prune(&schema, &mut object);
            apply_defaults(&schema, &mut object);
            let first = validate(&schema, &object, None);
            let mut again = object.clone();
            prune(&schema, &mut again);
            apply_defaults(&schema, &mut again);
            prop_assert_eq!(first, validate(&schema, &again, None));
        }
    }
}

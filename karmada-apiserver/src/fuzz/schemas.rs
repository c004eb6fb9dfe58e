//! Schemas of custom resources, and random objects through them.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::generate::{cases, disturbed, object, value};
use crate::registry::crd::{compile_schema, resources};
use crate::registry::structural::{apply_defaults, prune};
use crate::registry::{crd, validate};

fn property() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "spec", "name"]).prop_map(str::to_owned)
}

/// A schema that is structural, mostly.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": "string", "enum": ["x", "delete"], "default": "x"})),
        Just(json!({"type": "string", "pattern": "^[a-z]*$", "maxLength": 3})),
        Just(json!({"type": "string", "format": "date-time", "nullable": true})),
        Just(json!({"type": "integer", "minimum": -1, "maximum": 2, "default": 1})),
        Just(json!({"type": "integer", "format": "int32", "multipleOf": 2})),
        Just(json!({"type": "number", "exclusiveMinimum": true, "minimum": 0})),
        Just(json!({"type": "boolean", "default": true})),
        Just(json!({"x-kubernetes-int-or-string": true})),
        Just(json!({"x-kubernetes-preserve-unknown-fields": true})),
        Just(
            json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true})
        ),
        Just(
            json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set", "maxItems": 3})
        ),
        Just(json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"],
            "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "integer", "default": 2}}}})),
        Just(
            json!({"type": "object", "additionalProperties": {"type": "integer", "default": 3}, "maxProperties": 3})
        ),
        Just(
            json!({"type": "string", "maxLength": 9, "x-kubernetes-validations": [{"rule": "self != 'x'", "message": "no x"}]})
        ),
    ];
    leaf.prop_recursive(3, 20, 3, |inner| {
        prop_oneof![
            (
                prop::collection::btree_map(property(), inner.clone(), 0..3),
                prop::option::of(property()),
                prop::option::of(value())
            )
                .prop_map(|(properties, required, default)| {
                    let mut node = json!({"type": "object", "properties": properties});
                    if let Some(required) = required {
                        node["required"] = json!([required]);
                    }
                    if let Some(default) = default {
                        node["default"] = default;
                    }
                    node
                }),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            inner.prop_map(
                |values| json!({"type": "object", "additionalProperties": values, "nullable": true})
            ),
        ]
    })
}

fn definition(schema: Value) -> Value {
    let mut definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": schema}}}}]}});
    crd::apply_defaults(&mut definition);
    definition
}

/// An object whose field `a` has something to do with the schema's.
fn content() -> impl Strategy<Value = Value> {
    prop_oneof![
        value(),
        object(),
        disturbed(json!({"a": {"a": "x", "b": [1, "x"]}, "b": [{"a": "x"}, {"a": "y"}], "c": 2}))
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn objects_settle_in_one_pass(schema in schema(), content in content()) {
        let definition = definition(schema);
        if !crd::validate(&definition, None).is_empty() {
            return Ok(());
        }
        prop_assert!(resources(&definition).is_ok());
        let schema = compile_schema(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
        let mut object = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "a": content});
        prune(&schema, &mut object);
        let pruned = object.clone();
        prop_assert!(prune(&schema, &mut object).is_empty());
        prop_assert_eq!(&object, &pruned);
        apply_defaults(&schema, &mut object);
        let defaulted = object.clone();
        apply_defaults(&schema, &mut object);
        prop_assert_eq!(&object, &defaulted);
        prop_assert!(prune(&schema, &mut object).is_empty(), "defaults are pruned: {}", defaulted);
        let first = validate::validate(&schema, &object, None);
        let second = validate::validate(&schema, &object, Some(&pruned));
        // The rules of transitions may add to it.
        prop_assert!(second.len() >= first.len() || first.len() >= second.len());
    }

    #[test]
    fn any_definition_is_taken_or_refused_with_a_field(
        definition in schema().prop_map(definition).prop_flat_map(disturbed),
        other in object(),
    ) {
        for definition in [definition, json!({"spec": other.clone(), "metadata": other})] {
            let mut definition = definition;
            crd::apply_defaults(&mut definition);
            let errors = crd::validate(&definition, None);
            if errors.is_empty() {
                prop_assert!(resources(&definition).is_ok());
            }
            let _: Vec<_> = crd::validate(&definition, Some(&super::schemas::definition(Value::Object(Map::new()))));
        }
    }
}

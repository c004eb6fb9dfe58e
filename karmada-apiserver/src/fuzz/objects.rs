//! Patches of all kinds on random objects.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::generate::{cases, object, value};
use crate::patch::{json_patch, merge_patch, strategic_merge_patch};
use crate::registry::{Registry, Schema};

fn operation() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", "other"]);
    let path = || {
        let part = prop::sample::select(vec![
            "a",
            "b",
            "c",
            "0",
            "1",
            "-",
            "-1",
            "",
            "name",
            "a~1b~0c",
            "~2",
            "99999999999999999999",
        ]);
        prop::collection::vec(part, 0..4)
            .prop_map(|parts| parts.iter().fold(String::new(), |path, part| path + "/" + part))
    };
    (name, path(), prop::option::of(path()), prop::option::of(value())).prop_map(
        |(name, path, from, value)| {
            let mut operation = json!({"op": name, "path": path});
            if let Some(from) = from {
                operation["from"] = from.into();
            }
            if let Some(value) = value {
                operation["value"] = value;
            }
            operation
        },
    )
}

fn deployment_schema() -> std::sync::Arc<Schema> {
    (*Registry::built_in().resource("apps", "v1", "deployments").unwrap().schema).clone()
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"a": "1"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "1"}}, "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": {"a": "1"}}, "spec": {"volumes": [{"name": "a", "emptyDir": {}}],
                "containers": [{"name": "a", "image": "i", "ports": [{"containerPort": 1, "protocol": "TCP"}],
                    "env": [{"name": "a", "value": "b"}]}, {"name": "b", "image": "i"}]}}}})
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn json_patches_change_or_refuse(object in object(), patch in prop_oneof![
        9 => prop::collection::vec(operation(), 0..5).prop_map(Value::from),
        1 => value(),
    ]) {
        let _: Result<Value, _> = json_patch(&object, &patch);
        // An operation undoes another.
        let added = json_patch(&object, &json!([{"op": "add", "path": "/new", "value": 1}])).unwrap();
        prop_assert_eq!(json_patch(&added, &json!([{"op": "remove", "path": "/new"}])).unwrap(), {
            let mut object = object;
            object.as_object_mut().unwrap().remove("new");
            object
        });
    }

    #[test]
    fn merge_patches_are_the_same_when_repeated(object in object(), patch in object()) {
        if let Ok(once) = merge_patch(&object, &patch) {
            // A list keeps its nulls where it replaces an object, and loses them where it replaces itself.
            let twice = merge_patch(&once, &patch).unwrap();
            prop_assert_eq!(merge_patch(&twice, &patch).unwrap(), twice);
        }
    }

    #[test]
    fn strategic_patches_change_or_refuse(patch in super::generate::disturbed(deployment()), other in object()) {
        let schema = deployment_schema();
        let _: Result<Value, _> = strategic_merge_patch(&deployment(), &patch, &schema);
        let _: Result<Value, _> = strategic_merge_patch(&deployment(), &other, &schema);
        // What cannot be in the store is refused before; a patch must survive it all the same.
        let _: Result<Value, _> = strategic_merge_patch(&other, &patch, &schema);
        let mut in_spec = json!({"spec": {"template": {"spec": {"containers": [other.clone()]}}}});
        in_spec["spec"]["template"]["spec"]["volumes"] = other;
        let _: Result<Value, _> = strategic_merge_patch(&deployment(), &in_spec, &schema);
    }
}

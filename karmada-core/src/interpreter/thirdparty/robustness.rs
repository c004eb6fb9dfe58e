//! Real objects with arbitrary changes: whatever they are, there is an answer or an error.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{ObjectKind, Operation, ResourceInterpreter};
use super::ThirdPartyInterpreter;
use super::rules::{KINDS, rules};
use crate::api::work::AggregatedStatusItem;

const OBJECTS: &[u8] = include_bytes!("../../../testdata/third-party-objects.jsonl.zst");

/// Objects with the statuses of their members.
fn samples() -> Vec<Value> {
    let text = String::from_utf8(zstd::decode_all(OBJECTS).unwrap()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Something else that may stand anywhere.
fn replacement() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!("")),
        Just(json!("Failed")),
        Just(json!(true)),
        Just(json!([1, {"a": null}])),
        Just(json!({"name": {"name": -1}})),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
    ]
}

/// Returns the pointers of everything in a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                pointers(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn changed(mut sample: Value, changes: &[(prop::sample::Index, Value)]) -> Value {
    for (place, value) in changes {
        let mut found = Vec::new();
        pointers(&sample, "", &mut found);
        // The sample itself, its object and the object's kind stay.
        let kept = ["", "/object", "/object/apiVersion", "/object/kind", "/items"];
        found.retain(|pointer| !kept.contains(&pointer.as_str()));
        let pointer: &String = place.get(&found);
        if let Some(target) = sample.pointer_mut(pointer) {
            *target = value.clone();
        }
    }
    sample
}

fn ask_everything(sample: &Value) {
    let interpreter = ThirdPartyInterpreter::default();
    let object = &sample["object"];
    let items: Vec<AggregatedStatusItem> =
        serde_json::from_value(sample["items"].clone()).unwrap_or_default();
    let _ = interpreter.replicas(object);
    let _ = interpreter.components(object);
    let _ = interpreter.dependencies(object);
    let _ = interpreter.reflect_status(object);
    let _ = interpreter.health(object);
    let _ = interpreter.retain(object.clone(), object);
    let _ = interpreter.aggregate_status(object, None, Timestamp::UNIX_EPOCH);
    let _ = interpreter.aggregate_status(object, Some(&items), Timestamp::UNIX_EPOCH);
    for replicas in [i64::MIN, 0, 7, i64::MAX] {
        if let Ok(revised) = interpreter.revise_replica(object.clone(), replicas) {
            let again = interpreter.revise_replica(revised.clone(), replicas).unwrap();
            if object["kind"] != "RayService" {
                assert_eq!(revised, again, "revising twice is revising once");
            }
        }
    }
}

#[test]
fn the_samples_have_every_kind() {
    for (api_version, kind, _) in KINDS {
        assert!(
            samples()
                .iter()
                .any(|sample| ObjectKind::of(&sample["object"]) == ObjectKind { api_version, kind }),
            "{kind}"
        );
    }
}

#[test]
fn only_known_versions_have_rules() {
    assert!(rules(ObjectKind { api_version: "ray.io/v1", kind: "RayJob" }).is_some());
    assert!(rules(ObjectKind { api_version: "ray.io/v1alpha1", kind: "RayJob" }).is_none());
    let interpreter = ThirdPartyInterpreter::default();
    let job = json!({"apiVersion": "batch/v1", "kind": "Job"});
    assert!(!interpreter.hook_enabled(ObjectKind::of(&job), Operation::InterpretHealth));
    assert!(interpreter.health(&job).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn changed_objects_get_an_answer_or_an_error(
        sample in prop::sample::select(samples()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), replacement()), 0..6),
    ) {
        ask_everything(&changed(sample, &changes));
    }

    #[test]
    fn answers_depend_on_the_object_alone(
        sample in prop::sample::select(samples()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), replacement()), 0..3),
    ) {
        let sample = changed(sample, &changes);
        let answers = || {
            let interpreter = ThirdPartyInterpreter::default();
            let object = &sample["object"];
            (
                interpreter.components(object).map_err(|error| error.to_string()),
                interpreter.dependencies(object).map_err(|error| error.to_string()),
                interpreter.reflect_status(object).map_err(|error| error.to_string()),
            )
        };
        prop_assert_eq!(answers(), answers());
    }
}

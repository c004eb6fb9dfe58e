//! Broken objects never stop the native rules: real objects with random damage, through every operation.
//!
//! `PROPTEST_CASES=100000 cargo test -p karmada-core --lib native_fuzz` runs more of them.

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{InterpretError, NativeInterpreter, NativeOptions, ObjectKind, Operation, ResourceInterpreter};
use crate::api::work::AggregatedStatusItem;

/// Recorded inputs of the native rules, the objects that are damaged.
const RECORDED: [&[u8]; 7] = [
    include_bytes!("../../../tests/vectors/interpreter-native/aggregatestatus.jsonl.zst"),
    include_bytes!("../../../tests/vectors/interpreter-native/dependencies.jsonl.zst"),
    include_bytes!("../../../tests/vectors/interpreter-native/getreplicas.jsonl.zst"),
    include_bytes!("../../../tests/vectors/interpreter-native/health.jsonl.zst"),
    include_bytes!("../../../tests/vectors/interpreter-native/reflectstatus.jsonl.zst"),
    include_bytes!("../../../tests/vectors/interpreter-native/retain.jsonl.zst"),
    include_bytes!("../../../tests/vectors/interpreter-native/revisereplica.jsonl.zst"),
];

static CORPUS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    RECORDED
        .iter()
        .flat_map(|file| {
            let bytes = zstd::decode_all(*file).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(|line| input_of(&serde_json::from_str(line).unwrap())).collect::<Vec<_>>()
        })
        .collect()
});

/// Returns what the operations get: an object, a member's object and what members report.
///
/// A case without reports reports the object's own status, so that every status is aggregated.
fn input_of(case: &Value) -> Value {
    let input = &case["input"];
    let either = |first: &str, second: &str| {
        input.get(first).or_else(|| input.get(second)).cloned().unwrap_or_default()
    };
    let object = either("object", "desired");
    let observed = either("observed", "object");
    let own = |object: &Value| json!({"clusterName": "m", "status": object["status"]});
    let items = input.get("items").cloned().unwrap_or_else(|| json!([own(&object), own(&observed)]));
    json!({"object": object, "observed": observed, "items": items})
}

/// A piece of damage.
#[derive(Clone, Debug)]
enum Damage {
    /// Something else stands there.
    Replace(Value),
    /// It is gone.
    Remove,
    /// It is in a list.
    Wrap,
    /// It is there twice, if it is in a list.
    Repeat,
    /// A part of another recorded input stands there.
    Transplant(Index, Index),
}

fn odd_values() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1),
        json!(7),
        json!(i32::MAX),
        json!(i32::MIN),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(1e308),
        json!(-0.0),
        json!(2_147_483_648_i64),
        json!(""),
        json!("x"),
        json!("0"),
        json!("true"),
        json!("-1"),
        json!("9223372036854775807"),
        json!("9223372036854775808"),
        json!("1e400"),
        json!("99999999999Ei"),
        json!("-99999999999Ei"),
        json!("1n"),
        json!("2024-02-30T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("Complete"),
        json!("Failed"),
        json!("Running"),
        json!("LoadBalancer"),
        json!("kubernetes.io/service-account-token"),
        json!("\u{0}\u{feff}\u{1f600}"),
        json!("x".repeat(300)),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!([{}]),
        json!({"": null}),
        json!({"a": {"b": []}}),
        json!(["a", 1, null, {"name": 1}]),
        json!({"name": ["a"]}),
        json!({"cpu": "1", "memory": -1, "x": null}),
    ])
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => odd_values().prop_map(Damage::Replace),
        2 => Just(Damage::Remove),
        1 => Just(Damage::Wrap),
        1 => Just(Damage::Repeat),
        2 => any::<(Index, Index)>().prop_map(|(input, place)| Damage::Transplant(input, place)),
    ]
}

fn damaged_inputs() -> impl Strategy<Value = Value> {
    let damages = prop::collection::vec((any::<Index>(), damage()), 0..6);
    (any::<Index>(), damages).prop_map(|(input, damages)| {
        let mut input = CORPUS[input.index(CORPUS.len())].clone();
        for (place, damage) in damages {
            apply(&mut input, place, &damage);
        }
        input
    })
}

fn apply(input: &mut Value, place: Index, damage: &Damage) {
    let mut places = Vec::new();
    list_places(input, &mut String::new(), &mut places);
    if places.is_empty() {
        return;
    }
    let pointer = &places[place.index(places.len())];
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let value = input.pointer(pointer).unwrap().clone();
    let changed = match damage {
        Damage::Replace(other) => Some(other.clone()),
        Damage::Remove => None,
        Damage::Wrap => Some(json!([value])),
        Damage::Repeat => {
            if let Some(Value::Array(elements)) = input.pointer_mut(parent) {
                elements.push(value);
            }
            return;
        }
        Damage::Transplant(donor, place) => {
            let donor = &CORPUS[donor.index(CORPUS.len())];
            let mut places = Vec::new();
            list_places(donor, &mut String::new(), &mut places);
            donor.pointer(&places[place.index(places.len())]).cloned()
        }
    };
    match (input.pointer_mut(parent).unwrap(), changed) {
        (Value::Object(members), Some(changed)) => {
            members.insert(key, changed);
        }
        (Value::Object(members), None) => {
            members.remove(&key);
        }
        (Value::Array(elements), changed) => {
            let index: usize = key.parse().unwrap();
            match changed {
                Some(changed) => elements[index] = changed,
                None => {
                    elements.remove(index);
                }
            }
        }
        _ => unreachable!("only maps and lists have places inside"),
    }
}

/// Lists where something stands: the pointers of everything inside.
///
/// Kinds stay what they are: an object of an unknown kind has no rules that could break.
fn list_places(value: &Value, pointer: &mut String, places: &mut Vec<String>) {
    let length = pointer.len();
    let mut visit = |key: &str, value: &Value| {
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        if !matches!(pointer.as_str(), "/object/apiVersion" | "/object/kind") {
            places.push(pointer.clone());
            list_places(value, pointer, places);
        }
        pointer.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| visit(&index.to_string(), value));
        }
        _ => {}
    }
}

/// Items of what members report; an item that cannot be read still brings its status.
fn items_of(input: &Value) -> Option<Vec<AggregatedStatusItem>> {
    let items = input["items"].as_array()?;
    let read = |item: &Value| {
        serde_json::from_value(item.clone()).unwrap_or_else(|_| AggregatedStatusItem {
            cluster_name: "m".to_owned(),
            status: item.get("status").cloned(),
            ..Default::default()
        })
    };
    Some(items.iter().map(read).collect())
}

/// Asks an operation and returns its answer as JSON.
fn ask(operation: Operation, input: &Value) -> Result<Value, InterpretError> {
    let interpreter = NativeInterpreter::new(NativeOptions { resource_quota_estimate: true });
    let object = &input["object"];
    Ok(match operation {
        Operation::InterpretReplica => json!(interpreter.replicas(object)?),
        Operation::InterpretComponent => json!(interpreter.components(object)?),
        Operation::ReviseReplica => interpreter.revise_replica(object.clone(), 5)?,
        Operation::Retain => interpreter.retain(object.clone(), &input["observed"])?,
        Operation::AggregateStatus => {
            interpreter.aggregate_status(object, items_of(input).as_deref(), Timestamp::UNIX_EPOCH)?
        }
        Operation::InterpretDependency => json!(interpreter.dependencies(object)?),
        Operation::InterpretStatus => json!(interpreter.reflect_status(object)?),
        Operation::InterpretHealth => json!(interpreter.health(object)?),
    })
}

/// Returns what is wrong with the answer of an operation.
fn violations(operation: Operation, input: &Value, answer: &Result<Value, InterpretError>) -> Vec<String> {
    let object = &input["object"];
    let mut found = Vec::new();
    let mut check = |good: bool, wrong: &str| {
        if !good {
            found.push(wrong.to_owned());
        }
    };
    let known = NativeInterpreter::default().hook_enabled(ObjectKind::of(object), operation);
    check(
        known != matches!(answer, Err(InterpretError::NotFound { .. })),
        "known and not found, or the reverse",
    );
    let Ok(answer) = answer else { return found };
    match operation {
        Operation::ReviseReplica => {
            let mut restored = answer.clone();
            for field in ["replicas", "parallelism"] {
                if let Some(before) = object["spec"].get(field) {
                    restored["spec"][field] = before.clone();
                }
            }
            check(restored == *object, "more than the replicas has changed");
        }
        Operation::Retain | Operation::AggregateStatus => {
            check(answer["apiVersion"] == object["apiVersion"], "another apiVersion");
            check(answer["kind"] == object["kind"], "another kind");
            // A type writes no empty name.
            check(crate::object::name(answer) == crate::object::name(object), "another name");
        }
        Operation::InterpretDependency => {
            let named = |reference: &Value| {
                reference.get("name").is_some() || reference.get("labelSelector").is_some()
            };
            check(answer.as_array().unwrap().iter().all(named), "a dependency on anything");
        }
        Operation::InterpretHealth => check(answer != "Unknown", "neither healthy nor unhealthy"),
        Operation::InterpretReplica | Operation::InterpretComponent | Operation::InterpretStatus => {}
    }
    found
}

fn survives(operation: Operation, input: &Value) {
    let answer = ask(operation, input);
    assert_eq!(violations(operation, input, &answer), Vec::<String>::new(), "answer: {answer:?}");
    assert_eq!(format!("{answer:?}"), format!("{:?}", ask(operation, input)), "asked twice");
}

proptest! {
    #[test]
    fn replicas_survive_damaged_objects(input in damaged_inputs()) {
        survives(Operation::InterpretReplica, &input);
    }

    #[test]
    fn components_survive_damaged_objects(input in damaged_inputs()) {
        survives(Operation::InterpretComponent, &input);
    }

    #[test]
    fn revision_survives_damaged_objects(input in damaged_inputs()) {
        survives(Operation::ReviseReplica, &input);
    }

    #[test]
    fn retention_survives_damaged_objects(input in damaged_inputs()) {
        survives(Operation::Retain, &input);
    }

    #[test]
    fn aggregation_survives_damaged_objects(input in damaged_inputs()) {
        survives(Operation::AggregateStatus, &input);
    }

    #[test]
    fn dependencies_survive_damaged_objects(input in damaged_inputs()) {
        survives(Operation::InterpretDependency, &input);
    }

    #[test]
    fn reflection_survives_damaged_objects(input in damaged_inputs()) {
        survives(Operation::InterpretStatus, &input);
    }

    #[test]
    fn health_survives_damaged_objects(input in damaged_inputs()) {
        survives(Operation::InterpretHealth, &input);
    }
}

#[test]
fn every_kind_with_rules_is_damaged() {
    let kinds: std::collections::BTreeSet<_> =
        CORPUS.iter().map(|input| ObjectKind::of(&input["object"]).to_string()).collect();
    for kind in ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service"] {
        assert!(kinds.iter().any(|known| known.ends_with(&format!("Kind={kind}"))), "{kind} is not recorded");
    }
}

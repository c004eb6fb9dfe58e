//! Made-up input that is likely to mean something.

use proptest::prelude::*;
use serde_json::{Map, Value};

const KEYS: [&str; 14] = [
    "a",
    "b",
    "c",
    "name",
    "spec",
    "metadata",
    "labels",
    "kind",
    "",
    "$patch",
    "$retainKeys",
    "$setElementOrder/b",
    "$deleteFromPrimitiveList/a",
    "a/b~c",
];

/// Returns how many cases a test runs.
pub(super) fn cases(modest: u32) -> ProptestConfig {
    let asked = std::env::var("KARMADA_FUZZ_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(modest), failure_persistence: None, ..ProptestConfig::default() }
}

/// Keys that meet often, and some that never do.
pub(super) fn key() -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(&KEYS[..]).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

/// Any JSON value of a modest size.
pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec!["delete", "replace", "merge", "x", "1", "2024-02-29T10:00:00Z"])
            .prop_map(Value::from),
        key().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Any JSON object.
pub(super) fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), value()), 0..5)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

/// Lists the pointers of all nodes of a value.
pub(super) fn pointers(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    walk(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    walk(value, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// Puts other values, or nothing, into some places of a value.
pub(super) fn disturbed(original: Value) -> impl Strategy<Value = Value> {
    let places = pointers(&original);
    prop::collection::vec((prop::sample::select(places), prop::option::of(value()), key()), 0..4).prop_map(
        move |changes| {
            let mut object = original.clone();
            for (place, new, key) in changes {
                let Some(node) = object.pointer_mut(&place) else { continue };
                match (node, new) {
                    (Value::Object(map), Some(new)) => drop(map.insert(key, new)),
                    (Value::Array(items), Some(new)) => items.push(new),
                    (node, Some(new)) => *node = new,
                    (node, None) => *node = Value::Null,
                }
            }
            object
        },
    )
}

//! Random input for everything that reads what clients send.
//!
//! Each test runs a modest number of cases; `KARMADA_FUZZ_CASES` asks for more.

mod front;
mod objects;
mod schemas;
mod selectors;

use proptest::prelude::*;
use serde_json::{Map, Value};

/// Returns how many cases a test runs.
fn cases(modest: u32) -> ProptestConfig {
    let asked = std::env::var("KARMADA_FUZZ_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(modest), failure_persistence: None, ..ProptestConfig::default() }
}

/// Short keys that meet often.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "c", "name", "spec", "items", "$patch", "$retainKeys", "metadata", "kind", ""])
            .prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ]
}

/// Any JSON value of a modest depth.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        key().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Any JSON object.
fn json_object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((key(), json_value()), 0..6).prop_map(|members| members.into_iter().collect())
}

//! Label and field selectors, against a matcher of a few lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::generate::cases;
use crate::http::selector::{Selection, parse_fields, parse_labels};
use crate::store::{Change, Draft, Expect, Store, StoreOptions, Stored, Write};

/// Stores an object.
fn stored(object: &Value) -> Arc<Stored> {
    let store = Store::in_memory(&StoreOptions::default());
    let change = Change::Put(Draft::new(object));
    let write = store.write(Write { resource: "/x".into(), expect: Expect::Absent, change });
    futures::executor::block_on(write).unwrap()
}

/// A requirement as this file understands it.
#[derive(Clone, Debug)]
enum Wanted {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Equal(String, String),
    Unequal(String, String),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

impl Wanted {
    fn print(&self) -> String {
        match self {
            Self::In(key, values) => format!("{key} in ({})", values.join(",")),
            Self::NotIn(key, values) => format!("{key} notin ( {} )", values.join(" , ")),
            Self::Equal(key, value) => format!("{key}={value}"),
            Self::Unequal(key, value) => format!(" {key} != {value}"),
            Self::Exists(key) => key.clone(),
            Self::Missing(key) => format!("!{key}"),
            Self::Greater(key, limit) => format!("{key}>{limit}"),
            Self::Less(key, limit) => format!("{key} < {limit}"),
        }
    }

    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let number = |key: &String| labels.get(key).and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Equal(key, wanted) => labels.get(key) == Some(wanted),
            Self::Unequal(key, wanted) => labels.get(key) != Some(wanted),
            Self::Exists(key) => labels.contains_key(key),
            Self::Missing(key) => !labels.contains_key(key),
            Self::Greater(key, limit) => number(key).is_some_and(|value| value > *limit),
            Self::Less(key, limit) => number(key).is_some_and(|value| value < *limit),
        }
    }
}

fn label_key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "app.kubernetes.io/name", "x_y"]).prop_map(str::to_owned)
}

fn label_value() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "1", "2", "30", "x.y"]).prop_map(str::to_owned)
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let values = || prop::collection::vec(label_value(), 1..4);
    prop_oneof![
        (label_key(), values()).prop_map(|(key, values)| Wanted::In(key, values)),
        (label_key(), values()).prop_map(|(key, values)| Wanted::NotIn(key, values)),
        (label_key(), label_value()).prop_map(|(key, value)| Wanted::Equal(key, value)),
        (label_key(), label_value()).prop_map(|(key, value)| Wanted::Unequal(key, value)),
        label_key().prop_map(Wanted::Exists),
        label_key().prop_map(Wanted::Missing),
        (label_key(), 0..40_i64).prop_map(|(key, limit)| Wanted::Greater(key, limit)),
        (label_key(), 0..40_i64).prop_map(|(key, limit)| Wanted::Less(key, limit)),
    ]
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn label_selectors_select_what_they_say(
        wanted in prop::collection::vec(wanted(), 0..4),
        labels in prop::collection::btree_map(label_key(), label_value(), 0..4),
    ) {
        let text = wanted.iter().map(Wanted::print).collect::<Vec<_>>().join(",");
        let selection = Selection { labels: parse_labels(&text).unwrap(), ..Selection::default() };
        let object = stored(&json!({"metadata": {"name": "n", "labels": labels}}));
        prop_assert_eq!(selection.matches(&object), wanted.iter().all(|wanted| wanted.holds(&labels)), "{}", text);
    }

    #[test]
    fn field_selectors_select_what_they_say(
        terms in prop::collection::vec((0..3_usize, "\\PC{0,4}", any::<bool>()), 0..4),
        name in "[a-z]{0,2}", phase in "\\PC{0,4}",
    ) {
        const PATHS: [&str; 3] = ["metadata.name", "status.phase", "spec.nodeName"];
        let text = terms.iter().map(|(path, value, equal)| {
            format!("{}{}{}", PATHS[*path], if *equal { "=" } else { "!=" }, escape(value))
        }).collect::<Vec<_>>().join(",");
        let object = stored(&json!({"metadata": {"name": name}, "status": {"phase": phase}}));
        let selection = Selection { fields: parse_fields(&text).unwrap(), ..Selection::default() };
        let expected = terms.iter().all(|(path, value, equal)| {
            let found = [name.as_str(), phase.as_str(), ""][*path];
            (found == value) == *equal
        });
        prop_assert_eq!(selection.matches(&object), expected, "{}", text);
    }

    #[test]
    fn any_text_is_a_selector_or_an_error(text in prop_oneof![
        "\\PC{0,20}",
        prop::collection::vec(prop::sample::select(vec![
            "a", "in", "notin", "(", ")", ",", "=", "==", "!=", "!", ">", "<", " ", "1", "\\", "\0", "é", "/",
        ]), 0..12).prop_map(|tokens| tokens.concat()),
    ]) {
        let _: Result<_, String> = parse_labels(&text);
        let _: Result<_, String> = parse_fields(&text);
    }
}

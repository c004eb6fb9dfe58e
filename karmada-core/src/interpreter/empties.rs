//! Empty maps and lists in the results of scripts.
//!
//! A script has one kind of empty table, so the empty tables of its result say nothing about what they were. The
//! objects that the script was given do: an empty table at the path of an empty map becomes a map, one at the path
//! of an empty list becomes a list, and any other is dropped.

use std::collections::BTreeMap;

use serde_json::Value;

/// Turns each empty map or list of a result into what the references have at its path, or drops it.
///
/// Positions in lists are no part of a path: all elements of a list, and of lists in it, are at the list's path.
///
/// DEVIATION: upstream edits JSON text by paths without escaping them, so that keys with special characters around
/// empty maps and lists give errors, lists for maps, or new keys. Here any key is a key.
///
/// Where references have both, a map is made. The result itself is never dropped. What becomes empty by dropping
/// stays: there it is known whether it is a map or a list.
pub(super) fn settle(result: &mut Value, references: &[&Value]) {
    if !has_empty(result) {
        return;
    }
    let mut empties = Empties::default();
    for reference in references {
        empties.collect(reference);
    }
    settle_in(result, Some(&empties));
}

/// The empty maps and lists of the references at one path, and below it.
#[derive(Debug, Default)]
struct Empties<'a> {
    map: bool,
    list: bool,
    fields: BTreeMap<&'a str, Self>,
}

impl<'a> Empties<'a> {
    fn collect(&mut self, value: &'a Value) {
        match value {
            Value::Object(map) if map.is_empty() => self.map = true,
            Value::Array(list) if list.is_empty() => self.list = true,
            Value::Object(map) => {
                for (key, value) in map {
                    if has_empty(value) {
                        self.fields.entry(key).or_default().collect(value);
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.collect(value)),
            _ => {}
        }
    }
}

fn settle_in(value: &mut Value, empties: Option<&Empties<'_>>) {
    match value {
        Value::Object(map) => map.retain(|key, value| {
            let empties = empties.and_then(|empties| empties.fields.get(key.as_str()));
            settle_child(value, empties)
        }),
        Value::Array(list) => list.retain_mut(|value| settle_child(value, empties)),
        _ => {}
    }
}

/// Returns whether the child stays.
fn settle_child(value: &mut Value, empties: Option<&Empties<'_>>) -> bool {
    if !is_empty(value) {
        settle_in(value, empties);
        return true;
    }
    match empties {
        Some(Empties { map: true, .. }) => *value = Value::Object(serde_json::Map::new()),
        Some(Empties { list: true, .. }) => *value = Value::Array(Vec::new()),
        _ => return false,
    }
    true
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn has_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty() || map.values().any(has_empty),
        Value::Array(list) => list.is_empty() || list.iter().any(has_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::without_references_all_are_dropped(
        json!({"a": [], "b": {"c": {}}, "d": [1, [], {"e": []}]}), vec![], json!({"b": {}, "d": [1, {}]}))]
    #[case::maps_and_lists_are_told_apart_by_path(
        json!({"a": [], "b": [], "c": []}), vec![json!({"a": {}, "b": []})], json!({"a": {}, "b": []}))]
    #[case::any_reference_counts(
        json!({"a": [], "b": []}), vec![json!({"a": {}}), json!({"b": []})], json!({"a": {}, "b": []}))]
    #[case::a_map_wins(
        json!({"a": []}), vec![json!({"a": []}), json!({"a": {}})], json!({"a": {}}))]
    #[case::positions_are_no_part_of_a_path(
        json!({"a": [{"b": []}, [[]], 1]}), vec![json!({"a": [[{"b": {}}], {"b": 1}, [], 2]})],
        json!({"a": [{"b": {}}, [[]], 1]}))]
    #[case::keys_with_dots_are_one_step(
        json!({"a.b": [], "a": {"b": []}}), vec![json!({"a.b": {}, "a": {"b": 1}})], json!({"a.b": {}, "a": {}}))]
    #[case::the_result_itself_stays(json!([]), vec![], json!([]))]
    fn settles(#[case] mut result: Value, #[case] references: Vec<Value>, #[case] expected: Value) {
        settle(&mut result, &references.iter().collect::<Vec<_>>());
        assert_eq!(result, expected);
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            Just(json!([])),
            Just(json!({}))
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab.]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The paths of empty maps (true) and empty lists (false).
    fn paths(value: &Value, at: &mut Vec<String>, found: &mut Vec<(Vec<String>, bool)>) {
        match value {
            Value::Object(map) if map.is_empty() => found.push((at.clone(), true)),
            Value::Array(list) if list.is_empty() => found.push((at.clone(), false)),
            Value::Object(map) => {
                for (key, value) in map {
                    at.push(key.clone());
                    paths(value, at, found);
                    at.pop();
                }
            }
            Value::Array(list) => list.iter().for_each(|value| paths(value, at, found)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn an_object_that_is_unchanged_keeps_its_empties_where_kinds_are_not_mixed(object in document()) {
            let mut found = Vec::new();
            paths(&object, &mut Vec::new(), &mut found);
            let mixed = found.iter().any(|(path, map)| found.contains(&(path.clone(), !map)));
            prop_assume!(!mixed);
            let mut result = object.clone();
            settle(&mut result, &[&object]);
            prop_assert_eq!(result, object);
        }

        #[test]
        fn settling_without_references_leaves_nothing_that_was_empty(object in document()) {
            let mut once = object.clone();
            settle(&mut once, &[]);
            // All that was full stays: only what has nothing but empties in it may be empty now.
            let mut before = Vec::new();
            paths(&object, &mut Vec::new(), &mut before);
            let mut after = Vec::new();
            paths(&once, &mut Vec::new(), &mut after);
            prop_assert!(after.iter().all(|(path, _)| before.iter().any(|(longer, _)| longer.starts_with(path))));
        }
    }
}

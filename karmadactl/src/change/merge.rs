//! Three versions of an object become one: what was applied last, what is applied now, what is there.

use karmada_apiserver::registry::{Registry, Schema};
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};

/// Returns how lists of a kind merge; nothing for kinds that only their CRD knows.
pub fn patch_schema(api_version: &str, kind: &str) -> Option<Arc<Schema>> {
    static BUILT_IN: OnceLock<Registry> = OnceLock::new();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = BUILT_IN.get_or_init(Registry::built_in).resource_for_kind(group, version, kind)?;
    Some(Arc::clone(&resource.schema))
}

/// Returns the object that `current` becomes when `modified` is applied after `original` was.
///
/// What `modified` says is set, what only `original` said is removed, everything else stays. Lists with a merge key
/// in `schema` merge item by item; other lists are replaced.
pub fn three_way(original: &Value, modified: &Value, current: &Value, schema: Option<&Schema>) -> Value {
    match (modified, current) {
        (Value::Object(modified), Value::Object(current)) => {
            let empty = Map::new();
            let original = original.as_object().unwrap_or(&empty);
            Value::Object(merge_fields(original, modified, current, schema, retains(schema)))
        }
        _ => modified.clone(),
    }
}

/// Whether keys that are not said are dropped once something changes: the parts of a union.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsaid {
    Kept,
    Dropped,
}

fn retains(schema: Option<&Schema>) -> Unsaid {
    if schema.is_some_and(|schema| schema.patch.retain_keys) { Unsaid::Dropped } else { Unsaid::Kept }
}

fn merge_fields(
    original: &Map<String, Value>,
    modified: &Map<String, Value>,
    current: &Map<String, Value>,
    schema: Option<&Schema>,
    unsaid: Unsaid,
) -> Map<String, Value> {
    let mut merged = current.clone();
    for key in original.keys().filter(|key| !modified.contains_key(*key)) {
        merged.remove(key);
    }
    for (key, value) in modified {
        if value.is_null() {
            merged.remove(key);
            continue;
        }
        let member = member(schema, key);
        let before = original.get(key).unwrap_or(&Value::Null);
        let value = match (value, current.get(key)) {
            (Value::Object(_), Some(now @ Value::Object(_))) => three_way(before, value, now, member),
            (Value::Object(_), _) => without_nulls(value),
            (Value::Array(modified), Some(Value::Array(now))) if merges(member) => {
                let before = before.as_array().map(Vec::as_slice).unwrap_or_default();
                Value::Array(merge_lists(before, modified, now, member))
            }
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    if unsaid == Unsaid::Dropped && merged != *current {
        merged.retain(|key, _| modified.contains_key(key));
    }
    merged
}

/// A new part has nothing that a null could remove.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn merge_lists(
    original: &[Value],
    modified: &[Value],
    current: &[Value],
    schema: Option<&Schema>,
) -> Vec<Value> {
    let key = schema.and_then(|schema| schema.patch.merge_key.as_deref());
    let items = schema.and_then(|schema| schema.items.as_deref());
    let same = |left: &Value, right: &Value| match key {
        Some(key) if left.is_object() && right.is_object() => left.get(key) == right.get(key),
        _ => left == right,
    };
    let find = |list: &[Value], item: &Value| list.iter().position(|other| same(other, item));
    // Said items in the order in which they are said, each merged with what is there.
    let unsaid = retains(schema);
    let mut said = Vec::new();
    for item in modified {
        if said.iter().any(|(_, known): &(Option<usize>, Value)| same(known, item)) {
            continue;
        }
        let at = find(current, item);
        let value = match (item, at.map(|at| &current[at])) {
            (Value::Object(item_fields), Some(Value::Object(now))) => {
                let empty = Map::new();
                let before = find(original, item).and_then(|at| original[at].as_object()).unwrap_or(&empty);
                Value::Object(merge_fields(before, item_fields, now, items, unsaid))
            }
            _ => without_nulls(item),
        };
        said.push((at, value));
    }
    let others = current
        .iter()
        .enumerate()
        .filter(|(_, item)| find(modified, item).is_none() && find(original, item).is_none());
    // The items of others keep their place beside those that are said, as far as the order of these allows.
    let mut merged = Vec::new();
    let mut said = said.into_iter().peekable();
    for (at, other) in others {
        while let Some((_, value)) = said.next_if(|(place, _)| place.is_none_or(|place| place < at)) {
            merged.push(value);
        }
        merged.push(other.clone());
    }
    merged.extend(said.map(|(_, value)| value));
    merged
}

fn merges(schema: Option<&Schema>) -> bool {
    schema.is_some_and(|schema| schema.patch.merge)
}

fn member<'a>(schema: Option<&'a Schema>, name: &str) -> Option<&'a Schema> {
    let schema = schema?;
    schema.properties.get(name).or(schema.additional.as_ref()).map(AsRef::as_ref)
}

/// Returns the JSON merge patch that makes `to` of `from`; nothing when they are equal.
pub fn merge_patch_between(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (from, to) else { return Some(to.clone()) };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        let difference = match before.get(key) {
            Some(before) => merge_patch_between(before, value),
            None => Some(value.clone()),
        };
        if let Some(difference) = difference {
            patch.insert(key.clone(), difference);
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use karmada_apiserver::patch::merge_patch;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(kind: (&str, &str), original: Value, modified: Value, current: Value, expected: Value) {
        let schema = patch_schema(kind.0, kind.1);
        assert_eq!(three_way(&original, &modified, &current, schema.as_deref()), expected);
    }

    #[test]
    fn fields_of_others_stay_and_forgotten_ones_go() {
        check(
            ("v1", "ConfigMap"),
            json!({"data": {"a": "1", "b": "1"}}),
            json!({"data": {"a": "2", "n": null}}),
            json!({"data": {"a": "1", "b": "1", "c": "other"}, "metadata": {"uid": "x"}}),
            json!({"data": {"a": "2", "c": "other"}, "metadata": {"uid": "x"}}),
        );
    }

    #[test]
    fn lists_with_a_merge_key_merge_by_it() {
        let containers = |list: Value| json!({"spec": {"template": {"spec": {"containers": list}}}});
        check(
            ("apps/v1", "Deployment"),
            containers(json!([{"name": "a", "image": "1"}, {"name": "gone", "image": "1"}])),
            containers(json!([{"name": "b", "image": "1"}, {"name": "a", "image": "2"}])),
            containers(json!([
                {"name": "a", "image": "1", "imagePullPolicy": "Always"}, {"name": "gone", "image": "1"}, {"name": "side"},
            ])),
            containers(json!([
                {"name": "b", "image": "1"}, {"name": "a", "image": "2", "imagePullPolicy": "Always"}, {"name": "side"},
            ])),
        );
        // A custom resource has no merge keys: its lists are replaced.
        check(
            ("example.io/v1", "Foo"),
            json!({"l": [1]}),
            json!({"l": [2]}),
            json!({"l": [1, 3]}),
            json!({"l": [2]}),
        );
        check(
            ("v1", "ConfigMap"),
            json!({"metadata": {"finalizers": ["a", "b"]}}),
            json!({"metadata": {"finalizers": ["b", "c"]}}),
            json!({"metadata": {"finalizers": ["x", "a", "b"]}}),
            json!({"metadata": {"finalizers": ["x", "b", "c"]}}),
        );
    }

    #[test]
    fn the_parts_of_a_union_replace_each_other() {
        let strategy = |strategy: Value| json!({"spec": {"strategy": strategy}});
        let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}});
        check(
            ("apps/v1", "Deployment"),
            json!({}),
            strategy(json!({"type": "Recreate"})),
            strategy(rolling.clone()),
            strategy(json!({"type": "Recreate"})),
        );
        check(
            ("apps/v1", "Deployment"),
            json!({}),
            strategy(json!({"type": "RollingUpdate"})),
            strategy(rolling.clone()),
            strategy(rolling),
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..3_i64).prop_map(Value::from),
            "[ab]".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn any_object() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[a-d]", any_value(), 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn a_patch_between_two_objects_makes_one_of_the_other(from in any_object(), to in any_object()) {
            let made = match merge_patch_between(&from, &to) {
                Some(patch) => merge_patch(&from, &patch).unwrap(),
                None => from,
            };
            prop_assert_eq!(made, to);
        }

        #[test]
        fn applying_twice_is_applying_once(original in any_object(), modified in any_object(), current in any_object()) {
            let once = three_way(&original, &modified, &current, None);
            prop_assert_eq!(three_way(&modified, &modified, &once, None), once);
        }

        #[test]
        fn what_is_said_is_there_and_what_nobody_said_stays(
            original in any_object(), modified in any_object(), current in any_object(),
        ) {
            let merged = three_way(&original, &modified, &current, None);
            for (key, value) in modified.as_object().unwrap() {
                if !value.is_object() {
                    prop_assert_eq!(&merged[key], value);
                }
            }
            for (key, value) in current.as_object().unwrap() {
                if original.get(key).is_none() && modified.get(key).is_none() {
                    prop_assert_eq!(&merged[key], value);
                }
            }
        }
    }
}

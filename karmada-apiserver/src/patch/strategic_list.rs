//! Lists in strategic merge patches: merging by key, sets of scalars, and the order of the result.

use serde_json::{Map, Value};

use crate::registry::schema::Schema;

use super::PatchError;
use super::go_text::go_value;
use super::strategic::{DIRECTIVE, go_map, meaningless, merge_maps};

/// Merges a patch list into a list, in the order that the patch list asks for.
pub(super) fn merge_lists(
    original: &[Value],
    patch: &[Value],
    schema: Option<&Schema>,
) -> Result<Vec<Value>, PatchError> {
    let key = merge_key(schema);
    let merged = merge_items(original, patch, schema)?;
    let sent: Vec<Value> = patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect();
    if patch.iter().any(|item| is_directive(item, "replace")) {
        return Ok(merged);
    }
    Ok(in_order(&merged, &sent, original, key))
}

/// Merges a patch list into a list and puts the items that `order` names into that order.
pub(super) fn reorder(
    original: &[Value],
    patch: &[Value],
    order: &[Value],
    schema: Option<&Schema>,
) -> Result<Vec<Value>, PatchError> {
    let key = merge_key(schema);
    check_order(patch, order, key)?;
    let merged = merge_items(original, patch, schema)?;
    Ok(in_order(&merged, order, original, key))
}

/// Removes all items that `deleted` names from a list of scalars.
pub(super) fn delete_from_list(list: &mut Vec<Value>, deleted: &[Value]) {
    list.retain(|item| !deleted.contains(item));
}

fn merge_key(schema: Option<&Schema>) -> Option<&str> {
    schema.and_then(|schema| schema.patch.merge_key.as_deref())
}

fn is_directive(item: &Value, directive: &str) -> bool {
    item.get(DIRECTIVE).and_then(Value::as_str) == Some(directive)
}

fn merge_items(
    original: &[Value],
    patch: &[Value],
    schema: Option<&Schema>,
) -> Result<Vec<Value>, PatchError> {
    let first = patch.first().or(original.first());
    if !first.is_some_and(Value::is_object) {
        let mut merged: Vec<Value> = Vec::new();
        for item in original.iter().chain(patch) {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return Ok(merged);
    }
    let Some(key) = merge_key(schema) else {
        // Objects without a key cannot be told apart.
        return Ok(patch.to_vec());
    };
    let item_schema = schema.and_then(|schema| schema.items.as_deref());
    let mut merged = original.to_vec();
    let mut additions: Vec<&Map<String, Value>> = Vec::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(fields) = item else {
            return meaningless(format!("cannot merge a non-map into a list of maps: {}", go_value(item)));
        };
        match fields.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or_default()) {
            None => additions.push(fields),
            Some("delete") => {
                let value = fields.get(key).ok_or_else(|| no_merge_key(fields, key))?;
                merged.retain(|item| item.get(key) != Some(value));
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                return meaningless("merging lists cannot yet be specified in the patch".to_owned());
            }
            Some(other) => {
                return meaningless(format!("unknown patch type: {other} in map: {}", go_map(fields)));
            }
        }
    }
    if replaces {
        return Ok(additions.into_iter().map(|fields| Value::Object(fields.clone())).collect());
    }
    for fields in additions {
        let value = fields.get(key).ok_or_else(|| no_merge_key(fields, key))?;
        let position = merged.iter().position(|item| item.get(key) == Some(value));
        match position.and_then(|position| merged.get_mut(position)) {
            Some(Value::Object(existing)) => *existing = merge_maps(existing, fields, item_schema)?,
            _ => merged.push(Value::Object(merge_maps(&Map::new(), fields, item_schema)?)),
        }
    }
    Ok(merged)
}

fn no_merge_key(fields: &Map<String, Value>, key: &str) -> PatchError {
    PatchError::Meaningless(format!("map: {} does not contain declared merge key: {key}", go_map(fields)))
}

/// Returns whether two items stand for the same: equal merge keys, or equal scalars.
fn same_item(a: &Value, b: &Value, key: Option<&str>) -> bool {
    match key {
        Some(key) if a.is_object() && b.is_object() => a.get(key).is_some() && a.get(key) == b.get(key),
        _ => a == b,
    }
}

fn position(list: &[Value], item: &Value, key: Option<&str>) -> Option<usize> {
    list.iter().position(|other| same_item(other, item, key))
}

/// Sorts `merged`: items that `order` names as it names them, the others where they were in `original`.
fn in_order(merged: &[Value], order: &[Value], original: &[Value], key: Option<&str>) -> Vec<Value> {
    let (mut sent, mut kept): (Vec<&Value>, Vec<&Value>) =
        merged.iter().partition(|item| position(order, item, key).is_some());
    sent.sort_by_key(|item| position(order, item, key));
    kept.sort_by_key(|item| position(original, item, key));
    let mut sorted = Vec::with_capacity(merged.len());
    let (mut sent, mut kept) = (sent.into_iter().peekable(), kept.into_iter().peekable());
    while let (Some(next_sent), Some(next_kept)) = (sent.peek(), kept.peek()) {
        let (sent_at, kept_at) = (position(original, next_sent, key), position(original, next_kept, key));
        let kept_first = matches!((sent_at, kept_at), (Some(sent_at), Some(kept_at)) if kept_at < sent_at);
        sorted.extend(if kept_first { kept.next() } else { sent.next() }.cloned());
    }
    sorted.extend(sent.chain(kept).cloned());
    sorted
}

/// Refuses a patch list whose items do not follow `order`.
fn check_order(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    let mut rest = order.iter();
    let follows = patch
        .iter()
        .filter(|item| item.get(DIRECTIVE).is_none())
        .all(|item| rest.any(|wanted| same_item(wanted, item, key)));
    if follows {
        return Ok(());
    }
    let print = |list: &[Value]| go_value(&Value::Array(list.to_vec()));
    meaningless(format!(
        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
        print(patch),
        print(order)
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::registry::schema::{PatchStrategy, SchemaType};

    use super::super::strategic_merge_patch;
    use super::*;

    fn object(properties: Vec<(&str, Schema)>) -> Schema {
        let properties =
            properties.into_iter().map(|(name, schema)| (name.to_owned(), Arc::new(schema))).collect();
        Schema { schema_type: SchemaType::Object, properties, ..Schema::default() }
    }

    fn list(items: Schema, merge_key: Option<&str>) -> Schema {
        let patch =
            PatchStrategy { merge: true, retain_keys: false, merge_key: merge_key.map(str::to_owned) };
        Schema { schema_type: SchemaType::Array, items: Some(Arc::new(items)), patch, ..Schema::default() }
    }

    fn schema() -> Schema {
        let env = list(object(vec![]), Some("name"));
        let containers = list(object(vec![("env", env)]), Some("name"));
        let tolerations = Schema { schema_type: SchemaType::Array, ..Schema::default() };
        object(vec![
            ("containers", containers),
            ("finalizers", list(Schema::default(), None)),
            ("tolerations", tolerations),
        ])
    }

    fn check(original: Value, patch: Value, expected: Value) {
        assert_eq!(strategic_merge_patch(&original, &patch, &schema()), Ok(expected), "{patch}");
    }

    fn check_error(original: Value, patch: Value, expected: &str) {
        let error = strategic_merge_patch(&original, &patch, &schema()).unwrap_err();
        assert_eq!(error, PatchError::Meaningless(expected.to_owned()), "{patch}");
    }

    #[test]
    fn merges_items_by_key_and_puts_new_ones_where_the_patch_has_them() {
        let original = json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]});
        check(
            original.clone(),
            json!({"containers": [{"name": "b", "image": "2"}]}),
            json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}),
        );
        check(
            original.clone(),
            json!({"containers": [{"name": "c"}]}),
            json!({"containers": [{"name": "c"}, {"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}),
        );
        check(
            original.clone(),
            json!({"containers": [{"name": "a", "$patch": "delete"}]}),
            json!({"containers": [{"name": "b", "image": "1"}]}),
        );
        check(
            original.clone(),
            json!({"containers": [{"$patch": "replace"}, {"name": "z"}]}),
            json!({"containers": [{"name": "z"}]}),
        );
        check_error(
            original,
            json!({"containers": [{"image": "noname"}]}),
            "map: map[image:noname] does not contain declared merge key: name",
        );
    }

    #[test]
    fn sets_the_order_of_elements_also_without_changing_them() {
        let original = json!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
        check(
            original.clone(),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
            json!({"containers": [{"name": "b"}, {"name": "a"}, {"name": "c"}]}),
        );
        check(
            original.clone(),
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "n"}], "containers": [{"name": "n"}]}),
            json!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "n"}]}),
        );
        check_error(
            original,
            json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "zz"}]}),
            "The order in patch list:\n[map[name:zz]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
        );
    }

    #[test]
    fn treats_lists_of_scalars_as_sets() {
        let original = json!({"finalizers": ["a", "b"]});
        check(original.clone(), json!({"finalizers": ["c", "a"]}), json!({"finalizers": ["c", "a", "b"]}));
        check(
            original.clone(),
            json!({"$deleteFromPrimitiveList/finalizers": ["a", "x"]}),
            json!({"finalizers": ["b"]}),
        );
        check(
            original,
            json!({
                "$deleteFromPrimitiveList/finalizers": ["b"], "$setElementOrder/finalizers": ["d", "a"],
                "finalizers": ["d"],
            }),
            json!({"finalizers": ["d", "a"]}),
        );
    }

    #[test]
    fn replaces_lists_without_a_strategy() {
        check(json!({"tolerations": [1, 2]}), json!({"tolerations": [3]}), json!({"tolerations": [3]}));
    }

    #[test]
    fn follows_directives_in_maps() {
        let original = json!({"m": {"a": 1, "b": 2}});
        check(original.clone(), json!({"m": {"$patch": "replace", "c": 3}}), json!({"m": {"c": 3}}));
        check(original.clone(), json!({"m": {"$patch": "delete"}}), json!({"m": {}}));
        check(
            original.clone(),
            json!({"m": {"$retainKeys": ["b", "c"], "c": 3}}),
            json!({"m": {"b": 2, "c": 3}}),
        );
        check(original.clone(), json!({"m": {"a": null}, "n": {"x": null}}), json!({"m": {"b": 2}, "n": {}}));
        check(original.clone(), Value::Null, original.clone());
        check_error(
            original,
            json!({"m": {"$patch": "bogus", "q": "1"}}),
            "unknown patch type: bogus in map: map[$patch:bogus q:1]",
        );
    }
}

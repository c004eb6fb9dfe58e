//! JSON merge patch (RFC 7386, and what the Go library of the real API server makes of it).

use serde_json::{Map, Value};

use super::PatchError;
use super::go_text::go_json_type;

/// Returns `object` changed by a merge patch.
///
/// As a real server does it, and other than in the RFC, a list that is set loses the nulls in its objects, unless it takes the
/// place of an object; nulls that are items stay.
///
/// # Errors
///
/// When the patch is not an object.
pub fn merge_patch(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    match patch {
        Value::Object(fields) => {
            let mut merged = object.as_object().cloned().unwrap_or_default();
            merge(&mut merged, fields);
            Ok(Value::Object(merged))
        }
        Value::Null => Err(PatchError::Malformed("Invalid JSON Patch".to_owned())),
        other => Err(PatchError::Malformed(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_json_type(other)
        ))),
    }
}

fn merge(fields: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match (fields.get_mut(key), value) {
            (_, Value::Null) => {
                fields.remove(key);
            }
            (Some(Value::Object(current)), Value::Object(inner)) => merge(current, inner),
            (Some(current @ Value::Object(_)), other) => *current = other.clone(),
            (_, other) => {
                fields.insert(key.clone(), pruned(other));
            }
        }
    }
}

/// Returns a value without the members of objects that are null.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), pruned(value))).collect())
        }
        Value::Array(items) => items.iter().map(pruned).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::testing::{any_json, any_object};
    use super::*;

    #[test]
    fn null_removes_and_objects_merge_also_into_what_was_absent() {
        let merged = merge_patch(
            &json!({"a": 1, "b": {"c": 2}}),
            &json!({"a": null, "b": {"d": 3}, "e": {"f": null, "g": 1}}),
        );
        assert_eq!(merged.unwrap(), json!({"b": {"c": 2, "d": 3}, "e": {"g": 1}}));
    }

    #[test]
    fn a_list_that_is_set_loses_the_nulls_in_its_objects_unless_it_replaces_an_object() {
        let list = json!([null, {"a": null, "b": [{"c": null}]}]);
        let kept = json!([null, {"b": [{}]}]);
        for object in [json!({}), json!({"x": null}), json!({"x": [1]}), json!({"x": "text"})] {
            assert_eq!(merge_patch(&object, &json!({"x": list})).unwrap(), json!({"x": kept}), "{object}");
        }
        assert_eq!(merge_patch(&json!({"x": {"y": 1}}), &json!({"x": list})).unwrap(), json!({"x": list}));
        let nested = merge_patch(&json!({}), &json!({"x": {"y": list, "z": null}}));
        assert_eq!(nested.unwrap(), json!({"x": {"y": kept}}));
    }

    #[test]
    fn refuses_what_is_not_an_object() {
        let error = merge_patch(&json!({}), &json!([])).unwrap_err();
        assert!(error.to_string().contains("cannot unmarshal array into Go value"));
        assert_eq!(merge_patch(&json!({}), &Value::Null).unwrap_err().to_string(), "Invalid JSON Patch");
    }

    fn without_nulls_in_lists(value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (key, without_nulls_in_lists(value))).collect()
            }
            Value::Array(items) => {
                let text = Value::Array(items).to_string().replace("null", "0");
                serde_json::from_str(&text).unwrap()
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(object in any_object(), patch in any_object()) {
            let patch = without_nulls_in_lists(patch);
            let once = merge_patch(&object, &patch).unwrap();
            prop_assert_eq!(merge_patch(&once, &patch).unwrap(), once);
        }

        #[test]
        fn an_empty_patch_changes_nothing(object in any_json()) {
            prop_assume!(object.is_object());
            prop_assert_eq!(merge_patch(&object, &json!({})).unwrap(), object);
        }

        #[test]
        fn agrees_with_the_json_patch_crate(object in any_object(), patch in any_object()) {
            // They agree but for the nulls that lists lose.
            let patch = without_nulls_in_lists(patch);
            let mut expected = object.clone();
            ::json_patch::merge(&mut expected, &patch);
            prop_assert_eq!(merge_patch(&object, &patch).unwrap(), expected);
        }
    }
}

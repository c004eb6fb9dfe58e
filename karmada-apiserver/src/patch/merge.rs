//! JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

use super::PatchError;
use super::go_text::go_json_type;

/// Returns `object` changed by a merge patch.
///
/// # Errors
///
/// When the patch is not an object.
pub fn merge_patch(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    match patch {
        Value::Object(fields) => {
            let mut merged = object.clone();
            merge(&mut merged, fields);
            Ok(merged)
        }
        Value::Null => Err(PatchError::Malformed("Invalid JSON Patch".to_owned())),
        other => Err(PatchError::Malformed(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_json_type(other)
        ))),
    }
}

fn merge(target: &mut Value, patch: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (key, value) in patch {
        match value {
            Value::Null => {
                fields.remove(key);
            }
            Value::Object(inner) => merge(fields.entry(key).or_insert(Value::Null), inner),
            other => {
                fields.insert(key.clone(), other.clone());
            }
        }
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
    fn refuses_what_is_not_an_object() {
        let error = merge_patch(&json!({}), &json!([])).unwrap_err();
        assert!(error.to_string().contains("cannot unmarshal array into Go value"));
        assert_eq!(merge_patch(&json!({}), &Value::Null).unwrap_err().to_string(), "Invalid JSON Patch");
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(object in any_object(), patch in any_object()) {
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
            let mut expected = object.clone();
            ::json_patch::merge(&mut expected, &patch);
            prop_assert_eq!(merge_patch(&object, &patch).unwrap(), expected);
        }
    }
}

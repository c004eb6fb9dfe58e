//! Reading documents, and the difference between two of them.

use serde_json::{Map, Value};

/// Returns a text field, empty where there is none.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the text at a pointer, empty where there is none.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the whole number at a pointer.
pub(super) fn number_at(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// Returns a list field, empty where there is none.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns the condition of a type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object.get("status")?, "conditions").iter().find(|condition| text(condition, "type") == kind)
}

/// Whether a condition is `True`.
pub(super) fn holds(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, "status") == "True")
}

/// Sets a counter, leaving it out where it is zero, as the real controllers do.
pub(super) fn count(status: &mut Value, field: &str, number: i64) {
    if number != 0 {
        status[field] = number.into();
    }
}

/// Returns the merge patch that makes `new` of `old`, or none if they are equal.
pub(super) fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        match before.get(key) {
            Some(known) => {
                if let Some(difference) = merge_patch(known, value) {
                    patch.insert(key.clone(), difference);
                }
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_says_only_what_differs() {
        let old = json!({"a": 1, "b": {"c": 1, "d": [1]}, "e": 1});
        assert_eq!(merge_patch(&old, &old), None);
        let new = json!({"a": 1, "b": {"c": 2, "d": [1]}, "f": 1});
        assert_eq!(merge_patch(&old, &new), Some(json!({"b": {"c": 2}, "e": null, "f": 1})));
    }
}

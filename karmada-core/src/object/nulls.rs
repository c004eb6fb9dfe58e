//! Null members, which Go reads as absent and API servers do not always keep.

use serde_json::Value;

/// Whether a null is anywhere in a value.
pub fn has_nulls(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().any(has_nulls),
        Value::Array(elements) => elements.iter().any(has_nulls),
        _ => false,
    }
}

/// Returns a value without null members.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(key, member)| (key.clone(), without_nulls(member))).collect())
        }
        Value::Array(elements) => elements.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Removes times of creation that are null: older Kubernetes has one in every template of pods.
pub fn remove_unset_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(remove_unset_times),
        Value::Object(fields) => {
            fields.retain(|name, value| name != "creationTimestamp" || !value.is_null());
            fields.values_mut().for_each(remove_unset_times);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_are_null_go_and_elements_stay() {
        let value = json!({"a": null, "b": [{"c": null, "d": 1}, null]});
        assert!(has_nulls(&value));
        assert_eq!(without_nulls(&value), json!({"b": [{"d": 1}, null]}));
        assert!(!has_nulls(&json!({"b": [{"d": 1}]})));
    }
}

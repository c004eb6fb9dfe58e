//! What was applied last, kept in an annotation of the object.

use karmada_core::object::to_go_json;
use serde_json::{Map, Value};

/// The annotation that holds what was applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns what was applied last; nothing when the object was made in another way.
pub fn last_applied(object: &Value) -> Option<Value> {
    let text = object.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
    serde_json::from_str(text).ok()
}

/// Returns the object with itself in the annotation, as `apply` sends it.
pub fn with_last_applied(object: &Value) -> Value {
    let mut plain = object.clone();
    // The annotation never holds itself, and is always said to have siblings: so kubectl writes it.
    match annotations(&mut plain) {
        Some(annotations) => drop(annotations.remove(LAST_APPLIED)),
        None => return plain,
    }
    let text = to_go_json(&plain) + "\n";
    if let Some(annotations) = annotations(&mut plain) {
        annotations.insert(LAST_APPLIED.to_owned(), Value::String(text));
    }
    plain
}

/// The annotations of an object, made when they are missing; nothing when the object has no metadata.
fn annotations(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    if annotations.is_null() {
        *annotations = Value::Object(Map::new());
    }
    annotations.as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_carries_itself() {
        let object = json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "<v>"}});
        let applied = with_last_applied(&object);
        assert_eq!(
            applied["metadata"]["annotations"][LAST_APPLIED],
            "{\"data\":{\"k\":\"\\u003cv\\u003e\"},\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{},\"name\":\"a\"}}\n"
        );
        let mut expected = object;
        expected["metadata"]["annotations"] = json!({});
        assert_eq!(last_applied(&applied).unwrap(), expected);
        assert_eq!(with_last_applied(&applied), applied);
        assert_eq!(last_applied(&json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}})), None);
    }
}

//! The parts of an unstructured object that every object has.

use std::fmt;

use serde_json::{Map, Value};

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersionKind {
    /// Group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
}

impl GroupVersionKind {
    /// Returns the group, version and kind that `apiVersion` and `kind` name.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Returns the object's.
    pub fn of(object: &Value) -> Self {
        Self::new(api_version(object), kind(object))
    }

    /// Returns `group/version`, or just the version in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// Returns `apiVersion`, empty when absent.
pub fn api_version(object: &Value) -> &str {
    text(&object["apiVersion"])
}

/// Returns `kind`, empty when absent.
pub fn kind(object: &Value) -> &str {
    text(&object["kind"])
}

/// Returns the name, empty when absent.
pub fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// Returns the namespace, empty when absent.
pub fn namespace(object: &Value) -> &str {
    text(&object["metadata"]["namespace"])
}

/// Returns the uid, empty when absent.
pub fn uid(object: &Value) -> &str {
    text(&object["metadata"]["uid"])
}

/// Returns true when deletion of the object has begun.
pub fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Returns the labels, none when there are none or they are no map.
pub fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object["metadata"]["labels"].as_object()
}

/// Returns the value of a label.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"].get(key)?.as_str()
}

/// Returns the value of an annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"].get(key)?.as_str()
}

/// Sets a label; returns true when that changed the object.
pub fn set_label(object: &mut Value, key: &str, value: &str) -> bool {
    set_entry(object, "labels", key, value)
}

/// Sets an annotation; returns true when that changed the object.
pub fn set_annotation(object: &mut Value, key: &str, value: &str) -> bool {
    set_entry(object, "annotations", key, value)
}

/// Removes a label; returns true when it was there. An empty map goes too.
pub fn remove_label(object: &mut Value, key: &str) -> bool {
    remove_entry(object, "labels", key)
}

/// Removes an annotation; returns true when it was there. An empty map goes too.
pub fn remove_annotation(object: &mut Value, key: &str) -> bool {
    remove_entry(object, "annotations", key)
}

fn set_entry(object: &mut Value, field: &str, key: &str, value: &str) -> bool {
    let Some(entries) =
        map_of(object).map(|object| entry_map(object, "metadata")).map(|meta| entry_map(meta, field))
    else {
        return false;
    };
    if entries.get(key).and_then(Value::as_str) == Some(value) {
        return false;
    }
    entries.insert(key.to_owned(), value.into());
    true
}

fn remove_entry(object: &mut Value, field: &str, key: &str) -> bool {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return false;
    };
    let Some(entries) = metadata.get_mut(field).and_then(Value::as_object_mut) else {
        return false;
    };
    let removed = entries.remove(key).is_some();
    if removed && entries.is_empty() {
        metadata.remove(field);
    }
    removed
}

fn map_of(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// Returns the map in a field; what is there and is no map gives way to an empty one.
fn entry_map<'a>(parent: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made a map")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_set_where_nothing_was() {
        let mut object = json!({});
        assert!(set_label(&mut object, "a", "b"));
        assert!(!set_label(&mut object, "a", "b"));
        assert_eq!(object, json!({"metadata": {"labels": {"a": "b"}}}));
        assert!(remove_label(&mut object, "a"));
        assert_eq!(object, json!({"metadata": {}}));
    }

    #[test]
    fn group_version_and_kind_print_as_go_does() {
        assert_eq!(GroupVersionKind::new("apps/v1", "Deployment").to_string(), "apps/v1, Kind=Deployment");
        assert_eq!(GroupVersionKind::new("v1", "ConfigMap").to_string(), "/v1, Kind=ConfigMap");
    }
}

//! Overrider of labels and annotations.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::OverrideError;
use super::json_patch::PatchOperation;
use super::plaintext::patch_object;
use crate::api::policy::{LabelAnnotationOverrider, OverriderOperator};

/// The map that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetadataMap {
    /// `metadata.labels`.
    Labels,
    /// `metadata.annotations`.
    Annotations,
}

impl MetadataMap {
    fn field(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }
}

/// Applies an overrider to labels or annotations.
pub(super) fn apply(
    object: &mut Value,
    map: MetadataMap,
    overrider: &LabelAnnotationOverrider,
) -> Result<(), OverrideError> {
    let field = map.field();
    let current = current_map(object, field);
    let mut operations = Vec::new();
    if overrider.operator == OverriderOperator::Add && current.is_empty() && !overrider.value.is_empty() {
        operations.push(PatchOperation {
            operator: OverriderOperator::Add.as_str().into(),
            path: format!("/metadata/{field}").into(),
            value: json!({}),
        });
    }
    for (key, value) in &overrider.value {
        let needs_key = matches!(overrider.operator, OverriderOperator::Remove | OverriderOperator::Replace);
        if needs_key && !current.contains_key(key) {
            continue;
        }
        operations.push(PatchOperation {
            operator: overrider.operator.as_str().to_owned().into(),
            // A `~` in the key is deliberately not escaped: it never was.
            path: format!("/metadata/{field}/{}", key.replace('/', "~1")).into(),
            value: Value::String(value.clone()),
        });
    }
    patch_object(object, &operations)
}

/// Returns the map, empty when any value is no text.
fn current_map(object: &Value, field: &str) -> BTreeMap<String, String> {
    let Some(map) = object.pointer(&format!("/metadata/{field}")).and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    let texts = map.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    texts.collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(metadata: Value, operator: &str, value: &[(&str, &str)]) -> Value {
        let overrider = LabelAnnotationOverrider {
            operator: operator.into(),
            value: value.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        };
        let mut object = json!({"kind": "ConfigMap", "metadata": metadata});
        apply(&mut object, MetadataMap::Labels, &overrider).unwrap();
        object["metadata"].take()
    }

    #[test]
    fn adds_the_map_when_it_is_missing() {
        assert_eq!(changed(json!({}), "add", &[("a.b/c", "1")]), json!({"labels": {"a.b/c": "1"}}));
        assert_eq!(changed(json!({"labels": {"x": 5}}), "add", &[("a", "1")]), json!({"labels": {"a": "1"}}));
    }

    #[test]
    fn skips_missing_keys_on_replace_and_remove() {
        let metadata = json!({"labels": {"app": "web"}});
        assert_eq!(changed(metadata.clone(), "replace", &[("no", "1")]), metadata);
        assert_eq!(changed(metadata.clone(), "remove", &[("app", "other")]), json!({"labels": {}}));
    }
}

//! Which labels and annotations of a member's object are Karmada's.
//!
//! A manifest lists the keys of its labels and annotations in two annotations of its own. When it is written again,
//! keys that the member's object has and the manifest has not are someone else's and stay, unless the last
//! manifest listed them: then the template has lost them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::api::reserved::{MANAGED_ANNOTATIONS_ANNOTATION, MANAGED_LABELS_ANNOTATION};
use crate::api::work::constants::WORK_ID_LABEL;
use crate::object;

/// Puts the Work's permanent id on a manifest and lists the keys of its labels and annotations.
pub fn record_managed(manifest: &mut Value, work_id: Option<&str>) {
    if let Some(id) = work_id {
        object::set_label(manifest, WORK_ID_LABEL, id);
    }
    let mut annotations = keys(manifest, "annotations");
    annotations.extend([MANAGED_ANNOTATIONS_ANNOTATION.to_owned(), MANAGED_LABELS_ANNOTATION.to_owned()]);
    let labels = keys(manifest, "labels");
    object::set_annotation(manifest, MANAGED_ANNOTATIONS_ANNOTATION, &join(annotations));
    object::set_annotation(manifest, MANAGED_LABELS_ANNOTATION, &join(labels));
}

/// Keeps labels and annotations of a member's object that are not Karmada's.
pub fn keep_foreign_metadata(desired: &mut Value, observed: &Value) {
    for (field, record) in
        [("annotations", MANAGED_ANNOTATIONS_ANNOTATION), ("labels", MANAGED_LABELS_ANNOTATION)]
    {
        let Some(found) = observed.pointer(&format!("/metadata/{field}")).and_then(Value::as_object) else {
            continue;
        };
        let managed: BTreeSet<&str> =
            object::annotation(observed, record).map(|keys| keys.split(',').collect()).unwrap_or_default();
        let kept: Vec<_> = found.iter().filter(|(key, _)| !managed.contains(key.as_str())).collect();
        if kept.is_empty() {
            continue;
        }
        let Some(target) = metadata_map(desired, field) else { continue };
        for (key, value) in kept {
            if !target.contains_key(key) {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Returns a map of the metadata, made when it is missing; none when the object is none.
pub(super) fn metadata_map<'a>(object: &'a mut Value, field: &str) -> Option<&'a mut Map<String, Value>> {
    let metadata = object.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let map = metadata.as_object_mut()?.entry(field).or_insert_with(|| Value::Object(Map::new()));
    if map.is_null() {
        *map = Value::Object(Map::new());
    }
    map.as_object_mut()
}

fn keys(object: &Value, field: &str) -> BTreeSet<String> {
    let map = object.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
    map.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

fn join(keys: BTreeSet<String>) -> String {
    keys.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn drops_what_the_template_has_lost_and_keeps_what_others_have_set() {
        let observed = json!({"metadata": {"annotations": {
            "lost": "1", "foreign": "1", MANAGED_ANNOTATIONS_ANNOTATION: "lost",
        }}});
        let mut desired = json!({"metadata": {"annotations": {MANAGED_ANNOTATIONS_ANNOTATION: "new"}}});
        keep_foreign_metadata(&mut desired, &observed);
        assert_eq!(
            desired["metadata"]["annotations"],
            json!({"foreign": "1", MANAGED_ANNOTATIONS_ANNOTATION: "new"})
        );
    }

    #[test]
    fn recording_twice_changes_nothing_more() {
        let mut manifest = json!({"metadata": {"labels": {"b": "1", "a": "1"}}});
        record_managed(&mut manifest, Some("id"));
        let once = manifest.clone();
        record_managed(&mut manifest, Some("id"));
        assert_eq!(manifest, once);
        assert_eq!(
            once["metadata"]["annotations"][MANAGED_LABELS_ANNOTATION],
            "a,b,work.karmada.io/permanent-id"
        );
    }
}

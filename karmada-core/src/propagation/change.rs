//! What changed between two versions of a template.

use serde_json::{Map, Value};

use crate::api::reserved::SKIP_AUTO_PROPAGATION_LABEL;

/// What a change of a template means for the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that is propagated changed.
    Irrelevant,
    /// Only Karmada's own marks changed.
    ByKarmada,
    /// The user changed something.
    ByUser,
}

/// Returns what an update of a template means.
pub fn classify_change(old: &Value, new: &Value) -> Change {
    if !is_specification_changed(old, new) {
        Change::Irrelevant
    } else if is_changed_by_karmada(old, new) {
        Change::ByKarmada
    } else {
        Change::ByUser
    }
}

/// Returns true when more than the status and the server's bookkeeping changed.
pub fn is_specification_changed(old: &Value, new: &Value) -> bool {
    specification(old) != specification(new)
}

/// Returns true when nothing changed but labels and annotations of Karmada, and the generation.
pub fn is_changed_by_karmada(old: &Value, new: &Value) -> bool {
    users_part(old) == users_part(new)
}

fn specification(template: &Value) -> Value {
    let mut copy = template.clone();
    if let Some(fields) = copy.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = copy.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
    }
    copy
}

fn users_part(template: &Value) -> Value {
    let mut copy = specification(template);
    if let Some(metadata) = copy.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("generation");
        remove_own_keys(metadata, "labels");
        remove_own_keys(metadata, "annotations");
    }
    copy
}

fn remove_own_keys(metadata: &mut Map<String, Value>, field: &str) {
    let Some(entries) = metadata.get_mut(field).and_then(Value::as_object_mut) else {
        return;
    };
    entries.retain(|key, _| key == SKIP_AUTO_PROPAGATION_LABEL || !key.contains(".karmada.io"));
    if entries.is_empty() {
        metadata.remove(field);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(labels: Value, data: &str, expected: Change) {
        let old = json!({"metadata": {"generation": 1, "resourceVersion": "1"}, "data": "a"});
        let new =
            json!({"metadata": {"generation": 2, "resourceVersion": "2", "labels": labels}, "data": data});
        assert_eq!(classify_change(&old, &new), expected, "{new}");
    }

    #[test]
    fn labels_of_karmada_are_not_the_users_change() {
        check(json!({"propagationpolicy.karmada.io/permanent-id": "x"}), "a", Change::ByKarmada);
        check(json!({"propagationpolicy.karmada.io/permanent-id": "x"}), "b", Change::ByUser);
        check(json!({"namespace.karmada.io/skip-auto-propagation": "true"}), "a", Change::ByUser);
        check(json!({"app": "x"}), "a", Change::ByUser);
    }

    #[test]
    fn the_status_is_irrelevant() {
        let old = json!({"metadata": {"resourceVersion": "1"}, "status": 1});
        let new = json!({"metadata": {"resourceVersion": "2"}, "status": 2});
        assert_eq!(classify_change(&old, &new), Change::Irrelevant);
    }
}

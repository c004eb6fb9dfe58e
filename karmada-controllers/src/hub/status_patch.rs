//! Patches of a status that arrive as they were meant.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, TestOperation};
use karmada_core::object::has_nulls;
use kube::api::Patch;
use serde_json::{Map, Value};

/// Whether an object has a status already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Present,
    Absent,
}

impl<T> From<Option<&T>> for Status {
    fn from(status: Option<&T>) -> Self {
        if status.is_some() { Self::Present } else { Self::Absent }
    }
}

/// Returns how a merge patch of a status is sent.
///
/// API servers take nulls out of lists in a merge patch, although these replace the whole list. Members' statuses are kept
/// in such lists, with the nulls they have: then it is sent as a JSON patch, which leaves values alone.
pub(crate) fn status_patch(patch: Value, status: Status) -> Patch<Value> {
    let fields = patch["status"].as_object();
    match fields.filter(|fields| fields.values().any(has_null_in_list)) {
        Some(fields) => {
            let version = &patch["metadata"]["resourceVersion"];
            Patch::Json(json_patch::Patch(operations(fields, version, status)))
        }
        None => Patch::Merge(patch),
    }
}

fn operations(fields: &Map<String, Value>, version: &Value, status: Status) -> Vec<PatchOperation> {
    let at = |tokens: &[&str]| PointerBuf::from_tokens(tokens.iter().copied());
    let mut operations = Vec::new();
    if !version.is_null() {
        let path = at(&["metadata", "resourceVersion"]);
        operations.push(PatchOperation::Test(TestOperation { path, value: version.clone() }));
    }
    let fields = fields.iter().filter(|(_, value)| !value.is_null());
    match status {
        Status::Absent => {
            let value = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
            operations.push(PatchOperation::Add(AddOperation { path: at(&["status"]), value }));
        }
        Status::Present => operations.extend(fields.map(|(name, value)| {
            PatchOperation::Add(AddOperation { path: at(&["status", name]), value: value.clone() })
        })),
    }
    operations
}

fn has_null_in_list(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_nulls),
        Value::Object(fields) => fields.values().any(has_null_in_list),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sent(patch: Value, status: Status) -> Value {
        match status_patch(patch, status) {
            Patch::Json(patch) => serde_json::to_value(patch).unwrap(),
            Patch::Merge(patch) => patch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_server_keeps_is_sent_as_a_merge_patch() {
        let patch = json!({"status": {"conditions": [{"type": "Applied"}], "aggregatedStatus": null}});
        assert_eq!(sent(patch.clone(), Status::Present), patch);
    }

    #[test]
    fn a_null_in_a_list_is_sent_as_a_json_patch_of_this_version() {
        let patch = json!({
            "metadata": {"resourceVersion": "7"},
            "status": {"aggregatedStatus": [{"status": {"currentMetrics": null}}], "conditions": []},
        });
        let test = json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"});
        let reported = &patch["status"]["aggregatedStatus"];
        assert_eq!(
            sent(patch.clone(), Status::Present),
            json!([
                test,
                {"op": "add", "path": "/status/aggregatedStatus", "value": reported},
                {"op": "add", "path": "/status/conditions", "value": []},
            ])
        );
        assert_eq!(
            sent(patch.clone(), Status::Absent),
            json!([test, {"op": "add", "path": "/status", "value": patch["status"]}])
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), Just(json!("a~/b"))];
        leaf.prop_recursive(3, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_ways_write_the_same_lists(
            before in prop::collection::btree_map("[a-c~/]", prop::collection::vec(value(), 0..3), 0..3),
            after in prop::collection::btree_map("[a-c~/]", prop::collection::vec(value(), 0..3), 0..3),
            present in any::<bool>(),
        ) {
            let mut object = if present { json!({"status": before}) } else { json!({"kind": "Work"}) };
            let mut expected = object.clone();
            let patch = json!({"status": after});
            json_patch::merge(&mut expected, &patch);
            let status = if present { Status::Present } else { Status::Absent };
            match status_patch(patch, status) {
                Patch::Json(patch) => json_patch::patch(&mut object, &patch).unwrap(),
                Patch::Merge(patch) => json_patch::merge(&mut object, &patch),
                other => panic!("{other:?}"),
            }
            prop_assert_eq!(object, expected);
        }
    }
}

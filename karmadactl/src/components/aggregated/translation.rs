//! A Cluster as it is served, and as it is kept.

use karmada_core::api::cluster::Cluster;
use karmada_core::api::cluster::constants::GROUP;
use serde_json::Value;

use super::storage::{API_VERSION, GROUP as STORAGE_GROUP, KIND, PLURAL};

const LIST_KIND: &str = "ClusterList";
const STORED_LIST_KIND: &str = "StoredClusterList";
const SERVED_PLURAL: &str = "clusters";

/// Returns an object as it is kept. Objects of other kinds, such as options, are taken along if they name the version.
pub(super) fn to_stored(mut object: Value) -> Value {
    if object["apiVersion"] == Cluster::API_VERSION {
        object["apiVersion"] = API_VERSION.into();
        if object["kind"] == Cluster::KIND {
            object["kind"] = KIND.into();
        }
    }
    own_fields(&mut object, Cluster::API_VERSION, API_VERSION);
    object
}

/// Returns an answer as it is served: an object, a list, a table, an event of a watch, or an error.
pub(super) fn to_served(mut answer: Value) -> Value {
    translate(&mut answer);
    answer
}

fn translate(answer: &mut Value) {
    if answer["apiVersion"] == API_VERSION {
        answer["apiVersion"] = Cluster::API_VERSION.into();
        if answer["kind"] == KIND {
            answer["kind"] = Cluster::KIND.into();
        } else if answer["kind"] == STORED_LIST_KIND {
            answer["kind"] = LIST_KIND.into();
        }
    }
    own_fields(answer, API_VERSION, Cluster::API_VERSION);
    if answer["kind"] == "Status" {
        translate_status(answer);
        return;
    }
    // Fields are looked up without adding them.
    if let Some(Value::Array(items)) = answer.get_mut("items") {
        items.iter_mut().for_each(translate);
    }
    if answer["kind"] == "Table"
        && let Some(Value::Array(rows)) = answer.get_mut("rows")
    {
        rows.iter_mut().filter_map(|row| row.get_mut("object")).for_each(translate);
    }
    // An event has no kind of its own.
    if answer.get("kind").is_none()
        && answer.get("type").is_some()
        && let Some(object) = answer.get_mut("object")
    {
        translate(object);
    }
}

/// Renames the version under which managers own fields.
fn own_fields(object: &mut Value, from: &str, to: &str) {
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        if entry["apiVersion"] == from {
            entry["apiVersion"] = to.into();
        }
    }
}

fn translate_status(status: &mut Value) {
    if let Some(message) = status["message"].as_str() {
        status["message"] = words(message).into();
    }
    let Some(details) = status.get_mut("details").filter(|details| details.is_object()) else { return };
    if details["group"] == STORAGE_GROUP {
        details["group"] = GROUP.into();
    }
    if details["kind"] == PLURAL {
        details["kind"] = SERVED_PLURAL.into();
    } else if details["kind"] == KIND {
        details["kind"] = Cluster::KIND.into();
    }
    for cause in details.get_mut("causes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(message) = cause["message"].as_str() {
            cause["message"] = words(message).into();
        }
    }
}

/// Returns a text with the names that users know.
fn words(text: &str) -> String {
    text.replace(API_VERSION, Cluster::API_VERSION)
        .replace(&format!("{PLURAL}.{STORAGE_GROUP}"), &format!("{SERVED_PLURAL}.{GROUP}"))
        .replace(&format!("{KIND}.{STORAGE_GROUP}"), &format!("{}.{GROUP}", Cluster::KIND))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cluster() -> Value {
        json!({
            "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster",
            "metadata": {"name": "m1", "managedFields": [
                {"manager": "kubectl", "apiVersion": "cluster.karmada.io/v1alpha1", "fieldsV1": {"f:spec": {}}},
                {"manager": "other", "apiVersion": "v1"},
            ]},
            "spec": {"syncMode": "Push"},
        })
    }

    #[test]
    fn what_is_stored_comes_back_as_it_was() {
        let stored = to_stored(cluster());
        assert_eq!(
            (&stored["apiVersion"], &stored["kind"]),
            (&json!("storage.karmada.io/v1alpha1"), &json!("StoredCluster"))
        );
        assert_eq!(stored["metadata"]["managedFields"][0]["apiVersion"], "storage.karmada.io/v1alpha1");
        assert_eq!(stored["metadata"]["managedFields"][1]["apiVersion"], "v1");
        assert_eq!(to_served(stored), cluster());
    }

    #[test]
    fn lists_tables_and_events_are_translated() {
        let stored = to_stored(cluster());
        let list = json!({"apiVersion": API_VERSION, "kind": "StoredClusterList", "metadata": {"resourceVersion": "7"}, "items": [stored]});
        let served = to_served(list);
        assert_eq!((&served["kind"], &served["items"][0]), (&json!("ClusterList"), &cluster()));
        let table = json!({"apiVersion": "meta.k8s.io/v1", "kind": "Table", "rows": [{"cells": ["m1"], "object": {
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": stored["metadata"]}}]});
        let served = to_served(table);
        assert_eq!(served["rows"][0]["object"]["metadata"], cluster()["metadata"]);
        assert_eq!(to_served(json!({"type": "ADDED", "object": stored}))["object"], cluster());
        let bookmark = json!({"type": "BOOKMARK", "object": {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"resourceVersion": "9"}}});
        assert_eq!(to_served(bookmark)["object"]["kind"], "Cluster");
    }

    #[test]
    fn errors_name_what_users_know() {
        let status = json!({
            "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
            "message": "storedclusters.storage.karmada.io \"m1\" not found",
            "details": {"name": "m1", "group": "storage.karmada.io", "kind": "storedclusters"},
        });
        let served = to_served(status);
        assert_eq!(served["message"], "clusters.cluster.karmada.io \"m1\" not found");
        assert_eq!(
            served["details"],
            json!({"name": "m1", "group": "cluster.karmada.io", "kind": "clusters"})
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-zA-Z./]{0,12}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("kind|items|object|type|metadata|managedFields|a", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_not_ours_stays_as_it_is(value in any_json()) {
            prop_assert_eq!(to_served(value.clone()), value.clone());
            prop_assert_eq!(to_stored(value.clone()), value);
        }
    }
}

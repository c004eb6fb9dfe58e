//! What a new object of a built-in kind holds before anything is set.
//!
//! In the original server objects are structs: members that are structs themselves, and lists that are always written,
//! exist in an empty object. Whoever creates an object does not come to own them, only what is below.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::target::{Origin, Target};

/// Members of the kinds that have more than `metadata`, `spec` and `status`; `null` stands for a list or a time.
static STRUCTS: LazyLock<Value> = LazyLock::new(|| {
    let pod = json!({"containers": null});
    let template = json!({"metadata": {}, "spec": pod});
    let workload = json!({"spec": {"selector": null, "template": template}});
    json!({
        "APIService": {"spec": {}},
        "Binding": {"target": {}},
        "CSINode": {"spec": {"drivers": null}},
        "CronJob": {"spec": {"jobTemplate": {"metadata": {}, "spec": {"template": template}}}},
        "CustomResourceDefinition": {
            "spec": {"names": {}, "versions": null},
            "status": {"acceptedNames": {}, "conditions": null, "storedVersions": null},
        },
        "DaemonSet": {"spec": {"selector": null, "template": template, "updateStrategy": {}}},
        "Deployment": {"spec": {"selector": null, "strategy": {}, "template": template}},
        "Endpoints": {},
        "EndpointSlice": {"endpoints": null, "ports": null},
        "Event": {
            "eventTime": null, "firstTimestamp": null, "involvedObject": {}, "lastTimestamp": null,
            "reportingComponent": "", "reportingInstance": "", "source": {},
            "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null, "deprecatedSource": {}, "regarding": {},
        },
        "HorizontalPodAutoscaler": {"spec": {"scaleTargetRef": {}}, "status": {}},
        "Ingress": {"spec": {}, "status": {"loadBalancer": {}}},
        "IngressClass": {"spec": {}},
        "Job": {"spec": {"template": template}},
        "LimitRange": {"spec": {"limits": null}},
        "NetworkPolicy": {"spec": {"podSelector": {}}},
        "Node": {"spec": {}, "status": {"daemonEndpoints": {"kubeletEndpoint": {}}, "nodeInfo": {}}},
        "PersistentVolumeClaim": {"spec": {"resources": {}}},
        "Pod": {"spec": pod},
        "PodTemplate": {"template": template},
        "ReplicaSet": workload,
        "ReplicationController": {"spec": {}},
        "RoleBinding": {"roleRef": {}},
        "ClusterRoleBinding": {"roleRef": {}},
        "Role": {"rules": null},
        "ClusterRole": {"rules": null},
        "Scale": {"spec": {}},
        "Service": {"spec": {}, "status": {"loadBalancer": {}}},
        "PriorityClass": {"value": 0},
        "StatefulSet": {"spec": {"selector": null, "serviceName": "", "template": template, "updateStrategy": {}}},
        "StorageClass": {},
        "TokenRequest": {"spec": {"audiences": null, "boundObjectRef": null}},
        "VolumeAttachment": {"spec": {"source": {}}},
    })
});

/// Returns `object` with the members that the original server's struct always has; objects of CRDs as they are.
pub(super) fn with_struct_members<'v>(object: &'v Value, target: &Target<'_>) -> Cow<'v, Value> {
    static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));
    if target.origin != Origin::BuiltIn {
        return Cow::Borrowed(object);
    }
    let is_struct =
        |part: &str| target.schema.properties.get(part).is_some_and(|schema| !schema.properties.is_empty());
    let parts = ["spec", "status"].into_iter().filter(|part| is_struct(part));
    let parts: Vec<&str> = std::iter::once("metadata").chain(parts).collect();
    let members = STRUCTS.get(target.kind).unwrap_or(&EMPTY);
    let map = object.as_object();
    // What was stored before has them all.
    if map.is_none_or(|map| parts.iter().all(|part| map.contains_key(*part))) && has_all(object, members) {
        return Cow::Borrowed(object);
    }
    let mut filled = object.clone();
    if let Some(filled) = filled.as_object_mut() {
        for part in parts {
            filled.entry(part).or_insert_with(|| EMPTY.clone());
        }
    }
    fill(&mut filled, members);
    Cow::Owned(filled)
}

/// Returns whether [`fill`] would change nothing.
fn has_all(object: &Value, members: &Value) -> bool {
    let (Some(object), Some(members)) = (object.as_object(), members.as_object()) else { return true };
    members.iter().all(|(name, member)| object.get(name).is_some_and(|inner| has_all(inner, member)))
}

/// Adds what `members` has and `object` lacks; an explicit null stays.
fn fill(object: &mut Value, members: &Value) {
    let (Some(object), Some(members)) = (object.as_object_mut(), members.as_object()) else { return };
    for (name, member) in members {
        match object.get_mut(name) {
            Some(inner) => fill(inner, member),
            None => {
                object.insert(name.clone(), member.clone());
            }
        }
    }
}

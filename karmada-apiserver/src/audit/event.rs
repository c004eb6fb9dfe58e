//! An event as it is written (`audit.k8s.io/v1` `Event`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::policy::{Level, Stage};
use crate::auth::UserInfo;

/// One event. Its fields are in the order of the real server's lines.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditEvent {
    pub(super) kind: &'static str,
    pub(super) api_version: &'static str,
    pub(super) level: Level,
    #[serde(rename = "auditID")]
    pub(super) audit_id: String,
    pub(super) stage: Stage,
    #[serde(rename = "requestURI")]
    pub(super) request_uri: String,
    pub(super) verb: String,
    pub(super) user: UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) impersonated_user: Option<UserInfo>,
    #[serde(rename = "sourceIPs", skip_serializing_if = "Vec::is_empty")]
    pub(super) source_ips: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user_agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object_ref: Option<ObjectReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_status: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_object: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_object: Option<Value>,
    #[serde(serialize_with = "microseconds")]
    pub(super) request_received_timestamp: Timestamp,
    #[serde(serialize_with = "microseconds")]
    pub(super) stage_timestamp: Timestamp,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// What a request is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectReference {
    pub(super) resource: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) uid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) api_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) resource_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) subresource: String,
}

impl AuditEvent {
    /// Returns the event as a line.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("an event is always JSON");
        line.push(b'\n');
        line
    }
}

impl ObjectReference {
    /// Fills in what only the object tells.
    pub(super) fn complete(&mut self, object: &Value) {
        let text = |key: &str| {
            object.pointer(&format!("/metadata/{key}")).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        for (own, key) in [
            (&mut self.namespace, "namespace"),
            (&mut self.name, "name"),
            (&mut self.uid, "uid"),
            (&mut self.resource_version, "resourceVersion"),
        ] {
            if own.is_empty() {
                *own = text(key);
            }
        }
    }
}

/// Returns what an answer says of its success.
pub(super) fn response_status(code: u16, body: Option<&Value>) -> Value {
    let mut status = Map::new();
    status.insert("metadata".to_owned(), json!({}));
    let body = body.filter(|body| body["kind"] == "Status");
    for key in ["status", "message", "reason", "details"] {
        if let Some(value) = body.and_then(|body| body.get(key)) {
            status.insert(key.to_owned(), value.clone());
        }
    }
    status.insert("code".to_owned(), code.into());
    Value::Object(status)
}

/// Removes who manages which fields from an object, or from those of a list.
pub(super) fn without_managers(mut object: Value) -> Value {
    let strip = |object: &mut Value| {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    };
    strip(&mut object);
    for item in object.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        strip(item);
    }
    for row in object.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(object) = row.get_mut("object") {
            strip(object);
        }
    }
    object
}

fn microseconds<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_completes_what_a_path_leaves_open() {
        let mut reference = ObjectReference { resource: "pods".to_owned(), ..ObjectReference::default() };
        reference.complete(&json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "7"}}));
        assert_eq!((reference.name.as_str(), reference.uid.as_str()), ("a", "u"));
        assert_eq!(reference.resource_version, "7");
    }

    #[test]
    fn managers_are_left_out_of_lists_and_tables_too() {
        let managed = json!({"metadata": {"name": "a", "managedFields": []}});
        let plain = json!({"metadata": {"name": "a"}});
        assert_eq!(without_managers(managed.clone()), plain);
        let list = without_managers(json!({"items": [managed.clone()], "rows": [{"object": managed}]}));
        assert_eq!(list, json!({"items": [plain], "rows": [{"object": plain}]}));
    }
}

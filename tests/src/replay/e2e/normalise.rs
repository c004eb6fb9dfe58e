//! Brings objects into the form of the recording: what differs from run to run gets a stable name.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Times from this year on are of the run; earlier ones are input.
const FIRST_YEAR_OF_RUNS: i16 = 2026;
const PERMANENT_ID: &str = ".karmada.io/permanent-id";
/// Labels that hold the permanent id of another object under a key of their own.
const DEPENDED_BY: &str = "resourcebinding.karmada.io/depended-by-";
const TIME: &str = "<time>";

/// What identifiers stand for, over a whole scenario: objects may be gone when their ids are seen.
#[derive(Clone, Debug, Default)]
pub struct Identifiers {
    /// Servers that the recorder did not look at: their ids are any.
    strangers: BTreeSet<String>,
    uids: BTreeMap<String, String>,
    permanent_ids: BTreeMap<String, String>,
}

impl Identifiers {
    /// Starts without knowledge, and learns nothing about some servers.
    pub fn not_of(strangers: BTreeSet<String>) -> Self {
        Self { strangers, ..Self::default() }
    }

    /// Remembers what the ids of an object stand for.
    pub fn note(&mut self, server: &str, object: &Value) {
        if self.strangers.contains(server) {
            return;
        }
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, namespace, name) =
            (text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"]));
        let place = if namespace.is_empty() {
            format!("{kind}/{name}")
        } else {
            format!("{kind}/{namespace}/{name}")
        };
        if let Some(uid) = metadata["uid"].as_str() {
            self.uids.insert(uid.to_owned(), format!("<uid:{server}:{place}>"));
        }
        for (label, id) in metadata["labels"].as_object().into_iter().flatten() {
            let is_own = own_kinds(label).contains(&kind.as_str());
            if let Some(id) = id.as_str().filter(|_| is_own) {
                self.permanent_ids.insert(id.to_owned(), format!("<permanent-id:{place}>"));
            }
        }
    }

    /// Returns an object in the form of the recording.
    pub fn normalise(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for name in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
                metadata.remove(name);
            }
            if metadata.contains_key("deletionTimestamp") {
                metadata.insert("deletionTimestamp".to_owned(), Value::from(TIME));
            }
        }
        if object["kind"] == "Cluster" {
            normalise_cluster(&mut object);
        }
        let mut object = self.value("", &object);
        sort_lists(&mut object);
        object
    }

    /// Returns what a program said in the form of the recording.
    pub fn normalise_text(&self, text: &str) -> String {
        self.text("", text)
    }

    fn value(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(key, text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(key, item)).collect()),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), self.value(name, value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Value::Number(_) if key == "nodePort" || key == "healthCheckNodePort" => {
                Value::from("<node-port>")
            }
            other => other.clone(),
        }
    }

    fn text(&self, key: &str, text: &str) -> String {
        if key == "resourceVersion" && !text.is_empty() {
            return "<rv>".to_owned();
        }
        if key.ends_with(PERMANENT_ID) || key.starts_with(DEPENDED_BY) {
            return self.permanent_ids.get(text).cloned().unwrap_or_else(|| "<uuid>".to_owned());
        }
        if matches!(key, "caBundle" | "ca.crt") || text.starts_with("-----BEGIN ") {
            return "<cert>".to_owned();
        }
        let is_token = text.starts_with("eyJ") && text.matches('.').count() == 2;
        // In a Secret it is encoded once more.
        if is_token || (key == "token" && text.starts_with("ZXlK")) {
            return "<token>".to_owned();
        }
        if text.parse().is_ok_and(is_cluster_ip) {
            return "<cluster-ip>".to_owned();
        }
        let mut text = replace_times(&sort_schedule_result(text));
        for (uid, name) in &self.uids {
            if text.contains(uid.as_str()) {
                text = text.replace(uid.as_str(), name);
            }
        }
        replace_uuids(&text)
    }
}

/// Returns the kinds whose own identity a permanent-id label holds; on other kinds it refers to one of these.
fn own_kinds(label: &str) -> &'static [&'static str] {
    match label {
        "propagationpolicy.karmada.io/permanent-id" => &["PropagationPolicy"],
        "clusterpropagationpolicy.karmada.io/permanent-id" => &["ClusterPropagationPolicy"],
        "resourcebinding.karmada.io/permanent-id" => &["ResourceBinding"],
        "clusterresourcebinding.karmada.io/permanent-id" => &["ClusterResourceBinding"],
        "work.karmada.io/permanent-id" => &["Work"],
        "multiclusterservice.karmada.io/permanent-id" => &["MultiClusterService"],
        _ => &[],
    }
}

fn normalise_cluster(cluster: &mut Value) {
    if let Some(enablements) = cluster.pointer_mut("/status/apiEnablements") {
        *enablements = Value::from("<api-enablements>");
    }
    // Where a member listens is this run's matter.
    if let Some(endpoint) = cluster.pointer_mut("/spec/apiEndpoint") {
        *endpoint = Value::from("<endpoint>");
    }
    if let Some(metadata) = cluster.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("generation");
    }
}

/// Returns a recorded object without what is not compared.
pub fn normalise_recorded(object: &Value) -> Value {
    let mut object = object.clone();
    if object["kind"] == "Cluster" {
        normalise_cluster(&mut object);
    }
    sort_lists(&mut object);
    object
}

/// Sorts the lists whose order means nothing, everywhere in an object.
fn sort_lists(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort_lists),
        Value::Object(fields) => {
            for (name, value) in fields {
                sort_lists(value);
                let Value::Array(items) = value else { continue };
                let by: &[&str] = match name.as_str() {
                    "clusters" => &["name"],
                    "conditions" => &["type"],
                    "ownerReferences" => &["kind", "name"],
                    "requiredBy" => &["namespace", "name"],
                    "finalizers" => &[],
                    _ => continue,
                };
                items.sort_by_cached_key(|item| {
                    let mut key: Vec<String> = by.iter().map(|name| item[*name].to_string()).collect();
                    key.push(item.to_string());
                    key
                });
            }
        }
        _ => {}
    }
}

/// Sorts the members in `Result: {member2:1, member1:2}` and `Result {...}`.
fn sort_schedule_result(text: &str) -> String {
    for opening in ["Result: {", "Result {"] {
        let Some((before, rest)) = text.split_once(opening) else { continue };
        let Some((members, after)) = rest.split_once('}') else { continue };
        let mut members: Vec<&str> = members.split(", ").collect();
        members.sort_unstable();
        return format!("{before}{opening}{}}}{after}", members.join(", "));
    }
    text.to_owned()
}

/// Replaces times of the run, also inside longer texts.
fn replace_times(text: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((before, time, after)) = find_time(rest) {
        replaced.push_str(before);
        let of_run = time
            .parse::<Timestamp>()
            .is_ok_and(|time| time.to_zoned(jiff::tz::TimeZone::UTC).year() >= FIRST_YEAR_OF_RUNS);
        replaced.push_str(if of_run { TIME } else { time });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

/// Finds the first RFC 3339 time in a text.
fn find_time(text: &str) -> Option<(&str, &str, &str)> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let fits = |start: usize| {
        bytes.get(start..start + SHAPE.len()).is_some_and(|window| {
            window
                .iter()
                .zip(SHAPE)
                .all(|(byte, shape)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape })
        })
    };
    let start = (0..bytes.len().saturating_sub(SHAPE.len())).find(|start| fits(*start))?;
    let mut end = start + SHAPE.len();
    while bytes.get(end).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
        end += 1;
    }
    match bytes.get(end) {
        Some(b'Z') => end += 1,
        Some(b'+' | b'-') if bytes.len() >= end + 6 => end += 6,
        _ => return None,
    }
    Some((&text[..start], &text[start..end], &text[end..]))
}

/// Replaces UUIDs that nothing is known about.
pub(super) fn replace_uuids(text: &str) -> String {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let bytes = text.as_bytes();
    let fits = |start: usize| {
        let mut at = start;
        GROUPS.iter().enumerate().all(|(index, length)| {
            let group =
                bytes.get(at..at + length).is_some_and(|group| group.iter().all(u8::is_ascii_hexdigit));
            at += length;
            let dash = index == GROUPS.len() - 1 || bytes.get(at) == Some(&b'-');
            at += 1;
            group && dash
        })
    };
    match (0..bytes.len().saturating_sub(35)).find(|start| fits(*start)) {
        Some(start) => format!("{}<uuid>{}", &text[..start], replace_uuids(&text[start + 36..])),
        None => text.to_owned(),
    }
}

/// Whether an address is of the range of Services that `init` gives to the control plane, 10.96.0.0/12.
fn is_cluster_ip(address: std::net::Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 10 && second & 0xF0 == 96
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_what_ids_stand_for() {
        let mut identifiers = Identifiers::default();
        let (uid, id) = ("0b1c2d3e-0100-4a5b-8c6d-000000490889", "1b1c2d3e-0100-4a5b-8c6d-000000490889");
        let label = "propagationpolicy.karmada.io/permanent-id";
        let metadata = json!({"name": "pol", "namespace": "p01", "uid": uid, "labels": {label: id}});
        identifiers.note("control-plane", &json!({"kind": "PropagationPolicy", "metadata": metadata}));
        let object = json!({
            "kind": "Deployment",
            "metadata": {
                "name": "web", "uid": "x", "resourceVersion": "5", "managedFields": [], "labels": {label: id},
                "finalizers": ["b", "a"], "ownerReferences": [{"kind": "Z", "name": "z", "uid": uid}],
            },
            "status": {
                "conditions": [{"type": "B", "lastTransitionTime": "2026-11-21T03:14:30Z"}, {"type": "A"}],
                "message": "at 2026-11-21T03:14:30Z Result: {member2:1, member1:2}",
                "old": "2024-01-01T00:00:00Z", "other": id.replace('1', "2"), "ip": "10.96.3.4", "nodePort": 30080,
            },
        });
        assert_eq!(
            identifiers.normalise(&object),
            json!({
                "kind": "Deployment",
                "metadata": {
                    "name": "web", "labels": {label: "<permanent-id:PropagationPolicy/p01/pol>"}, "finalizers": ["a", "b"],
                    "ownerReferences": [{"kind": "Z", "name": "z", "uid": "<uid:control-plane:PropagationPolicy/p01/pol>"}],
                },
                "status": {
                    "conditions": [{"type": "A"}, {"type": "B", "lastTransitionTime": "<time>"}],
                    "message": "at <time> Result: {member1:2, member2:1}",
                    "old": "2024-01-01T00:00:00Z", "other": "<uuid>", "ip": "<cluster-ip>", "nodePort": "<node-port>",
                },
            })
        );
    }

    #[test]
    fn addresses_of_services_are_those_of_the_range_that_is_installed() {
        for (text, expected) in
            [("10.96.0.1", true), ("10.111.255.254", true), ("10.112.0.1", false), ("11.96.0.1", false)]
        {
            assert_eq!(text.parse().is_ok_and(is_cluster_ip), expected, "{text}");
        }
    }
}

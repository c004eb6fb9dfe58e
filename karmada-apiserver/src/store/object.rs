//! One stored object: the bytes of its JSON and the facts that selection needs.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

/// Start of every stored body; the revision's digits follow.
const PREFIX: &[u8] = b"\"metadata\":{\"resourceVersion\":\"";

/// Returns the key of an object within its resource: `namespace/name`, or `name` for cluster scope.
pub fn object_key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// What selection and ownership need to know of an object without parsing it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
    labels: Box<[(Box<str>, Box<str>)]>,
    owners: Box<[Box<str>]>,
    deleting: bool,
}

/// An object that is complete but for its revision.
#[derive(Clone, Debug)]
pub struct Draft {
    api_version: Arc<str>,
    kind: Arc<str>,
    facts: Facts,
    /// What follows the revision's closing quote, up to the end of the object.
    tail: Vec<u8>,
}

/// An object as it is kept and sent.
#[derive(Clone, Debug)]
pub struct Stored {
    api_version: Arc<str>,
    kind: Arc<str>,
    facts: Facts,
    revision: u64,
    /// The object's JSON without `apiVersion`, `kind` and the opening brace.
    body: Bytes,
}

impl Draft {
    /// Takes an object apart into bytes and facts. A value that is no object becomes an object without fields.
    pub fn new(object: &Value) -> Self {
        let empty = Map::new();
        let map = object.as_object().unwrap_or(&empty);
        let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
        let metadata = map.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
        let mut tail = Vec::with_capacity(512);
        tail.push(b'"');
        for (key, value) in metadata {
            if key != "resourceVersion" {
                tail.push(b',');
                write_member(&mut tail, key, value);
            }
        }
        tail.push(b'}');
        for (key, value) in map {
            if !matches!(key.as_str(), "apiVersion" | "kind" | "metadata") {
                tail.push(b',');
                write_member(&mut tail, key, value);
            }
        }
        tail.push(b'}');
        Self {
            api_version: text("apiVersion").into(),
            kind: text("kind").into(),
            facts: Facts::of(metadata),
            tail,
        }
    }

    /// Returns the key of the object within its resource.
    pub fn key(&self) -> String {
        object_key(&self.facts.namespace, &self.facts.name)
    }

    /// Gives the object its revision.
    pub(super) fn seal(&self, revision: u64) -> Stored {
        Stored {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            facts: self.facts.clone(),
            revision,
            body: assemble(revision, &self.tail),
        }
    }
}

impl Stored {
    /// Reads an object back from the bytes that [`Stored::to_disk`] gave.
    pub(super) fn from_disk(revision: u64, bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_slice(bytes)?;
        Ok(Draft::new(&value).seal(revision))
    }

    pub(super) fn to_disk(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 64);
        self.write_object(&mut out, &self.api_version, &self.kind);
        out
    }

    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn namespace(&self) -> &str {
        &self.facts.namespace
    }

    pub fn name(&self) -> &str {
        &self.facts.name
    }

    pub fn uid(&self) -> &str {
        &self.facts.uid
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the uids of the object's owners.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.facts.owners.iter().map(AsRef::as_ref)
    }

    /// Says whether the object has a deletion timestamp.
    pub fn is_deleting(&self) -> bool {
        self.facts.deleting
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.facts.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }

    pub fn key(&self) -> String {
        object_key(&self.facts.namespace, &self.facts.name)
    }

    /// Returns roughly how many bytes of memory the object takes.
    pub fn size(&self) -> usize {
        self.body.len() + 256
    }

    /// Appends the object with its type.
    pub fn write_object(&self, out: &mut Vec<u8>, api_version: &str, kind: &str) {
        out.extend_from_slice(b"{\"kind\":");
        write_string(out, kind);
        out.extend_from_slice(b",\"apiVersion\":");
        write_string(out, api_version);
        out.push(b',');
        out.extend_from_slice(&self.body);
    }

    /// Returns the object's JSON without its type and its opening brace, as lists of built-in kinds hold it.
    pub fn members(&self) -> &[u8] {
        &self.body
    }

    /// Returns the object as JSON with the type it was stored with.
    ///
    /// # Panics
    ///
    /// Never: the bytes were written by a JSON serialiser.
    pub fn value(&self) -> Value {
        let mut bytes = Vec::with_capacity(self.body.len() + 64);
        self.write_object(&mut bytes, &self.api_version, &self.kind);
        serde_json::from_slice(&bytes).expect("stored bytes were written by a JSON serialiser")
    }

    /// Returns the same content under another revision: the last state before an object left a selection.
    pub fn at_revision(&self, revision: u64) -> Self {
        let digits = self.body.get(PREFIX.len()..).unwrap_or_default();
        let end = digits.iter().position(|b| *b == b'"').unwrap_or_default();
        Self { revision, body: assemble(revision, &digits[end..]), ..self.clone() }
    }
}

impl Facts {
    fn of(metadata: &Map<String, Value>) -> Self {
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().into();
        let labels = metadata.get("labels").and_then(Value::as_object).map(|labels| {
            labels
                .iter()
                .map(|(k, v)| (k.as_str().into(), v.as_str().unwrap_or_default().into()))
                .collect::<Box<[_]>>()
        });
        let owners = metadata.get("ownerReferences").and_then(Value::as_array).map(|owners| {
            owners.iter().filter_map(|owner| owner.get("uid")?.as_str()).map(Into::into).collect::<Box<[_]>>()
        });
        Self {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            labels: labels.unwrap_or_default(),
            owners: owners.unwrap_or_default(),
            deleting: metadata.get("deletionTimestamp").is_some_and(|t| !t.is_null()),
        }
    }
}

fn assemble(revision: u64, tail: &[u8]) -> Bytes {
    let digits = revision.to_string();
    let mut body = Vec::with_capacity(PREFIX.len() + digits.len() + tail.len());
    body.extend_from_slice(PREFIX);
    body.extend_from_slice(digits.as_bytes());
    body.extend_from_slice(tail);
    body.into()
}

fn write_member(out: &mut Vec<u8>, key: &str, value: &Value) {
    write_string(out, key);
    out.push(b':');
    serde_json::to_writer(out, value).expect("writing JSON to memory cannot fail");
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing JSON to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config_map() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "\"1\""},
            "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "3",
                "labels": {"x": "y"}, "ownerReferences": [{"uid": "o"}]}})
    }

    #[test]
    fn a_sealed_object_reads_back_with_its_revision() {
        let stored = Draft::new(&config_map()).seal(42);
        let mut expected = config_map();
        expected["metadata"]["resourceVersion"] = json!("42");
        assert_eq!(stored.value(), expected);
        assert_eq!(Stored::from_disk(42, &stored.to_disk()).unwrap().value(), expected);
        assert_eq!((stored.key().as_str(), stored.label("x")), ("n/a", Some("y")));
        assert_eq!(stored.owners().collect::<Vec<_>>(), ["o"]);
    }

    #[test]
    fn the_same_content_can_be_shown_at_another_revision() {
        let stored = Draft::new(&config_map()).seal(42).at_revision(1000);
        assert_eq!(stored.value()["metadata"]["resourceVersion"], "1000");
        assert_eq!(stored.value()["data"]["a"], "\"1\"");
    }
}

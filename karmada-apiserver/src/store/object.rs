//! One stored object: the bytes of its JSON and where in them the facts are that selection needs.
//!
//! An object is one block of bytes, the same in memory and on disk:
//!
//! ```text
//! words    end of the JSON, flags, number of labels, number of owners          4 x u32
//! spans    apiVersion, kind, namespace, name, uid, (key, value) per label,
//!          uid per owner: where each is in the block, and how long it is       2 x u32 each
//! JSON     what follows the revision in `{"metadata":{"resourceVersion":"1"`
//! strings  those that the JSON does not hold as they are
//! ```
//!
//! All numbers are little-endian. The revision is not part of the block: giving an object its revision, or
//! showing it under another one, copies nothing.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Start of an object after its type; the revision's digits follow.
const PREFIX: &[u8] = b"\"metadata\":{\"resourceVersion\":\"";

const WORD: usize = 4;
const SPAN: usize = 2 * WORD;
const WORDS: usize = 4 * WORD;
/// Flag of an object with a deletion timestamp.
const DELETING: u32 = 1;

// Words.
const JSON_END: usize = 0;
const FLAGS: usize = 1;
const LABELS: usize = 2;
const OWNERS: usize = 3;

// Spans.
const API_VERSION: usize = 0;
const KIND: usize = 1;
const NAMESPACE: usize = 2;
const NAME: usize = 3;
const UID: usize = 4;
const FIRST_LABEL: usize = 5;

/// Returns the key of an object within its resource: `namespace/name`, or `name` for cluster scope.
pub fn object_key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// An object that is complete but for its revision.
#[derive(Clone, Debug)]
pub struct Draft {
    block: Arc<[u8]>,
}

/// An object as it is kept and sent.
#[derive(Clone, Debug)]
pub struct Stored {
    revision: u64,
    block: Arc<[u8]>,
}

impl Draft {
    /// Takes an object apart into bytes and facts. A value that is no object becomes an object without fields.
    pub fn new(object: &Value) -> Self {
        let empty = Map::new();
        let map = object.as_object().unwrap_or(&empty);
        let metadata = map.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
        Self { block: Builder::new(map, metadata).build() }
    }

    /// Returns about how many bytes the object takes.
    pub fn size(&self) -> usize {
        json(&self.block).len()
    }

    /// Returns the key of the object within its resource.
    pub fn key(&self) -> String {
        text(&self.block, key_range(&self.block)).to_owned()
    }

    /// Says whether an object is this one, whatever its revision.
    pub fn is_same(&self, stored: &Stored) -> bool {
        self.block == stored.block
    }

    /// Gives the object its revision.
    pub(super) fn seal(&self, revision: u64) -> Stored {
        Stored { revision, block: self.block.clone() }
    }
}

impl Stored {
    /// Takes a block that [`Stored::block`] gave; `None` when it cannot be one.
    pub(super) fn from_block(revision: u64, block: &[u8]) -> Option<Self> {
        let spans = FIRST_LABEL + 2 * word(block, LABELS)? as usize + word(block, OWNERS)? as usize;
        let json_end = word(block, JSON_END)? as usize;
        let whole = WORDS.checked_add(spans.checked_mul(SPAN)?)? <= json_end && json_end <= block.len();
        whole.then(|| Self { revision, block: block.into() })
    }

    /// Returns the bytes that the disk keeps.
    pub(super) fn block(&self) -> &[u8] {
        &self.block
    }

    pub fn api_version(&self) -> &str {
        text(&self.block, span(&self.block, API_VERSION))
    }

    pub fn kind(&self) -> &str {
        text(&self.block, span(&self.block, KIND))
    }

    pub fn namespace(&self) -> &str {
        text(&self.block, span(&self.block, NAMESPACE))
    }

    pub fn name(&self) -> &str {
        text(&self.block, span(&self.block, NAME))
    }

    pub fn uid(&self) -> &str {
        text(&self.block, span(&self.block, UID))
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the uids of the object's owners.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        let first = FIRST_LABEL + 2 * self.count(LABELS);
        (first..first + self.count(OWNERS)).map(|at| text(&self.block, span(&self.block, at)))
    }

    /// Says whether the object has a deletion timestamp.
    pub fn is_deleting(&self) -> bool {
        word(&self.block, FLAGS).is_some_and(|flags| flags & DELETING != 0)
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        let end = FIRST_LABEL + 2 * self.count(LABELS);
        (FIRST_LABEL..end)
            .step_by(2)
            .find(|at| self.block.get(span(&self.block, *at)) == Some(key.as_bytes()))
            .map(|at| text(&self.block, span(&self.block, at + 1)))
    }

    pub fn key(&self) -> String {
        self.key_str().to_owned()
    }

    /// Returns the key without copying it.
    pub fn key_str(&self) -> &str {
        text(&self.block, key_range(&self.block))
    }

    /// Returns roughly how many bytes of memory the object takes.
    pub fn size(&self) -> usize {
        // Two counters of references twice, the fields, and the object's place in the index.
        self.block.len() + 128
    }

    /// Appends the object with its type.
    pub fn write_object(&self, out: &mut Vec<u8>, api_version: &str, kind: &str) {
        out.reserve(self.block.len() + 96);
        out.extend_from_slice(b"{\"kind\":");
        write_string(out, kind);
        out.extend_from_slice(b",\"apiVersion\":");
        write_string(out, api_version);
        out.push(b',');
        self.write_rest(out);
    }

    /// Appends the object's JSON without its type and its opening brace.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        self.write_rest(out);
    }

    /// Returns how many bytes [`Self::write_members`] appends.
    pub fn members_len(&self) -> usize {
        let digits = self.revision.checked_ilog10().map_or(1, |log| log as usize + 1);
        PREFIX.len() + digits + json(&self.block).len()
    }

    /// Appends the object with the type it was stored with.
    pub fn write_typed(&self, out: &mut Vec<u8>) {
        self.write_object(out, self.api_version(), self.kind());
    }

    /// Returns the object as JSON with the type it was stored with.
    ///
    /// # Panics
    ///
    /// Never: the bytes were written by a JSON serialiser.
    pub fn value(&self) -> Value {
        let mut bytes = Vec::new();
        self.write_typed(&mut bytes);
        serde_json::from_slice(&bytes).expect("stored bytes were written by a JSON serialiser")
    }

    /// Returns other content under the same revision: the object in the words of another version.
    pub(crate) fn with_content(&self, object: &Value) -> Self {
        Draft::new(object).seal(self.revision)
    }

    /// Returns the same content under another revision: the last state before an object left a selection.
    pub fn at_revision(&self, revision: u64) -> Self {
        Self { revision, block: self.block.clone() }
    }

    fn write_rest(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFIX);
        write!(out, "{}", self.revision).expect("writing to memory cannot fail");
        out.extend_from_slice(json(&self.block));
    }

    fn count(&self, at: usize) -> usize {
        number(&self.block, at)
    }
}

/// Returns the JSON of a block: what follows the revision.
fn json(block: &[u8]) -> &[u8] {
    let start = WORDS + SPAN * (FIRST_LABEL + 2 * number(block, LABELS) + number(block, OWNERS));
    block.get(start..number(block, JSON_END)).unwrap_or_default()
}

fn number(block: &[u8], at: usize) -> usize {
    word(block, at).unwrap_or_default() as usize
}

/// Writes a block.
struct Builder<'a> {
    map: &'a Map<String, Value>,
    metadata: &'a Map<String, Value>,
    block: Vec<u8>,
    spans: Vec<(usize, usize)>,
    /// Strings that the JSON holds escaped only, and the spans that want them.
    strings: Vec<(usize, &'a str)>,
}

impl<'a> Builder<'a> {
    fn new(map: &'a Map<String, Value>, metadata: &'a Map<String, Value>) -> Self {
        Self { map, metadata, block: Vec::with_capacity(1024), spans: Vec::new(), strings: Vec::new() }
    }

    fn build(mut self) -> Arc<[u8]> {
        let string_in = |map: &'a Map<String, Value>, key| map.get(key).and_then(Value::as_str).unwrap_or("");
        let labels = self.metadata.get("labels").and_then(Value::as_object).map_or(0, Map::len);
        let owners = self.metadata.get("ownerReferences").and_then(Value::as_array);
        let owners =
            owners.map_or(0, |owners| owners.iter().filter(|owner| owner_uid(owner).is_some()).count());
        self.spans = vec![(0, 0); FIRST_LABEL + 2 * labels + owners];
        self.block.resize(WORDS + SPAN * self.spans.len(), 0);
        self.write_json(labels);
        let json_end = self.block.len();
        // Namespace and name stand together: one range of both is the object's key.
        let (namespace, name) = (string_in(self.metadata, "namespace"), string_in(self.metadata, "name"));
        self.append(NAMESPACE, namespace);
        if !namespace.is_empty() {
            self.block.push(b'/');
        }
        self.append(NAME, name);
        self.append(API_VERSION, string_in(self.map, "apiVersion"));
        self.append(KIND, string_in(self.map, "kind"));
        for (at, string) in std::mem::take(&mut self.strings) {
            self.append(at, string);
        }
        let deleting = self.metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null());
        let words = [json_end, usize::from(deleting), labels, owners];
        let numbers = words.into_iter().chain(self.spans.iter().flat_map(|(start, len)| [*start, *len]));
        for (number, place) in numbers.zip(self.block.chunks_exact_mut(WORD)) {
            // A block is far below 4 GiB: bodies are.
            place.copy_from_slice(&(number as u32).to_le_bytes());
        }
        self.block.into()
    }

    fn write_json(&mut self, labels: usize) {
        let mut owner = FIRST_LABEL + 2 * labels;
        self.block.push(b'"');
        for (key, value) in self.metadata {
            match (key.as_str(), value) {
                ("resourceVersion", _) => {}
                ("uid", Value::String(uid)) => {
                    self.name(key);
                    self.string(UID, uid);
                }
                ("labels", Value::Object(labels)) => {
                    self.name(key);
                    self.write_labels(labels);
                }
                ("ownerReferences", Value::Array(owners)) => {
                    self.name(key);
                    self.block.push(b'[');
                    for (at, value) in owners.iter().enumerate() {
                        if at > 0 {
                            self.block.push(b',');
                        }
                        owner += self.write_owner(owner, value);
                    }
                    self.block.push(b']');
                }
                _ => {
                    self.name(key);
                    write_value(&mut self.block, value);
                }
            }
        }
        self.block.push(b'}');
        for (key, value) in self.map {
            if !matches!(key.as_str(), "apiVersion" | "kind" | "metadata") {
                self.name(key);
                write_value(&mut self.block, value);
            }
        }
        self.block.push(b'}');
    }

    fn write_labels(&mut self, labels: &'a Map<String, Value>) {
        self.block.push(b'{');
        for (at, (key, value)) in labels.iter().enumerate() {
            if at > 0 {
                self.block.push(b',');
            }
            let span = FIRST_LABEL + 2 * at;
            self.string(span, key);
            self.block.push(b':');
            match value {
                Value::String(value) => self.string(span + 1, value),
                value => write_value(&mut self.block, value),
            }
        }
        self.block.push(b'}');
    }

    /// Writes a reference to an owner; returns how many uids it has.
    fn write_owner(&mut self, span: usize, value: &'a Value) -> usize {
        let (Some(uid), Value::Object(map)) = (owner_uid(value), value) else {
            write_value(&mut self.block, value);
            return 0;
        };
        self.block.push(b'{');
        for (at, (key, value)) in map.iter().enumerate() {
            if at > 0 {
                self.block.push(b',');
            }
            write_string(&mut self.block, key);
            self.block.push(b':');
            if key == "uid" { self.string(span, uid) } else { write_value(&mut self.block, value) }
        }
        self.block.push(b'}');
        1
    }

    /// Writes `,"key":`.
    fn name(&mut self, key: &str) {
        self.block.push(b',');
        write_string(&mut self.block, key);
        self.block.push(b':');
    }

    /// Writes a string as JSON and notes where it is.
    fn string(&mut self, at: usize, string: &'a str) {
        let start = self.block.len() + 1;
        write_string(&mut self.block, string);
        if self.block.len() - 1 - start == string.len() {
            self.spans[at] = (start, string.len());
        } else {
            self.strings.push((at, string));
        }
    }

    /// Appends a string as it is and notes where it is.
    fn append(&mut self, at: usize, string: &str) {
        self.spans[at] = (self.block.len(), string.len());
        self.block.extend_from_slice(string.as_bytes());
    }
}

fn owner_uid(owner: &Value) -> Option<&str> {
    owner.get("uid")?.as_str()
}

fn word(block: &[u8], at: usize) -> Option<u32> {
    let bytes = block.get(at * WORD..(at + 1) * WORD)?;
    Some(u32::from_le_bytes(bytes.try_into().expect("the slice has four bytes")))
}

fn span(block: &[u8], at: usize) -> std::ops::Range<usize> {
    let first = (WORDS + at * SPAN) / WORD;
    let start = word(block, first).unwrap_or_default() as usize;
    start..start + word(block, first + 1).unwrap_or_default() as usize
}

fn key_range(block: &[u8]) -> std::ops::Range<usize> {
    let (namespace, name) = (span(block, NAMESPACE), span(block, NAME));
    if namespace.is_empty() { name } else { namespace.start..name.end }
}

fn text(block: &[u8], range: std::ops::Range<usize>) -> &str {
    // Blocks with whole checksums hold whole characters.
    block.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("writing JSON to memory cannot fail");
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing JSON to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
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
        assert_eq!(Stored::from_block(42, stored.block()).unwrap().value(), expected);
        assert_eq!((stored.key_str(), stored.label("x"), stored.label("z")), ("n/a", Some("y"), None));
        assert_eq!(stored.owners().collect::<Vec<_>>(), ["o"]);
        assert!(Draft::new(&expected).is_same(&stored));
    }

    #[test]
    fn the_same_content_can_be_shown_at_another_revision() {
        let stored = Draft::new(&config_map()).seal(42).at_revision(1000);
        assert_eq!(stored.value()["metadata"]["resourceVersion"], "1000");
        assert_eq!(stored.value()["data"]["a"], "\"1\"");
    }

    #[test]
    fn what_is_of_no_use_for_selection_is_kept_all_the_same() {
        let odd = json!({"apiVersion": 1, "metadata": {"resourceVersion": "7", "uid": 3, "labels": {"a": 1, "b\n": "\""},
            "ownerReferences": ["x", {"uid": 1}, {"uid": "\t", "name": "o"}], "name": "q\"", "namespace": ""}});
        let stored = Draft::new(&odd).seal(7);
        let mut expected = odd.clone();
        expected["apiVersion"] = json!("");
        expected["kind"] = json!("");
        assert_eq!(stored.value(), expected);
        assert_eq!((stored.key_str(), stored.uid(), stored.label("b\n")), ("q\"", "", Some("\"")));
        assert_eq!((stored.label("a"), stored.is_deleting()), (Some(""), false));
        assert_eq!(stored.owners().collect::<Vec<_>>(), ["\t"]);
        assert_eq!(Draft::new(&json!(3)).seal(7).key(), "");
    }

    proptest! {
        #[test]
        fn any_strings_come_back(name: String, namespace: String, uid: String, label: (String, String), owner: String) {
            let object = json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": name, "namespace": namespace,
                "uid": uid, "labels": {&label.0: label.1}, "ownerReferences": [{"uid": owner}],
                "deletionTimestamp": "x", "resourceVersion": "1"}});
            let stored = Draft::new(&object).seal(1);
            prop_assert_eq!(stored.value(), object);
            prop_assert_eq!((stored.name(), stored.namespace(), stored.uid()), (&*name, &*namespace, &*uid));
            prop_assert_eq!(stored.label(&label.0), Some(&*label.1));
            prop_assert_eq!(stored.owners().collect::<Vec<_>>(), vec![owner]);
            prop_assert_eq!(stored.key(), object_key(&namespace, &name));
            prop_assert!(stored.is_deleting());
        }

        #[test]
        fn bytes_that_are_no_block_are_refused_or_harmless(bytes: Vec<u8>) {
            if let Some(stored) = Stored::from_block(1, &bytes) {
                let mut out = Vec::new();
                stored.write_members(&mut out);
                prop_assert_eq!(out.len(), stored.members_len());
                let _ = (stored.key(), stored.label("x"), stored.uid(), stored.owners().count());
            }
        }
    }
}

//! Many objects of many files, read fast; places are looked up only when somebody asks.

use std::fmt::Write as _;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::documents::{Document, documents};
use super::input::{Input, InputReader, Subdirectories};
use super::node::{Location, Node};
use super::parse::{parse, parse_node};
use super::problem::ReadProblem;

/// Stack of a parsing thread: enough for the deepest document that is accepted, also without optimisation.
const STACK_BYTES: usize = 32 << 20;
/// Most threads that parse.
const MAX_THREADS: usize = 8;

/// Objects and the texts they come from.
///
/// An object costs no more than its value: where its fields stand is found by parsing its document again.
#[derive(Debug, Default)]
pub struct Batch {
    /// The objects in the order of the input, Lists taken apart.
    pub objects: Vec<Value>,
    inputs: Vec<Input>,
    places: Vec<Place>,
}

/// Where an object is.
#[derive(Clone, Debug)]
struct Place {
    input: usize,
    /// In bytes of the text; empty when the object was not read from a text.
    range: Range<usize>,
    lines_above: u64,
    /// Index in the list of the document, and in lists within it.
    items: Vec<usize>,
}

impl Place {
    /// Returns the path of a field of the object in its document.
    fn path(&self, field: &str) -> String {
        let mut path = String::new();
        for item in &self.items {
            write!(path, "items[{item}].").expect("writing to a text cannot fail");
        }
        path + field
    }
}

impl Batch {
    /// Reads files, directories and stdin (`-`): all objects, and all that is wrong.
    pub fn read(paths: &[PathBuf], subdirectories: Subdirectories) -> (Self, Vec<ReadProblem>) {
        let mut reader = InputReader::new(subdirectories);
        for path in paths {
            reader.read(path);
        }
        let (inputs, problems) = reader.finish();
        Self::of_inputs(inputs, problems)
    }

    /// Reads a text; `origin` names it in messages.
    pub fn of_text(origin: &str, text: &str) -> (Self, Vec<ReadProblem>) {
        let input = Input { origin: origin.to_owned(), text: text.to_owned() };
        Self::of_inputs(vec![input], Vec::new())
    }

    fn of_inputs(inputs: Vec<Input>, mut problems: Vec<ReadProblem>) -> (Self, Vec<ReadProblem>) {
        let mut batch = Self { inputs, ..Self::default() };
        let found: Vec<(usize, Document)> = batch
            .inputs
            .iter()
            .enumerate()
            .flat_map(|(input, text)| {
                documents(&text.text).into_iter().map(move |document| (input, document))
            })
            .collect();
        match parse_all(&batch.inputs, &found) {
            Ok(parsed) => {
                for document in parsed {
                    batch.objects.extend(document.objects);
                    batch.places.extend(document.places);
                    problems.extend(document.problems);
                }
            }
            Err(error) => {
                problems.push(ReadProblem::of_file("input", format!("no thread can be started: {error}")));
            }
        }
        (batch, problems)
    }

    /// Adds an object that was not read from a file; `origin` names it in messages.
    pub fn push(&mut self, origin: &str, object: Value) {
        self.inputs.push(Input { origin: origin.to_owned(), text: String::new() });
        let input = self.inputs.len() - 1;
        self.places.push(Place { input, range: 0..0, lines_above: 0, items: Vec::new() });
        self.objects.push(object);
    }

    /// Adds the objects of another batch behind those of this one.
    pub fn append(&mut self, other: Self) {
        let shift = self.inputs.len();
        self.inputs.extend(other.inputs);
        self.objects.extend(other.objects);
        self.places
            .extend(other.places.into_iter().map(|place| Place { input: place.input + shift, ..place }));
    }

    /// The file of an object as the user named it.
    pub fn origin(&self, index: usize) -> &str {
        &self.inputs[self.places[index].input].origin
    }

    /// Starts looking up places.
    pub fn locator(&self) -> Locator<'_> {
        Locator { batch: self, last: None }
    }

    /// Takes the objects out, to be used elsewhere; places can still be looked up.
    pub fn take_objects(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.objects)
    }
}

/// Looks up places; it keeps the last document, as many questions come from the same one.
#[derive(Debug)]
pub struct Locator<'a> {
    batch: &'a Batch,
    last: Option<(usize, Range<usize>, Option<Node>)>,
}

impl Locator<'_> {
    /// Returns the place of a field, or of the deepest part of its path that exists; the empty path is the object.
    ///
    /// It is that of the value when it stands on the line of its key, else that of the key.
    pub fn locate(&mut self, index: usize, path: &str) -> Option<Location> {
        self.find(index, path, |node, path| {
            let (key, value) = (node.locate_key(path), node.locate(path));
            if key.line == value.line { value } else { key }
        })
    }

    /// Returns `file:line:column` of the name of a field.
    pub fn place_of_key(&mut self, index: usize, path: &str) -> String {
        let location = self.find(index, path, Node::locate_key);
        self.named(index, location)
    }

    fn find(&mut self, index: usize, path: &str, find: fn(&Node, &str) -> Location) -> Option<Location> {
        let place = &self.batch.places[index];
        if place.range.is_empty() {
            return None;
        }
        let text = &self.batch.inputs[place.input].text;
        let known =
            matches!(&self.last, Some((input, range, _)) if *input == place.input && *range == place.range);
        if !known {
            self.last = Some((place.input, place.range.clone(), parse_node(&text[place.range.clone()])));
        }
        let (_, _, node) = self.last.as_ref()?;
        let found =
            node.as_ref().map_or(Location { line: 1, column: 1 }, |node| find(node, &place.path(path)));
        Some(shift(found, text, place))
    }

    /// Returns `file:line:column` of a field.
    pub fn place(&mut self, index: usize, path: &str) -> String {
        let location = self.locate(index, path);
        self.named(index, location)
    }

    fn named(&self, index: usize, location: Option<Location>) -> String {
        match location {
            Some(location) => format!("{}:{location}", self.batch.origin(index)),
            None => self.batch.origin(index).to_owned(),
        }
    }
}

/// Turns a place in a document into one in its text.
fn shift(found: Location, text: &str, place: &Place) -> Location {
    let line_start = text[..place.range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[line_start..place.range.start].chars().count() as u64;
    let column = if found.line == 1 { found.column + before } else { found.column };
    Location { line: found.line + place.lines_above, column }
}

/// What became of one document.
#[derive(Debug, Default)]
struct Parsed {
    objects: Vec<Value>,
    places: Vec<Place>,
    problems: Vec<ReadProblem>,
}

/// Parses documents with all processors; the answers are in the order of the documents.
fn parse_all(inputs: &[Input], found: &[(usize, Document)]) -> io::Result<Vec<Parsed>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((input, document)) = found.get(index) else { return done };
            done.push((index, read_document(*input, &inputs[*input], document)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(found.len());
    let mut all = thread::scope(|scope| -> io::Result<Vec<(usize, Parsed)>> {
        let mut handles = Vec::new();
        for _ in 0..threads {
            handles.push(thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work)?);
        }
        let mut all = Vec::with_capacity(found.len());
        for handle in handles {
            all.extend(handle.join().map_err(|_| io::Error::other("a parser stopped"))?);
        }
        Ok(all)
    })?;
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, parsed)| parsed).collect())
}

fn read_document(input: usize, source: &Input, document: &Document) -> Parsed {
    let text = &source.text[document.range.clone()];
    let mut parsed = Parsed::default();
    match parse(text) {
        Ok(values) => {
            for (range, value) in values {
                let lines = text[..range.start].matches('\n').count() as u64;
                let start = document.range.start;
                let place = Place {
                    input,
                    range: start + range.start..start + range.end,
                    lines_above: document.lines_above + lines,
                    items: Vec::new(),
                };
                take_object(source, place, value, &mut parsed);
            }
        }
        Err(error) => parsed.problems.push(ReadProblem {
            origin: source.origin.clone(),
            location: error.location.map(|location| Location {
                line: location.line + document.lines_above,
                column: location.column,
            }),
            message: error.message,
            hint: error.hint.map(str::to_owned),
        }),
    }
    parsed
}

/// Takes a value for an object, or for a List of them.
fn take_object(source: &Input, place: Place, mut value: Value, parsed: &mut Parsed) {
    if value.is_null() {
        return;
    }
    if let Some((path, message, hint)) = refusal(&value) {
        let text = &source.text;
        let node = parse_node(&text[place.range.clone()]);
        let found = node.map_or(Location { line: 1, column: 1 }, |node| node.locate_key(&place.path(path)));
        parsed.problems.push(ReadProblem {
            origin: source.origin.clone(),
            location: Some(shift(found, text, &place)),
            message,
            hint: hint.map(str::to_owned),
        });
        return;
    }
    if is_list(&value) {
        let items = value["items"].take();
        if let Value::Array(items) = items {
            for (index, item) in items.into_iter().enumerate() {
                let mut place = place.clone();
                place.items.push(index);
                take_object(source, place, item, parsed);
            }
        }
        return;
    }
    parsed.objects.push(value);
    parsed.places.push(place);
}

fn is_list(value: &Value) -> bool {
    value["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) && value["items"].is_array()
}

/// Returns why a value is no object, with the field and a hint.
fn refusal(value: &Value) -> Option<(&'static str, String, Option<&'static str>)> {
    const OTHER_FILES: &str =
        "only Kubernetes objects are read; name the files that have them one by one with -f";
    if !value.is_object() {
        let message = "an object with apiVersion and kind is expected".to_owned();
        return Some(("", message, Some(OTHER_FILES)));
    }
    for field in ["apiVersion", "kind"] {
        match &value[field] {
            Value::String(text) if !text.is_empty() => {}
            Value::Null => return Some(("", format!("{field} is not set"), Some(OTHER_FILES))),
            _ => return Some((field, format!("{field} must be a text"), None)),
        }
    }
    if is_list(value) {
        return None;
    }
    let metadata = &value["metadata"];
    match &metadata["name"] {
        Value::String(name) if !name.is_empty() => return None,
        Value::Null | Value::String(_) => {}
        _ => {
            let hint = "put a name that looks like a number in quotes";
            return Some(("metadata.name", "metadata.name must be a text".to_owned(), Some(hint)));
        }
    }
    let hint = if metadata["generateName"].is_string() {
        Some("generateName is for servers; set metadata.name")
    } else if value["kind"] == "Kustomization" {
        Some("build it first: kustomize build DIR | karmadactl ... -f -")
    } else {
        None
    };
    Some(("metadata", "metadata.name is not set".to_owned(), hint))
}

#[cfg(test)]
mod tests {
    use indoc::indoc;

    use super::*;

    #[test]
    fn objects_of_all_documents_know_their_places() {
        let text = indoc! {r#"
            # first
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: a}
            data:
              a.b/c: x
            ---
            {"apiVersion": "v1", "kind": "List", "items": [
              {"apiVersion": "v1", "kind": "Secret",
               "metadata": {"name": "b"}},
              {"apiVersion": "v1", "kind": "PodList", "items": [
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}]}]} {"apiVersion": "v1", "kind": "Pod",
              "metadata": {"name": "d"}}
        "#};
        let (batch, problems) = Batch::of_text("f.yaml", text);
        assert_eq!(problems, []);
        let names: Vec<&str> =
            batch.objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        let mut locator = batch.locator();
        assert_eq!(locator.place(0, ""), "f.yaml:2:1");
        assert_eq!(locator.place(0, "data.a.b/c"), "f.yaml:6:10");
        assert_eq!(locator.place(0, "data.nope"), "f.yaml:5:1");
        assert_eq!(locator.place(1, "metadata.name"), "f.yaml:10:25");
        assert_eq!(locator.place(2, "metadata.name"), "f.yaml:12:62");
        assert_eq!(locator.place(3, ""), "f.yaml:12:72");
        assert_eq!(locator.place(3, "metadata.name"), "f.yaml:13:24");
    }

    #[test]
    fn one_broken_document_hides_no_other() {
        let text = indoc! {"
            apiVersion: v1
            kind: A
             metadata: [
            ---
            kind: B
            ---
            - a
            ---
            apiVersion: v1
            kind: [a]
            ---
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: C
              metadata:
                generateName: c-
            - apiVersion: v1
              kind: D
              metadata: {name: 1}
            ---
            apiVersion: v1
            kind: E
            metadata: {name: e}
        "};
        let (batch, problems) = Batch::of_text("f", text);
        assert_eq!(batch.objects.len(), 1);
        assert_eq!(batch.locator().place(0, ""), "f:23:1");
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems[0].starts_with("f:3:"), "{problems:?}");
        assert_eq!(
            problems[1..],
            [
                "f:5:1: apiVersion is not set",
                "f:7:1: an object with apiVersion and kind is expected",
                "f:10:1: kind must be a text",
                "f:17:3: metadata.name is not set",
                "f:21:14: metadata.name must be a text",
            ]
        );
    }

    #[test]
    fn thousands_of_documents_keep_their_order() {
        let mut text = String::new();
        for number in 0..3000 {
            writeln!(text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{number}").unwrap();
        }
        let (batch, problems) = Batch::of_text("f", &text);
        assert_eq!((batch.objects.len(), problems.len()), (3000, 0));
        for (number, object) in batch.objects.iter().enumerate() {
            assert_eq!(object["metadata"]["name"], format!("c{number}"));
        }
        assert_eq!(batch.locator().place(2999, "metadata.name"), "f:15000:9");
    }

    #[test]
    fn objects_that_were_not_read_are_placed_by_their_origin() {
        let mut batch = Batch::default();
        batch.push("--cluster name=m1", serde_json::json!({"kind": "Cluster"}));
        let (other, _) = Batch::of_text("f", "{apiVersion: v1, kind: A, metadata: {name: a}}");
        batch.append(other);
        assert_eq!(batch.locator().place(0, "spec"), "--cluster name=m1");
        assert_eq!(batch.locator().place(1, "kind"), "f:1:24");
    }
}

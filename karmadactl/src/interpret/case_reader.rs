//! From test files to cases.

use jiff::Timestamp;
use karmada_core::interpreter::Operation;
use serde_json::Value;

use super::answer::Arguments;
use super::case::{Case, Expectation, Place, Want};
use super::inputs::{InputError, status_item};
use super::path::{Path, Step};
use super::rules::{RULES, operation_named, rule};
use crate::manifest::{Input, Location, Node, NodeValue, ReadProblem, closest, read_documents};

/// Fields of a case, each with the name that Karmada's own test data has for it.
const FIELDS: [(&str, &str); 11] = [
    ("name", "name"),
    ("description", "description"),
    ("operation", "operation"),
    ("object", "object"),
    ("desired", "desiredObj"),
    ("observed", "observedObj"),
    ("statusItems", "statusItems"),
    ("replicas", "inputReplicas"),
    ("now", "now"),
    ("want", "output"),
    ("wantError", "wantError"),
];

/// Reads the cases of test files, and names everything that is wrong with them.
pub fn read_cases(inputs: &[Input]) -> Result<Vec<Case>, InputError> {
    let mut cases = Vec::new();
    let mut problems = Vec::new();
    for input in inputs {
        let before = cases.len() + problems.len();
        for document in read_documents(&input.origin, &input.text)? {
            let nodes = match document.value {
                NodeValue::Scalar(Value::Null) => continue,
                NodeValue::List(nodes) => nodes,
                _ => vec![document],
            };
            for node in nodes {
                let mut reader = Reader { origin: &input.origin, problems: &mut problems };
                cases.extend(reader.case(&node));
            }
        }
        if cases.len() + problems.len() == before {
            problems.push(ReadProblem::of_file(&input.origin, "there is no case in it"));
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(InputError::Problems(problems)) }
}

struct Reader<'a> {
    origin: &'a str,
    problems: &'a mut Vec<ReadProblem>,
}

/// The fields of a case that are there, by name.
struct Fields<'a>(Vec<(&'static str, &'a Node)>);

impl<'a> Fields<'a> {
    fn find(&self, name: &str) -> Option<&'a Node> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, node)| *node)
    }
}

impl Reader<'_> {
    fn case(&mut self, node: &Node) -> Option<Case> {
        let before = self.problems.len();
        let fields = self.fields(node)?;
        let name = self.name(node, &fields);
        let operation = self.operation(node, &fields);
        let arguments = self.arguments(&fields);
        let now = self.now(&fields);
        let want = operation.and_then(|operation| self.want(node, &fields, operation));
        if let Some(operation) = operation {
            self.check_objects(node, operation, &arguments);
        }
        if self.problems.len() > before {
            return None;
        }
        let place = Place { origin: self.origin.to_owned(), location: node.location };
        Some(Case { name: name?, place, operation: operation?, arguments, now: now?, want: want? })
    }

    fn fields<'n>(&mut self, node: &'n Node) -> Option<Fields<'n>> {
        let NodeValue::Object(members) = &node.value else {
            return self.refuse(node.location, "a case with name, operation and want is expected");
        };
        let mut fields: Vec<(&'static str, &Node)> = Vec::new();
        for (key, location, value) in members {
            let Some((name, _)) = FIELDS.iter().find(|(name, other)| key == name || key == other) else {
                let hint = closest(key, FIELDS.iter().map(|(name, _)| *name))
                    .map(|name| format!("did you mean {name:?} at {}:{location}?", self.origin));
                self.refuse_with(*location, &format!("a case has no field {key}"), hint);
                continue;
            };
            if fields.iter().any(|(known, _)| known == name) {
                self.refuse::<()>(*location, &format!("{name} is there twice"));
            }
            fields.push((name, value));
        }
        Some(Fields(fields))
    }

    fn name(&mut self, node: &Node, fields: &Fields<'_>) -> Option<String> {
        match fields.find("name") {
            Some(name) => self.text(name, "name"),
            None => self.refuse(node.location, "name is not set"),
        }
    }

    fn operation(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Operation> {
        let Some(field) = fields.find("operation") else {
            return self.refuse(node.location, "operation is not set");
        };
        let text = self.text(field, "operation")?;
        let operation = operation_named(&text);
        if operation.is_none() {
            let known = RULES.map(|rule| rule.operation.name());
            self.refuse::<()>(
                field.location,
                &format!("operation {text} is not supported; use one of: {}", known.join(", ")),
            );
        }
        operation
    }

    fn arguments(&mut self, fields: &Fields<'_>) -> Arguments {
        let mut object = |name| fields.find(name).and_then(|node| self.object(node, name));
        let (plain, desired, observed) = (object("object"), object("desired"), object("observed"));
        if let (Some(_), Some(node)) = (&plain, fields.find("object"))
            && (desired.is_some() || observed.is_some())
        {
            self.refuse::<()>(node.location, "object excludes desired and observed");
        }
        let items = fields.find("statusItems").map(|node| self.items(node));
        let replicas = fields.find("replicas").and_then(|node| match &node.value {
            NodeValue::Scalar(value) if value.is_i64() => value.as_i64(),
            _ => self.refuse(node.location, "replicas must be a whole number"),
        });
        Arguments { desired: desired.or(plain), observed, items, replicas: replicas.unwrap_or_default() }
    }

    fn object(&mut self, node: &Node, name: &str) -> Option<Value> {
        for field in ["apiVersion", "kind"] {
            match node.field(field).map(|field| &field.value) {
                Some(NodeValue::Scalar(Value::String(text))) if !text.is_empty() => {}
                _ => return self.refuse(node.location, &format!("{name}.{field} must be set to a text")),
            }
        }
        Some(node.to_json())
    }

    fn items(&mut self, node: &Node) -> Vec<karmada_core::api::work::AggregatedStatusItem> {
        let NodeValue::List(nodes) = &node.value else {
            self.refuse::<()>(node.location, "statusItems must be a list");
            return Vec::new();
        };
        let mut items = Vec::new();
        for node in nodes {
            match status_item(self.origin, node) {
                Ok(item) => items.push(item),
                Err(problem) => self.problems.push(problem),
            }
        }
        items
    }

    fn now(&mut self, fields: &Fields<'_>) -> Option<Timestamp> {
        let Some(node) = fields.find("now") else { return Some(Timestamp::UNIX_EPOCH) };
        let text = self.text(node, "now")?;
        text.parse()
            .ok()
            .or_else(|| self.refuse(node.location, "now must be a time like 2024-01-01T00:00:00Z"))
    }

    fn want(&mut self, case: &Node, fields: &Fields<'_>, operation: Operation) -> Option<Want> {
        match (fields.find("want"), fields.find("wantError")) {
            (Some(want), None) => self.values(want, operation).map(Want::Values),
            (None, Some(error)) => self.text(error, "wantError").map(Want::Error),
            (None, None) => self.refuse(case.location, "want or wantError is not set"),
            (Some(_), Some(error)) => self.refuse(error.location, "want and wantError exclude each other"),
        }
    }

    fn values(&mut self, want: &Node, operation: Operation) -> Option<Vec<Expectation>> {
        let answers = rule(operation).answers;
        let names = answers.join(" and ");
        let NodeValue::Object(members) = &want.value else {
            return self
                .refuse(want.location, &format!("want must be an object; {operation} answers {names}"));
        };
        if members.is_empty() {
            return self.refuse(want.location, &format!("want is empty; {operation} answers {names}"));
        }
        let mut values = Vec::new();
        for (key, location, node) in members {
            let path = Path::parse(key);
            let is_known = |path: &Path| matches!(path.steps(), [Step::Field(name), ..] if answers.contains(&name.as_str()));
            match path.filter(is_known) {
                Some(path) => {
                    values.push(Expectation { path, node: node.clone(), origin: self.origin.to_owned() });
                }
                None => {
                    self.refuse::<()>(
                        *location,
                        &format!("{operation} has no answer {key}; it answers {names}"),
                    );
                }
            }
        }
        Some(values)
    }

    /// A case without its objects would fail each time it runs.
    fn check_objects(&mut self, node: &Node, operation: Operation, arguments: &Arguments) {
        let missing = match operation {
            Operation::Retain => match (&arguments.desired, &arguments.observed) {
                (Some(_), Some(_)) => return,
                (None, _) => "desired",
                (_, None) => "observed",
            },
            Operation::AggregateStatus if arguments.items.is_none() => "statusItems",
            _ if arguments.object(operation).is_ok() => return,
            _ => "object",
        };
        self.refuse::<()>(node.location, &format!("{operation} needs {missing}"));
    }

    fn text(&mut self, node: &Node, name: &str) -> Option<String> {
        match &node.value {
            NodeValue::Scalar(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => self.refuse(node.location, &format!("{name} must be a text")),
        }
    }

    fn refuse<T>(&mut self, location: Location, message: &str) -> Option<T> {
        self.refuse_with(location, message, None);
        None
    }

    fn refuse_with(&mut self, location: Location, message: &str, hint: Option<String>) {
        self.problems.push(ReadProblem {
            origin: self.origin.to_owned(),
            location: Some(location),
            message: message.to_owned(),
            hint,
        });
    }
}

#[cfg(test)]
mod tests {
    use indoc::indoc;

    use super::*;

    fn read(text: &str) -> Result<Vec<Case>, String> {
        read_cases(&[Input { origin: "t.yaml".to_owned(), text: text.to_owned() }])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn cases_are_items_of_lists_and_documents() {
        let cases = read(indoc! {"
            - name: a
              operation: retain
              desired: {apiVersion: v1, kind: Pod}
              observed: {apiVersion: v1, kind: Pod}
              wantError: boom
            - name: b
              operation: ReviseReplica
              object: {apiVersion: v1, kind: Pod}
              replicas: 3
              want: {revised.spec.replicas: 3}
            ---
            name: c
            description: as Karmada's own test data is written
            operation: AggregateStatus
            desiredObj: {apiVersion: v1, kind: Pod}
            statusItems: [{clusterName: m1, status: {x: 1}}]
            output: {aggregatedStatus: {}}
        "})
        .unwrap();
        let names: Vec<_> = cases.iter().map(|case| (case.name.as_str(), case.place.to_string())).collect();
        assert_eq!(
            names,
            [("a", "t.yaml:1:3".to_owned()), ("b", "t.yaml:6:3".to_owned()), ("c", "t.yaml:12:1".to_owned())]
        );
        assert_eq!(cases[1].arguments.replicas, 3);
        assert_eq!(cases[2].arguments.items.as_ref().unwrap()[0].cluster_name, "m1");
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let problems = read(indoc! {"
            - name: 1
              operation: Nope
              objekt: {}
            - operation: InterpretHealth
              object: {kind: Pod}
              want: {healty: true}
            - name: x
              operation: Retain
              desired: {apiVersion: v1, kind: Pod}
              replicas: many
              statusItems: [{status: {}}]
              now: soon
              want: []
            - 5
        "})
        .unwrap_err();
        assert_eq!(
            problems,
            indoc! {"
                t.yaml:3:3: a case has no field objekt
                t.yaml:1:9: name must be a text
                t.yaml:2:14: operation Nope is not supported; use one of: Retain, InterpretReplica, InterpretComponent, ReviseReplica, InterpretStatus, AggregateStatus, InterpretHealth, InterpretDependency
                t.yaml:4:3: name is not set
                t.yaml:5:11: object.apiVersion must be set to a text
                t.yaml:6:10: InterpretHealth has no answer healty; it answers healthy
                t.yaml:4:3: InterpretHealth needs object
                t.yaml:11:17: clusterName must be set to the name of a cluster
                t.yaml:10:13: replicas must be a whole number
                t.yaml:12:8: now must be a time like 2024-01-01T00:00:00Z
                t.yaml:13:9: want must be an object; Retain answers retained
                t.yaml:7:3: Retain needs observed
                t.yaml:14:3: a case with name, operation and want is expected"}
        );
    }

    #[test]
    fn a_file_without_cases_is_an_error() {
        assert_eq!(read("# nothing\n").unwrap_err(), "t.yaml: there is no case in it");
        assert!(read("- name: [\n").unwrap_err().starts_with("t.yaml:"));
    }
}

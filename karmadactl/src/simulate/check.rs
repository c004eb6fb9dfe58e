//! Objects against their schemas: misspelt fields, wrong types, and what an API server would refuse.

use std::collections::HashMap;
use std::thread;

use jiff::Timestamp;
use karmada_apiserver::registry::prepare::{admit_create, decode};
use karmada_apiserver::registry::{
    FieldError, FieldValidation, PrepareContext, PrepareError, Resource, Schema,
};
use karmada_core::object::Quantity;
use serde_json::Value;

use karmada_apiserver::registry::schema::SchemaType;

use super::kinds::{Kinds, label};
use super::problem::{Problem, Severity};
use crate::manifest::{Batch, closest};

/// Brings objects into the form in which an API server keeps them, and returns everything that is wrong.
///
/// Defaults are filled in: what members receive has them. Objects of namespaced kinds that name no namespace go to
/// `namespace`. Objects with an error are left as they are.
///
/// # Panics
///
/// Never: checking an object does not panic, whatever is in it.
pub fn check(batch: &mut Batch, kinds: &Kinds, namespace: &str) -> Vec<Problem> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let size = batch.objects.len().div_ceil(threads).max(1);
    let mut problems: Vec<Problem> = thread::scope(|scope| {
        let parts: Vec<_> = batch
            .objects
            .chunks_mut(size)
            .enumerate()
            .map(|(part, objects)| {
                scope.spawn(move || {
                    let mut problems = Vec::new();
                    for (index, object) in objects.iter_mut().enumerate() {
                        check_object(part * size + index, object, kinds, namespace, &mut problems);
                    }
                    problems
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("checking an object does not panic")).collect()
    });
    problems.extend(duplicates(batch));
    once_per_kind(&mut problems, batch);
    problems
}

fn check_object(
    index: usize,
    object: &mut Value,
    kinds: &Kinds,
    namespace: &str,
    problems: &mut Vec<Problem>,
) {
    let Some(resource) = kinds.resource(object) else {
        problems.push(kinds.unknown_kind(index, object));
        return;
    };
    let of_namespace = object["metadata"]["namespace"].as_str().is_some_and(|given| !given.is_empty());
    if resource.namespaced && !of_namespace && object["metadata"].is_object() {
        object["metadata"]["namespace"] = namespace.into();
    }
    let mut walk = Walk { index, label: label(object), problems: Vec::new() };
    walk.node(&resource.schema, object, "");
    let broken = walk.problems.iter().any(|problem| problem.severity == Severity::Error);
    let label = std::mem::take(&mut walk.label);
    problems.append(&mut walk.problems);
    if !broken {
        problems.extend(refusals(index, &label, resource, object));
    }
}

/// Fills in defaults, and returns why an API server would not take the object.
fn refusals(index: usize, label: &str, resource: &Resource, object: &mut Value) -> Vec<Problem> {
    let context = PrepareContext::new(FieldValidation::Ignore, Timestamp::UNIX_EPOCH);
    if let Err(error) = decode(resource, object, &context) {
        let text = error.to_string();
        let why =
            text.rsplit_once(&format!("handled as a {}: ", resource.kind)).map_or(&*text, |(_, why)| why);
        return vec![Problem::new(Severity::Error, index, "", format!("{label}: {why}"))];
    }
    let mut created = object.clone();
    let errors = match admit_create(resource, &mut created, &context) {
        Ok(_) => return Vec::new(),
        Err(PrepareError::Invalid(errors)) => errors,
        Err(error) => {
            return vec![Problem::new(Severity::Warning, index, "", format!("{label}: {error}"))];
        }
    };
    // Karmada decides by its own kinds; the others are only carried, and a member has the last word.
    let severity = if is_karmada(resource) { Severity::Error } else { Severity::Warning };
    let said = |error: FieldError| {
        let message = match severity {
            Severity::Error => format!("{label}: {}: {}", error.field, error.message),
            _ => format!("an API server would refuse {label}: {}: {}", error.field, error.message),
        };
        Problem::new(severity, index, &error.field, message)
    };
    errors.into_iter().map(said).collect()
}

fn is_karmada(resource: &Resource) -> bool {
    resource.group == "karmada.io" || resource.group.ends_with(".karmada.io")
}

/// A walk over an object beside its schema.
struct Walk {
    index: usize,
    label: String,
    problems: Vec<Problem>,
}

impl Walk {
    fn node(&mut self, schema: &Schema, value: &Value, path: &str) {
        if value.is_null() {
            return;
        }
        let is_quantity = schema.validation.format.as_deref() == Some("quantity")
            || (schema.schema_type == SchemaType::IntOrString && schema.validation.pattern.is_some());
        if is_quantity {
            return self.quantity(value, path);
        }
        match (schema.schema_type, value) {
            (SchemaType::Object, Value::Object(fields)) => {
                for (key, value) in fields {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    match schema.properties.get(key).or(schema.additional.as_ref()) {
                        Some(schema) => self.node(schema, value, &path),
                        None if schema.preserve_unknown || schema.properties.is_empty() => {}
                        None => self.unknown(schema, key, &path),
                    }
                }
            }
            (SchemaType::Array, Value::Array(items)) => {
                let Some(schema) = &schema.items else { return };
                for (index, item) in items.iter().enumerate() {
                    self.node(schema, item, &format!("{path}[{index}]"));
                }
            }
            (SchemaType::Any, _)
            | (SchemaType::String | SchemaType::IntOrString, Value::String(_))
            | (SchemaType::Number | SchemaType::IntOrString, Value::Number(_))
            | (SchemaType::Boolean, Value::Bool(_)) => {}
            (SchemaType::Integer, Value::Number(number)) => self.integer(schema, number, value, path),
            (expected, _) => {
                let expected = match expected {
                    SchemaType::Object => "an object",
                    SchemaType::Array => "a list",
                    SchemaType::String => "a text",
                    SchemaType::Integer => "a whole number",
                    SchemaType::Number => "a number",
                    SchemaType::IntOrString => "a whole number or a text",
                    SchemaType::Boolean => "true or false",
                    SchemaType::Any => return,
                };
                self.wrong(path, &format!("{expected} is expected, not {}", described(value)));
                self.hint(schema.schema_type, value);
            }
        }
    }

    /// Adds a way out to the last problem where the slip is plain.
    fn hint(&mut self, expected: SchemaType, value: &Value) {
        let Some(problem) = self.problems.last_mut() else { return };
        problem.hint = match (expected, value) {
            (SchemaType::Integer | SchemaType::Number, Value::String(text))
                if text.parse::<f64>().is_ok() =>
            {
                Some(format!("write {text} without quotes"))
            }
            (SchemaType::String, Value::Bool(_) | Value::Number(_)) => {
                Some(format!("write \"{value}\" in quotes"))
            }
            (SchemaType::Array, Value::Object(_)) => Some("put \"- \" before it".to_owned()),
            _ => None,
        };
    }

    fn integer(&mut self, schema: &Schema, number: &serde_json::Number, value: &Value, path: &str) {
        // 3.0 is written by some tools; a server takes it for 3.
        let whole = number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
                .map(|float| float as i64)
        });
        let Some(whole) = whole else {
            let why = if number.is_f64() && number.as_f64().is_some_and(|float| float.fract() != 0.0) {
                format!("a whole number is expected, not {value}")
            } else {
                format!("the number {value} is out of range")
            };
            return self.wrong(path, &why);
        };
        if schema.validation.format.as_deref() == Some("int32") && i32::try_from(whole).is_err() {
            self.wrong(path, &format!("the number {whole} is out of range: it must fit in 32 bits"));
        }
    }

    fn quantity(&mut self, value: &Value, path: &str) {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            other => return self.wrong(path, &format!("a quantity is expected, not {}", described(other))),
        };
        if let Err(error) = text.parse::<Quantity>() {
            self.wrong(path, &format!("{text:?} is not a quantity: {error}"));
            if let Some(problem) = self.problems.last_mut() {
                problem.hint = Some("examples: 100m, 2, 1.5, 64Mi, 200Gi".to_owned());
            }
        }
    }

    fn unknown(&mut self, schema: &Schema, key: &str, path: &str) {
        let message = format!("{} has no field {path}", self.label);
        let problem = Problem::new(Severity::Warning, self.index, path, message).at_key();
        self.problems.push(match closest(key, schema.properties.keys().map(String::as_str)) {
            Some(name) => problem.with_hint(format!("did you mean {name:?}?")),
            None => problem,
        });
    }

    fn wrong(&mut self, path: &str, why: &str) {
        let message = format!("{}: {path}: {why}", self.label);
        self.problems.push(Problem::new(Severity::Error, self.index, path, message));
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.chars().count() <= 40 => format!("the text {text:?}"),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Finds objects that are there twice.
fn duplicates(batch: &Batch) -> Vec<Problem> {
    let mut seen: HashMap<[&str; 4], usize> = HashMap::new();
    let mut twice = Vec::new();
    for (index, object) in batch.objects.iter().enumerate() {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let key = [
            api_version.split_once('/').map_or("", |(group, _)| group),
            object["kind"].as_str().unwrap_or_default(),
            object["metadata"]["namespace"].as_str().unwrap_or_default(),
            object["metadata"]["name"].as_str().unwrap_or_default(),
        ];
        match seen.get(&key) {
            Some(first) => twice.push((index, *first)),
            None => {
                seen.insert(key, index);
            }
        }
    }
    let mut locator = batch.locator();
    twice
        .into_iter()
        .map(|(index, first)| {
            let message = format!(
                "{} is there twice; first at {}",
                label(&batch.objects[index]),
                locator.place(first, "")
            );
            Problem::new(Severity::Error, index, "", message)
        })
        .collect()
}

/// Keeps one note per unknown kind, with the number of objects.
fn once_per_kind(problems: &mut Vec<Problem>, batch: &Batch) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let is_kind = |problem: &Problem| problem.severity == Severity::Note && problem.field == "kind";
    for problem in problems.iter().filter(|problem| is_kind(problem)) {
        *counts.entry(problem.message.clone()).or_default() += 1;
    }
    problems.retain_mut(|problem| {
        if !is_kind(problem) {
            return true;
        }
        let count = counts.remove(&problem.message);
        if let Some(count @ 2..) = count {
            problem.message = format!("{} ({count} objects)", problem.message);
        }
        count.is_some()
    });
    debug_assert!(
        problems.iter().all(|problem| problem.object.is_none_or(|index| index < batch.objects.len()))
    );
}

#[cfg(test)]
mod tests {
    use indoc::indoc;

    use super::*;
    use crate::simulate::Part;

    fn check_text(text: &str) -> Vec<String> {
        let (mut batch, problems) = Batch::of_text("f", text);
        assert_eq!(problems, []);
        let (kinds, problems) = Kinds::of(&batch.objects);
        assert_eq!(problems, []);
        let problems = check(&mut batch, &kinds, "default");
        let mut locator = batch.locator();
        problems
            .into_iter()
            .map(|problem| {
                let index = problem.object.unwrap();
                let place = match problem.part {
                    Part::Key => locator.place_of_key(index, &problem.field),
                    Part::Value => locator.place(index, &problem.field),
                };
                let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{:?} {place}: {}{hint}", problem.severity, problem.message)
            })
            .collect()
    }

    #[test]
    fn misspelt_fields_and_wrong_types_are_found_in_built_in_kinds() {
        let text = indoc! {"
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, lables: {}}
            spec:
              replica: 3
              replicas: \"3\"
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: true}}
                spec:
                  containers:
                    name: c
        "};
        assert_eq!(
            check_text(text),
            [
                "Warning f:3:23: Deployment default/web has no field metadata.lables (did you mean \"labels\"?)",
                "Warning f:5:3: Deployment default/web has no field spec.replica (did you mean \"replicas\"?)",
                "Error f:6:13: Deployment default/web: spec.replicas: a whole number is expected, not the text \"3\" (write 3 without quotes)",
                "Error f:9:30: Deployment default/web: spec.template.metadata.labels.app: a text is expected, not true (write \"true\" in quotes)",
                "Error f:11:7: Deployment default/web: spec.template.spec.containers: a list is expected, not an object (put \"- \" before it)",
            ]
        );
    }

    #[test]
    fn numbers_and_quantities_have_limits() {
        let text = indoc! {"
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 4294967296
              minReadySeconds: 1.5
              selector: {}
              template:
                spec:
                  containers:
                  - {name: c, image: i, resources: {requests: {cpu: 1x, memory: 64Mi, pods: [1]}}}
            ---
            apiVersion: cluster.karmada.io/v1alpha1
            kind: Cluster
            metadata: {name: m1}
            spec: {syncMode: Push}
            status: {resourceSummary: {allocatable: {cpu: '99999999999999999999999999999999E', memory: 10Gb, pods: 1.0}}}
        "};
        let quantity = "is not a quantity: quantities must match the regular expression \
                        '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (examples: 100m, 2, 1.5, 64Mi, 200Gi)";
        let requests = "Deployment default/web: spec.template.spec.containers[0].resources.requests";
        assert_eq!(
            check_text(text),
            [
                "Error f:6:20: Deployment default/web: spec.minReadySeconds: a whole number is expected, not 1.5".to_owned(),
                "Error f:5:13: Deployment default/web: spec.replicas: the number 4294967296 is out of range: it must fit in 32 bits".to_owned(),
                format!("Error f:11:57: {requests}.cpu: \"1x\" {quantity}"),
                format!("Error f:11:81: {requests}.pods: a quantity is expected, not a list"),
                "Error f:17:47: Cluster m1: status.resourceSummary.allocatable.cpu: \"99999999999999999999999999999999E\" is not a quantity: numeric value of quantity is out of range (examples: 100m, 2, 1.5, 64Mi, 200Gi)".to_owned(),
                format!("Error f:17:92: Cluster m1: status.resourceSummary.allocatable.memory: \"10Gb\" {quantity}"),
            ]
        );
    }

    #[test]
    fn what_an_api_server_refuses_is_told() {
        let text = indoc! {"
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: Web}
            spec: {}
            ---
            apiVersion: policy.karmada.io/v1alpha1
            kind: PropagationPolicy
            metadata: {name: p}
            spec: {preemption: Sometimes}
        "};
        let problems = check_text(text);
        assert!(problems[0].starts_with("Warning f:3:18: an API server would refuse Deployment default/Web: metadata.name: Invalid value: \"Web\": a lowercase"));
        assert_eq!(
            problems[1..],
            [
                "Warning f:4:7: an API server would refuse Deployment default/Web: spec.selector: Required value",
                "Warning f:4:7: an API server would refuse Deployment default/Web: spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
                "Warning f:4:7: an API server would refuse Deployment default/Web: spec.template.spec.containers: Required value",
                "Error f:9:7: PropagationPolicy default/p: spec.resourceSelectors: Required value",
                "Error f:9:20: PropagationPolicy default/p: spec.preemption: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\"",
            ]
        );
    }

    #[test]
    fn objects_that_are_there_twice_are_named_with_both_places() {
        let text = indoc! {"
            {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
            ---
            {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}
            ---
            {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}
            ---
            {apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}
            ---
            {apiVersion: example.com/v1, kind: Widget, metadata: {name: b}}
        "};
        assert_eq!(
            check_text(text),
            [
                "Note f:7:36: kind Widget of example.com/v1 is not known: its fields are not checked (2 objects) (add its CustomResourceDefinition to the input to have them checked)",
                "Error f:5:1: ConfigMap default/a is there twice; first at f:1:1",
            ]
        );
    }

    #[test]
    fn defaults_are_filled_in() {
        let text = "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}], selector: {a: b}}}";
        let (mut batch, _) = Batch::of_text("f", text);
        let (kinds, _) = Kinds::of(&batch.objects);
        assert_eq!(check(&mut batch, &kinds, "shop"), []);
        let object = &batch.objects[0];
        assert_eq!(
            (&object["metadata"]["namespace"], &object["metadata"]["uid"]),
            (&"shop".into(), &Value::Null)
        );
        assert_eq!(object["spec"]["ports"][0]["protocol"], "TCP");
    }
}

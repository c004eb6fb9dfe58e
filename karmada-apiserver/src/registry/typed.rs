//! Built-in kinds as a typed server reads and prints them.
//!
//! [`decode`] finds unknown fields and wrong types, and brings values to their canonical text. [`emit`] adds the fields
//! that are printed even when empty.

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::body::Problem;
use super::definitions::formats;
use super::quantity::Quantity;
use super::schema::{Schema, SchemaType};
use super::trail::Trail;

/// What decoding found.
#[derive(Default)]
pub(super) struct Findings {
    /// Unknown fields, which have been removed.
    pub(super) unknown: Vec<Problem>,
    /// The first value of a wrong type.
    pub(super) mismatch: Option<Mismatch>,
}

/// Why a value cannot be read, in the words for each way of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// For one who reads JSON text.
    pub decoded: String,
    /// For one who reads a document that was parsed and patched in memory.
    pub converted: String,
}

struct Decoder<'a> {
    kind: &'a str,
    findings: Findings,
}

/// Decodes an object of a kind in place.
pub(super) fn decode(kind: &str, schema: &Schema, object: &mut Value) -> Findings {
    let mut decoder = Decoder { kind, findings: Findings::default() };
    decoder.node(schema, object, &Trail::Root, kind);
    decoder.findings
}

/// Adds the fields that are always printed.
pub(super) fn emit(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(wire) = &schema.wire {
                for (field, default) in &wire.emitted {
                    if !map.contains_key(field) {
                        map.insert(field.clone(), default.clone());
                    }
                }
            }
            for (key, child) in map {
                if let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) {
                    emit(node, child);
                }
            }
        }
        Value::Array(items) => {
            if let Some(node) = &schema.items {
                for item in items {
                    emit(node, item);
                }
            }
        }
        _ => {}
    }
}

/// Removes empty values of optional fields, deep first.
pub(super) fn drop_empty(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                if let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) {
                    drop_empty(node, child);
                }
            }
            if let Some(wire) = &schema.wire {
                map.retain(|key, value| {
                    let known = schema.properties.contains_key(key);
                    !known || !(value.is_null() || !wire.kept.contains(key) && is_zero(value))
                });
            }
        }
        Value::Array(items) => {
            for item in items {
                schema.items.iter().for_each(|node| drop_empty(node, item));
            }
        }
        _ => {}
    }
}

/// Brings a decoded object to the form in which it is stored: as [`emit`], and what is empty is as what is absent.
pub(super) fn settle(schema: &Schema, value: &mut Value) {
    drop_empty_lists(schema, value);
    emit(schema, value);
}

fn drop_empty_lists(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(wire) = &schema.wire {
                for (field, default) in wire.emitted.iter().filter(|(_, default)| default.is_null()) {
                    if map.get(field).and_then(Value::as_array).is_some_and(Vec::is_empty) {
                        map.insert(field.clone(), default.clone());
                    }
                }
            }
            for (key, child) in map {
                if let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) {
                    drop_empty_lists(node, child);
                }
            }
        }
        Value::Array(items) => {
            if let Some(node) = &schema.items {
                for item in items {
                    drop_empty_lists(node, item);
                }
            }
        }
        _ => {}
    }
}

impl Decoder<'_> {
    fn node(&mut self, schema: &Schema, value: &mut Value, path: &Trail<'_>, owner: &str) {
        match schema.schema_type {
            SchemaType::Object => match value {
                Value::Object(map) if schema.properties.is_empty() => self.map(schema, map, path, owner),
                Value::Object(map) => self.structure(schema, map, path),
                _ => self.mismatch(schema, value, path, owner),
            },
            SchemaType::Array => match (value, &schema.items) {
                (Value::Array(items), Some(node)) => self.list(node, items, path, owner),
                (Value::Array(_), None) => {}
                (other, _) => self.mismatch(schema, other, path, owner),
            },
            SchemaType::String => self.string(schema, value, path, owner),
            SchemaType::Boolean if !value.is_boolean() => self.mismatch(schema, value, path, owner),
            SchemaType::Integer if !value.is_i64() && !value.is_u64() => {
                self.mismatch(schema, value, path, owner);
            }
            SchemaType::Number if !value.is_number() => self.mismatch(schema, value, path, owner),
            SchemaType::IntOrString if !value.is_string() && !value.is_number() => {
                self.mismatch(schema, value, path, owner);
            }
            SchemaType::Any if schema.validation.format.as_deref() == Some(formats::QUANTITY) => {
                self.quantity(value);
            }
            _ => {}
        }
    }

    fn structure(&mut self, schema: &Schema, map: &mut Map<String, Value>, path: &Trail<'_>) {
        let wire = schema.wire.as_deref();
        let mut removed = Vec::new();
        for (key, value) in map.iter_mut() {
            let child_path = Trail::Member(path, key);
            let Some(node) = schema.properties.get(key) else {
                if !schema.preserve_unknown {
                    let child_path = child_path.to_string();
                    self.findings
                        .unknown
                        .push(Problem { text: format!("unknown field \"{child_path}\""), path: child_path });
                    removed.push(key.clone());
                }
                continue;
            };
            if !value.is_null() {
                let owner = wire.map_or(self.kind, |rules| rules.structure.as_str());
                self.node(node, value, &child_path, owner);
            }
            // Whoever sends an empty list owns it, also where it is stored like an absent one.
            let empty_list = value.as_array().is_some_and(Vec::is_empty)
                && wire.is_some_and(|rules| rules.emitted.contains_key(key));
            let kept = empty_list || wire.is_none_or(|rules| rules.kept.contains(key));
            let gone = value.is_null() || (!kept && is_zero(value));
            if gone {
                removed.push(key.clone());
            }
        }
        for key in removed {
            map.remove(&key);
        }
    }

    fn map(&mut self, schema: &Schema, map: &mut Map<String, Value>, path: &Trail<'_>, owner: &str) {
        let Some(node) = &schema.additional else { return };
        for (key, value) in map.iter_mut() {
            if value.is_null() {
                *value = zero(node);
                continue;
            }
            // Go names the map, not the key, when a plain value is wrong.
            let child_path = Trail::Member(path, key);
            self.node(node, value, if is_scalar(node) { path } else { &child_path }, owner);
        }
    }

    fn list(&mut self, node: &Schema, items: &mut [Value], path: &Trail<'_>, owner: &str) {
        for (index, item) in items.iter_mut().enumerate() {
            if item.is_null() {
                *item = zero(node);
                continue;
            }
            let child_path = Trail::Item(path, index);
            self.node(node, item, if is_scalar(node) { path } else { &child_path }, owner);
        }
    }

    fn string(&mut self, schema: &Schema, value: &mut Value, path: &Trail<'_>, owner: &str) {
        let Value::String(text) = value else {
            return self.mismatch(schema, value, path, owner);
        };
        match schema.validation.format.as_deref() {
            Some(formats::TIME) => match canonical_time(text) {
                Some(time) => *text = time,
                None => self.fail(format!(
                    "parsing time {value} as \"2006-01-02T15:04:05Z07:00\": cannot parse {value} as \"2006\""
                )),
            },
            Some(formats::MICRO_TIME) => match micro_time(text) {
                Ok(time) => *text = time,
                Err(message) => self.fail(message),
            },
            Some("byte") => {
                // Line breaks are skipped by the real decoder.
                text.retain(|c| c != '\n' && c != '\r');
                if let Err(error) = base64::engine::general_purpose::STANDARD.decode(text.as_bytes()) {
                    let problem =
                        format!("illegal base64 data at input byte {}", base64_offset(text, &error));
                    let converted = format!("error decoding from json: {problem}");
                    self.note(Mismatch { decoded: problem, converted });
                }
            }
            _ => {}
        }
    }

    fn quantity(&mut self, value: &mut Value) {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        match Quantity::parse(&text) {
            Some(quantity) => *value = Value::from(quantity.canonical()),
            None => self.fail(
                "quantities must match the regular expression \
                 '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                    .to_owned(),
            ),
        }
    }

    fn mismatch(&mut self, schema: &Schema, value: &Value, path: &Trail<'_>, owner: &str) {
        let expected = go_type(schema);
        let found = match value {
            Value::Number(number) if expected.contains("int") && number.is_f64() => {
                format!("number {number}")
            }
            _ => json_type(value).to_owned(),
        };
        // Go names fields without the position in a list.
        let path = path.to_string();
        let path = if found.contains(' ') { path } else { without_indices(&path) };
        let decoded =
            format!("json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {expected}");
        self.note(Mismatch { decoded, converted: conversion_problem(schema, value, &expected) });
    }

    /// Notes a problem that reads the same either way.
    fn fail(&mut self, message: String) {
        self.note(Mismatch { converted: message.clone(), decoded: message });
    }

    fn note(&mut self, mismatch: Mismatch) {
        self.findings.mismatch.get_or_insert(mismatch);
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Says why a parsed value does not become the wanted one.
fn conversion_problem(schema: &Schema, value: &Value, expected: &str) -> String {
    let found = match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    };
    let reads_json =
        |into: &str| format!("json: cannot unmarshal {} into Go value of type {into}", json_type(value));
    match schema.schema_type {
        SchemaType::Object if schema.properties.is_empty() => format!("cannot restore map from {found}"),
        SchemaType::Object => format!("cannot restore struct from: {found}"),
        SchemaType::Array => format!("cannot restore slice from {found}"),
        SchemaType::IntOrString => reads_json("int32"),
        SchemaType::String => match schema.validation.format.as_deref() {
            Some(formats::TIME | formats::MICRO_TIME) => reads_json("string"),
            Some("byte") => format!("cannot restore slice from {found}"),
            _ if found == "int64" => format!("cannot convert int64 to {expected}"),
            _ => "unrecognized type: string".to_owned(),
        },
        SchemaType::Integer if found == "float64" => format!("cannot convert float64 to {expected}"),
        _ => format!("unrecognized type: {expected}"),
    }
}

/// Returns a time in the one text the server prints: UTC, whole seconds.
pub(super) fn canonical_time(text: &str) -> Option<String> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Whether a typed field with this value counts as not set.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn is_scalar(node: &Schema) -> bool {
    !matches!(node.schema_type, SchemaType::Object | SchemaType::Array)
}

fn zero(node: &Schema) -> Value {
    match node.schema_type {
        SchemaType::String => Value::from(""),
        SchemaType::Boolean => Value::Bool(false),
        SchemaType::Integer | SchemaType::Number | SchemaType::IntOrString => Value::from(0),
        SchemaType::Array => Value::Null,
        SchemaType::Object => Value::Object(Map::new()),
        SchemaType::Any if node.validation.format.is_some() => Value::from("0"),
        SchemaType::Any => Value::Null,
    }
}

fn go_type(schema: &Schema) -> String {
    match schema.schema_type {
        SchemaType::String => "string".to_owned(),
        SchemaType::Boolean => "bool".to_owned(),
        SchemaType::Number => "float64".to_owned(),
        SchemaType::Integer => {
            if schema.validation.format.as_deref() == Some("int64") { "int64" } else { "int32" }.to_owned()
        }
        SchemaType::Array => {
            format!(
                "[]{}",
                schema.items.as_ref().map_or_else(|| "interface {}".to_owned(), |node| go_type(node))
            )
        }
        SchemaType::Object => match &schema.additional {
            Some(node) => format!("map[string]{}", go_type(node)),
            None => "struct".to_owned(),
        },
        SchemaType::IntOrString => "intstr.IntOrString".to_owned(),
        SchemaType::Any => "interface {}".to_owned(),
    }
}

fn base64_offset(text: &str, error: &base64::DecodeError) -> usize {
    match error {
        base64::DecodeError::InvalidByte(offset, _) => *offset,
        base64::DecodeError::InvalidLastSymbol(offset, _) => *offset,
        // A group that is cut short: the decoder stops at its start.
        _ => text.len() - text.len() % 4,
    }
}

fn without_indices(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|c| {
            let hidden = inside || *c == '[';
            inside = (inside || *c == '[') && *c != ']';
            !hidden
        })
        .collect()
}

/// Reads a time with microseconds; the real server wants six digits, no more and no less.
fn micro_time(text: &str) -> Result<String, String> {
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    let quoted = |text: &str| Value::from(text).to_string();
    let failed = |rest: &str, part: &str| {
        Err(format!(
            "parsing time {} as \"{layout}\": cannot parse {} as \"{part}\"",
            quoted(text),
            quoted(rest)
        ))
    };
    let Ok(time) = text.parse::<Timestamp>() else { return failed(text, "2006") };
    let rest = text.get("2006-01-02T15:04:05".len()..).unwrap_or_default();
    let digits = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if digits != 6 {
        return failed(rest, ".000000");
    }
    Ok(time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::definitions;
    use super::*;

    fn decoded(definition: &str, mut object: Value) -> (Value, Findings) {
        let schema = definitions::schema(definition);
        let findings = decode("Thing", &schema, &mut object);
        (object, findings)
    }

    #[test]
    fn drops_empty_optional_fields_and_keeps_those_by_reference() {
        let (pod, _) = decoded(
            "io.k8s.api.core.v1.PodSpec",
            json!({"hostNetwork": false, "enableServiceLinks": false, "nodeName": "", "volumes": []}),
        );
        assert_eq!(pod, json!({"enableServiceLinks": false}));
    }

    #[test]
    fn brings_quantities_and_times_to_their_canonical_text() {
        let (resources, _) = decoded(
            "io.k8s.api.core.v1.ResourceRequirements",
            json!({"requests": {"cpu": 2, "memory": "1024Mi"}}),
        );
        assert_eq!(resources, json!({"requests": {"cpu": "2", "memory": "1Gi"}}));
        assert_eq!(canonical_time("2024-01-02T03:04:05+02:00").as_deref(), Some("2024-01-02T01:04:05Z"));
    }

    #[test]
    fn an_empty_list_is_stored_as_an_absent_one() {
        let definition = "io.k8s.api.rbac.v1.ClusterRole";
        let (mut role, _) = decoded(definition, json!({"rules": []}));
        assert_eq!(role["rules"], json!([]));
        settle(&definitions::schema(definition), &mut role);
        assert_eq!(role["rules"], Value::Null);
    }

    #[test]
    fn reports_unknown_fields_and_the_first_wrong_type() {
        let (map, findings) = decoded(
            "io.k8s.api.core.v1.ConfigMap",
            json!({"dta": {}, "data": {"a": 1}, "metadata": {"name": "x"}}),
        );
        assert_eq!(findings.unknown[0].text, "unknown field \"dta\"");
        assert!(findings.mismatch.unwrap().decoded.contains("cannot unmarshal number"));
        assert!(map.get("dta").is_none());
    }

    #[test]
    fn emits_what_is_always_printed() {
        let schema = definitions::schema("io.k8s.api.core.v1.Service");
        let mut service = json!({"kind": "Service"});
        emit(&schema, &mut service);
        assert_eq!(service["status"], json!({"loadBalancer": {}}));
    }
}

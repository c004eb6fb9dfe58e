//! Comparison of an answer with a recorded one that holds placeholders.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::diff::same_number;
use super::message::neutral;
use super::placeholder::{Bindings, Piece, match_text, split};

/// Members whose value depends on the set of kinds or on the machine.
const NOT_COMPARED: [&str; 2] = ["storageVersionHash", "serverAddressByClientCIDRs"];
/// The beginning of 2026: earlier times are input.
const START_OF_RECORDING: i64 = 1_767_225_600;
/// What stands before the fields that strict decoding refuses.
const STRICT_DECODING: &str = "strict decoding error: ";
/// What stands around the place of a scheme in Go's source.
const SCHEME: &str = "in scheme \"";
const SCHEME_END: char = '"';
/// Characters that end a generated name.
const GENERATED_SUFFIX: usize = 5;
/// Characters of a value shown in a difference.
const MAX_SHOWN: usize = 300;

/// Returns how `got` differs from `expected`; binds placeholders on the way.
pub fn differences(expected: &Value, got: &Value, bindings: &mut Bindings) -> Vec<String> {
    let mut matcher = Matcher { bindings, path: String::new(), lines: Vec::new() };
    matcher.value(expected, got);
    matcher.lines
}

struct Matcher<'a> {
    bindings: &'a mut Bindings,
    path: String,
    lines: Vec<String>,
}

impl Matcher<'_> {
    fn fail(&mut self, text: &str) {
        let place = if self.path.is_empty() { "/" } else { &self.path };
        self.lines.push(format!("{place}: {text}"));
    }

    fn unequal(&mut self, expected: &Value, got: &Value) {
        self.fail(&format!("expected {}, got {}", show(expected), show(got)));
    }

    /// Returns whether a member of the value at the current path is not compared.
    fn is_free(&self, key: &str) -> bool {
        // Descriptions of columns were not recorded.
        NOT_COMPARED.contains(&key) || (key == "description" && self.path.contains("/columnDefinitions/"))
    }

    fn below(&mut self, step: &str, run: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(step);
        run(self);
        self.path.truncate(length);
    }

    fn value(&mut self, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::String(pattern), _) if pattern == "$ANY" => {}
            // No body at all.
            (Value::String(pattern), Value::Null) if pattern.is_empty() => {}
            // Indented JSON and YAML are kept as text: their keys may come in any order.
            (Value::String(pattern), Value::Object(_)) => match document(pattern) {
                Some(mut expected) => {
                    // Revisions in texts were recorded as they were.
                    forget_revision(&mut expected);
                    expected
                        .get_mut("items")
                        .and_then(Value::as_array_mut)
                        .into_iter()
                        .flatten()
                        .for_each(forget_revision);
                    self.value(&expected, got);
                }
                None => self.unequal(expected, got),
            },
            // Ages in the rows of watch events were recorded as they were.
            (Value::String(pattern), Value::String(text))
                if self.path.contains("/cells/") && is_age(pattern) && is_age(text) => {}
            (Value::String(pattern), Value::String(text)) => {
                let in_cell = self.path.contains("/cells/");
                let (pattern, text) = (&comparable(pattern, in_cell), &comparable(text, in_cell));
                if !match_text(pattern, text, self.bindings) {
                    let known = Value::String(self.bindings.fill_text(pattern));
                    self.unequal(&known, got);
                }
            }
            (Value::String(pattern), Value::Number(number)) => {
                let is_placeholder = matches!(split(pattern).as_slice(), [Piece::Placeholder { .. }]);
                if !is_placeholder || !match_text(pattern, &number.to_string(), self.bindings) {
                    self.unequal(expected, got);
                }
            }
            (Value::Number(a), Value::Number(b)) if same_number(a, b) => {}
            (Value::Object(expected_fields), _) if expected_fields.contains_key("$partial") => {
                self.subset(&expected_fields["$partial"], got);
            }
            (Value::Object(expected_fields), _) if expected_fields.contains_key("$contains_item") => {
                let wanted = &expected_fields["$contains_item"];
                let items = got["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                if !items.iter().any(|item| self.holds(wanted, item)) {
                    self.fail(&format!("no item is {}", show(wanted)));
                }
            }
            (Value::Object(_), Value::Object(_)) => self.objects(expected, got),
            (Value::Array(expected), Value::Array(got)) => self.lists(expected, got),
            _ if expected == got => {}
            _ => self.unequal(expected, got),
        }
    }

    /// Tries a match and keeps its bindings when it holds.
    fn holds(&mut self, expected: &Value, got: &Value) -> bool {
        let mut tried = self.bindings.clone();
        let holds = differences(expected, got, &mut tried).is_empty();
        if holds {
            *self.bindings = tried;
        }
        holds
    }

    fn subset(&mut self, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::Object(fields), Value::Object(got)) => {
                for (key, value) in fields {
                    match got.get(key) {
                        Some(got) => self.below(key, |this| this.subset(value, got)),
                        None => self.fail(&format!("{key} is missing, expected {}", show(value))),
                    }
                }
            }
            (Value::Array(items), Value::Array(got)) => {
                for item in items {
                    let mut found = false;
                    for got in got {
                        let mut tried = Matcher {
                            bindings: &mut self.bindings.clone(),
                            path: String::new(),
                            lines: Vec::new(),
                        };
                        tried.subset(item, got);
                        found |= tried.lines.is_empty();
                    }
                    if !found {
                        self.fail(&format!("no item is {}", show(item)));
                    }
                }
            }
            _ => self.value(expected, got),
        }
    }

    fn objects(&mut self, expected: &Value, got: &Value) {
        let expected = with_generated_name(expected, got);
        let (expected, got) = (normalise_status(&expected), normalise_status(got));
        let (expected, got) = (sorted_rules(expected), sorted_rules(got));
        let empty = Map::new();
        let expected = expected.as_object().unwrap_or(&empty);
        let got = got.as_object().unwrap_or(&empty);
        let mut left: Vec<&String> = got.keys().collect();
        // Names first: they are what other differences are about.
        for (key, value) in expected {
            let Some(found) = self.find_key(key, &left) else {
                if !self.is_free(key) {
                    self.fail(&format!("{key} is missing, expected {}", show(value)));
                }
                continue;
            };
            left.retain(|key| **key != found);
            if self.is_free(key) {
                continue;
            }
            let got = &got[&found];
            match (key.as_str(), value, got) {
                ("managedFields", Value::Array(a), Value::Array(b)) => {
                    let (a, b) = (sorted(&without_times(a), manager_order), sorted(b, manager_order));
                    self.below(key, |this| this.lists(&a, &b));
                }
                _ => self.below(key, |this| this.value(value, got)),
            }
        }
        for key in left {
            if self.is_free(key) {
                continue;
            }
            self.fail(&format!("{key} is unexpected: {}", show(&got[key])));
        }
    }

    fn find_key(&mut self, pattern: &str, keys: &[&String]) -> Option<String> {
        if !pattern.contains('$') {
            return keys.iter().find(|key| **key == pattern).map(|key| (*key).clone());
        }
        keys.iter().find(|key| match_text(pattern, key, self.bindings)).map(|key| (*key).clone())
    }

    fn lists(&mut self, expected: &[Value], got: &[Value]) {
        for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
            self.below(&index.to_string(), |this| this.value(expected, got));
        }
        for (index, value) in expected.iter().enumerate().skip(got.len()) {
            self.fail(&format!("{index} is missing, expected {}", show(value)));
        }
        for (index, value) in got.iter().enumerate().skip(expected.len()) {
            self.fail(&format!("{index} is unexpected: {}", show(value)));
        }
    }
}

/// Reads a recorded text that is a document of JSON or YAML.
fn document(text: &str) -> Option<Value> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => serde_saphyr::from_str_with_options(text, options).ok()?,
    };
    value.is_object().then_some(value)
}

/// Returns a text without what another build or another moment makes different.
fn comparable(text: &str, in_cell: bool) -> String {
    let mut text = neutral(&without_scheme(text));
    if let Some((start, fields)) = text.split_once(STRICT_DECODING) {
        // The fields are found in the order of a hash table.
        let mut fields: Vec<&str> = fields.split(", ").collect();
        fields.sort_unstable();
        text = format!("{start}{STRICT_DECODING}{}", fields.join(", "));
    }
    if in_cell { without_node_ports(&text) } else { text }
}

/// Blanks the place in Go's source that names a scheme: it depends on how the server was built.
fn without_scheme(text: &str) -> String {
    let mut rest = text;
    let mut result = String::with_capacity(text.len());
    while let Some(start) = rest.find(SCHEME) {
        let (before, from) = rest.split_at(start + SCHEME.len());
        result.push_str(before);
        rest = from.find(SCHEME_END).map_or(from, |end| &from[end..]);
    }
    result + rest
}

/// Blanks node ports, which are random, in a cell such as `80:31544/TCP`.
fn without_node_ports(text: &str) -> String {
    let is_node_port = |port: &str| port.parse::<u16>().is_ok_and(|port| (30_000..=32_767).contains(&port));
    let parts = text.split_inclusive([':', '/', ',']).map(|part| {
        let digits = part.trim_end_matches([':', '/', ',']);
        if is_node_port(digits) { format!("*{}", &part[digits.len()..]) } else { part.to_owned() }
    });
    parts.collect()
}

/// Returns whether a text is a short duration such as `5s` or `2m3s`.
fn is_age(text: &str) -> bool {
    let is_unit = |c: char| matches!(c, 's' | 'm' | 'h' | 'd' | 'y');
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(is_unit)
        && text.chars().all(|c| c.is_ascii_digit() || is_unit(c))
}

/// Puts a name that was just generated in the place of the recorded one, which is part of a longer text.
fn with_generated_name(expected: &Value, got: &Value) -> Value {
    let name = |status: &Value| {
        let is_failure = status["kind"] == "Status" && status["status"] == "Failure";
        let made = status["metadata"]["generateName"].is_string();
        let name = if made { &status["metadata"]["name"] } else { &status["details"]["name"] };
        name.as_str().filter(|_| is_failure || made).map(str::to_owned)
    };
    let (Some(recorded), Some(generated)) = (name(expected), name(got)) else { return expected.clone() };
    let base = |name: &str| {
        name.len().checked_sub(GENERATED_SUFFIX).and_then(|end| name.get(..end).map(str::to_owned))
    };
    let is_generated = recorded != generated
        && base(&recorded).is_some_and(|base| !base.is_empty())
        && base(&recorded) == base(&generated);
    if !is_generated {
        return expected.clone();
    }
    serde_json::from_str(&expected.to_string().replace(&recorded, &generated))
        .unwrap_or_else(|_| expected.clone())
}

/// Blanks the revision of an object.
fn forget_revision(object: &mut Value) {
    if let Some(revision) = object.pointer_mut("/metadata/resourceVersion") {
        *revision = Value::from("$LRV");
    }
}

/// Sorts the rules of a review, which have no order.
fn sorted_rules(mut value: Value) -> Value {
    if value["kind"] == "SelfSubjectRulesReview" {
        for list in ["resourceRules", "nonResourceRules"] {
            let rules = value.pointer_mut(&format!("/status/{list}")).and_then(Value::as_array_mut);
            if let Some(rules) = rules {
                rules.sort_by_cached_key(Value::to_string);
            }
        }
    }
    value
}

/// Sorts what has no order in a failure Status: causes, and what its message lists.
fn normalise_status(value: &Value) -> Value {
    let mut value = value.clone();
    if value["kind"] != "Status" || value["status"] != "Failure" {
        return value;
    }
    if let Some(message) = value["message"].as_str().map(neutral) {
        value["message"] = message.into();
    }
    let Some(causes) = value.pointer_mut("/details/causes").and_then(Value::as_array_mut) else {
        return value;
    };
    for cause in causes.iter_mut() {
        if let Some(message) = cause["message"].as_str().map(neutral) {
            cause["message"] = message.into();
        }
    }
    if causes.len() > 1 {
        causes.sort_by_key(|cause| (cause["field"].to_string(), cause["message"].to_string()));
        if let Some(message) = value["message"].as_str() {
            let mut parts: Vec<&str> = message.split([',', '[', ']']).map(str::trim).collect();
            parts.sort_unstable();
            value["message"] = Value::from(parts.join(", "));
        }
    }
    value
}

fn manager_order(a: &Value, b: &Value) -> Ordering {
    let key = |entry: &Value| {
        ["manager", "operation", "subresource", "apiVersion"]
            .map(|name| entry[name].as_str().map(str::to_owned))
    };
    key(a).cmp(&key(b))
}

/// Replaces literal times of the recording, which slipped in where a request held the same time.
fn without_times(entries: &[Value]) -> Vec<Value> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        let time = entry["time"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        if time.is_some_and(|time| time.as_second() >= START_OF_RECORDING) {
            entry["time"] = Value::from("$TIME");
        }
    }
    entries
}

fn sorted(values: &[Value], order: fn(&Value, &Value) -> Ordering) -> Vec<Value> {
    let mut values = values.to_vec();
    values.sort_by(order);
    values
}

fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn binds_keys_and_numbers_and_ignores_the_order_of_managers() {
        let uid = "0b1c2d3e-0100-4a5b-8c6d-000000490889";
        let mut bindings = Bindings::default();
        let expected = json!({
            "metadata": {"uid": "$UID1", "managedFields": [{"manager": "a"}, {"manager": "b"}]},
            "port": "$PORT1", "x": {"k:{\"uid\":\"$UID1\"}": 1}, "any": "$ANY",
        });
        let got = json!({
            "metadata": {"uid": uid, "managedFields": [{"manager": "b"}, {"manager": "a"}]},
            "port": 30080, "x": {format!("k:{{\"uid\":\"{uid}\"}}"): 1}, "any": [1],
        });
        assert_eq!(differences(&expected, &got, &mut bindings), Vec::<String>::new());
        assert_eq!(bindings.fill(&json!({"p": "$PORT1"})), json!({"p": 30080}));
    }

    #[test]
    fn ignores_what_another_build_or_moment_makes_different() {
        let check = |expected: Value, got: Value| {
            assert_eq!(differences(&expected, &got, &mut Bindings::default()), Vec::<String>::new());
        };
        check(json!({"m": "no kind in scheme \"a.go:1\" x"}), json!({"m": "no kind in scheme \"b.go:2\" x"}));
        check(
            json!({"m": "y: strict decoding error: unknown field \"a\", unknown field \"b\""}),
            json!({"m": "y: strict decoding error: unknown field \"b\", unknown field \"a\""}),
        );
        check(json!({"cells": {"0": "81:31544/TCP"}}), json!({"cells": {"0": "81:30001/TCP"}}));
        check(json!({"b": "a: 1\nb: \"$RV1\"\n"}), json!({"b": {"b": "7", "a": 1}}));
    }

    #[test]
    fn names_the_place_of_a_difference() {
        let lines = differences(
            &json!({"a": [{"b": 1}], "c": 1}),
            &json!({"a": [{"b": 2}], "d": 1}),
            &mut Bindings::default(),
        );
        assert_eq!(
            lines,
            ["/a/0/b: expected 1, got 2", "/: c is missing, expected 1", "/: d is unexpected: 1"]
        );
    }

    #[test]
    fn parts_and_items_suffice_where_the_transcript_says_so() {
        let mut bindings = Bindings::default();
        let got = json!({"kind": "List", "items": [{"n": 1}, {"n": 2, "m": 3}]});
        assert!(differences(&json!({"$partial": {"items": [{"n": 2}]}}), &got, &mut bindings).is_empty());
        assert!(differences(&json!({"$contains_item": {"n": 2, "m": 3}}), &got, &mut bindings).is_empty());
        assert!(!differences(&json!({"$contains_item": {"n": 2}}), &got, &mut bindings).is_empty());
    }
}

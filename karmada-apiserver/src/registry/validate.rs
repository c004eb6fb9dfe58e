//! Value validation of custom objects.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::Value;

use super::field_error::{FieldError, FieldErrorKind};
use super::format;
use super::schema::{ListType, Schema, SchemaType, Validation};

/// Returns what is wrong with an object.
///
/// With the stored object, problems of values that have not changed are forgiven, so that a schema can become
/// stricter without locking objects.
pub fn validate(schema: &Schema, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    Validator { errors: &mut errors }.node(schema, object, old, "");
    errors
}

struct Validator<'a> {
    errors: &'a mut Vec<FieldError>,
}

impl Validator<'_> {
    fn node(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str) {
        if old == Some(value) {
            return;
        }
        if value.is_null() && schema.nullable {
            return;
        }
        if !self.check_type(schema, value, path) {
            return;
        }
        self.check_enum(&schema.validation, value, path);
        match value {
            Value::String(text) => self.string(&schema.validation, text, path),
            Value::Number(number) => self.number(&schema.validation, number, value, path),
            Value::Array(items) => self.array(schema, items, old, path),
            Value::Object(_) => self.object(schema, value, old, path),
            _ => {}
        }
        self.logical(&schema.validation, value, old, path);
    }

    /// Reports a wrong type. Returns whether the value has the right one.
    fn check_type(&mut self, schema: &Schema, value: &Value, path: &str) -> bool {
        let found = type_name(value);
        let (fits, expected) = match schema.schema_type {
            SchemaType::Any => (!value.is_null() || schema.preserve_unknown || schema.nullable, ""),
            SchemaType::Object => (value.is_object(), "object"),
            SchemaType::Array => (value.is_array(), "array"),
            SchemaType::String => (value.is_string(), "string"),
            SchemaType::Integer => (found == "integer", "integer"),
            SchemaType::Number => (value.is_number(), "number"),
            SchemaType::Boolean => (value.is_boolean(), "boolean"),
            SchemaType::IntOrString => (value.is_string() || found == "integer", "integer,string"),
        };
        if fits || expected.is_empty() {
            return true;
        }
        let found_value = Value::from(found);
        let detail = format!("{path} in body must be of type {expected}: \"{found}\"");
        self.errors.push(FieldError::type_invalid(path, &found_value, detail));
        if expected == "integer" && found == "number" {
            let detail = format!("Checked value must be of type integer (default format) in {path}");
            self.errors.push(FieldError::invalid("<nil>", &Value::from(""), detail));
        }
        false
    }

    fn check_enum(&mut self, validation: &Validation, value: &Value, path: &str) {
        if validation.enumeration.is_empty()
            || validation.enumeration.iter().any(|allowed| equal(allowed, value))
        {
            return;
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let supported: Vec<String> = validation.enumeration.iter().map(text).collect();
        self.errors.push(FieldError::not_supported(path, value, &supported));
    }

    fn string(&mut self, validation: &Validation, text: &str, path: &str) {
        let value = Value::from(text);
        let length = text.chars().count() as u64;
        if let Some(limit) = validation.max_length
            && length > limit
        {
            self.errors.push(FieldError::too_long(path, usize::try_from(limit).unwrap_or(usize::MAX)));
        }
        if let Some(limit) = validation.min_length
            && length < limit
        {
            self.invalid(path, &value, &format!("should be at least {limit} chars long"));
        }
        if let Some(pattern) = &validation.pattern
            && !validation
                .matcher
                .get_or_init(|| Regex::new(pattern).ok())
                .as_ref()
                .is_none_or(|r| r.is_match(text))
        {
            self.invalid(path, &value, &format!("should match '{pattern}'"));
        }
        if let Some(name) = &validation.format
            && !format::matches(name, text)
        {
            let detail = format!("{path} in body must be of type {name}: {value}");
            self.errors.push(FieldError::type_invalid(path, &value, detail));
        }
    }

    fn number(&mut self, validation: &Validation, number: &serde_json::Number, value: &Value, path: &str) {
        let Some(amount) = number.as_f64() else { return };
        if let Some(limit) = validation.minimum {
            if validation.exclusive_minimum && amount <= limit {
                self.invalid(path, value, &format!("should be greater than {limit}"));
            } else if !validation.exclusive_minimum && amount < limit {
                self.invalid(path, value, &format!("should be greater than or equal to {limit}"));
            }
        }
        if let Some(limit) = validation.maximum {
            if validation.exclusive_maximum && amount >= limit {
                self.invalid(path, value, &format!("should be less than {limit}"));
            } else if !validation.exclusive_maximum && amount > limit {
                self.invalid(path, value, &format!("should be less than or equal to {limit}"));
            }
        }
        if let Some(factor) = validation.multiple_of
            && factor > 0.0
            && (amount / factor).fract() != 0.0
        {
            self.invalid(path, value, &format!("should be a multiple of {factor}"));
        }
        let range = match validation.format.as_deref() {
            Some("int32") => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            _ => None,
        };
        if let Some((low, high)) = range
            && (amount < low || amount > high)
        {
            let detail = format!("Checked value must be of type integer with format int32 in {path}");
            self.errors.push(FieldError::invalid("<nil>", &Value::from(""), detail));
        }
    }

    fn array(&mut self, schema: &Schema, items: &[Value], old: Option<&Value>, path: &str) {
        let validation = &schema.validation;
        if let Some(limit) = validation.max_items
            && items.len() as u64 > limit
        {
            self.errors.push(FieldError::too_many(path, items.len(), limit));
        }
        if let Some(limit) = validation.min_items
            && (items.len() as u64) < limit
        {
            self.invalid(path, &Value::from(items.len()), &format!("should have at least {limit} items"));
        }
        if validation.unique_items && has_duplicates(items) {
            let value = Value::from("");
            self.errors.push(FieldError::invalid(
                path,
                &value,
                format!("{path} in body shouldn't contain duplicates"),
            ));
        }
        self.list_type(schema, items, path);
        let Some(node) = &schema.items else { return };
        let old_items = old.and_then(Value::as_array);
        for (index, item) in items.iter().enumerate() {
            let old_item = old_items.and_then(|old| corresponding(schema, old, item, index));
            self.node(node, item, old_item, &format!("{path}[{index}]"));
        }
    }

    /// Reports items of a set or map that occur twice.
    fn list_type(&mut self, schema: &Schema, items: &[Value], path: &str) {
        let mut seen: Vec<Vec<&Value>> = Vec::new();
        let mut reported: BTreeSet<String> = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let (key, shown) = match &schema.list_type {
                ListType::Atomic => return,
                ListType::Set => (vec![item], item.clone()),
                ListType::Map(keys) => (
                    keys.iter().map(|key| &item[key.as_str()]).collect(),
                    keys.iter().map(|key| (key.clone(), item[key.as_str()].clone())).collect(),
                ),
            };
            if seen.contains(&key) {
                if reported.insert(shown.to_string()) {
                    self.errors.push(FieldError::duplicate(format!("{path}[{index}]"), &shown));
                }
            } else {
                seen.push(key);
            }
        }
    }

    fn object(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str) {
        let Some(map) = value.as_object() else { return };
        let validation = &schema.validation;
        if let Some(limit) = validation.max_properties
            && map.len() as u64 > limit
        {
            self.errors.push(FieldError::too_many(path, map.len(), limit));
        }
        if let Some(limit) = validation.min_properties
            && (map.len() as u64) < limit
        {
            self.invalid(path, &Value::from(map.len()), &format!("should have at least {limit} properties"));
        }
        for name in &schema.required {
            if !map.contains_key(name) {
                self.errors.push(FieldError::required(join(path, name), ""));
            }
        }
        if schema.embedded_resource {
            self.embedded(value, path);
        }
        for (key, child) in map {
            if key == "metadata" && (path.is_empty() || schema.embedded_resource) {
                self.metadata(schema, child, path);
                continue;
            }
            if let Some(node) = schema.properties.get(key).or(schema.additional.as_ref()) {
                self.node(node, child, old.and_then(|old| old.get(key)), &join(path, key));
            }
        }
    }

    fn embedded(&mut self, value: &Value, path: &str) {
        for name in ["apiVersion", "kind"] {
            if value[name].as_str().unwrap_or_default().is_empty() {
                self.errors.push(FieldError::required(join(path, name), ""));
            }
        }
    }

    /// Checks what a schema says about `metadata.name` and `metadata.generateName`; the rest has its own rules.
    fn metadata(&mut self, schema: &Schema, value: &Value, path: &str) {
        let Some(node) = schema.properties.get("metadata") else { return };
        for name in ["name", "generateName"] {
            if let (Some(node), Some(text)) = (node.properties.get(name), value[name].as_str()) {
                let path = join(&join(path, "metadata"), name);
                self.check_enum(&node.validation, &value[name], &path);
                self.string(&node.validation, text, &path);
            }
        }
    }

    fn logical(&mut self, validation: &Validation, value: &Value, old: Option<&Value>, path: &str) {
        for node in &validation.all_of {
            self.node(node, value, old, path);
        }
        let results = |nodes: &[std::sync::Arc<Schema>]| -> Vec<Vec<FieldError>> {
            nodes
                .iter()
                .map(|node| {
                    let mut errors = Vec::new();
                    Validator { errors: &mut errors }.node(node, value, None, path);
                    errors
                })
                .collect()
        };
        let mut report = |detail: String| {
            self.errors.push(FieldError {
                kind: FieldErrorKind::Invalid,
                field: "<nil>".to_owned(),
                message: format!("Invalid value: \"\": {detail}"),
            });
        };
        let mut alternatives = Vec::new();
        if !validation.any_of.is_empty() {
            let outcomes = results(&validation.any_of);
            if outcomes.iter().all(|errors| !errors.is_empty()) {
                report(format!("\"{path}\" must validate at least one schema (anyOf)"));
                alternatives.extend(fewest(outcomes));
            }
        }
        if !validation.one_of.is_empty() {
            let outcomes = results(&validation.one_of);
            let valid = outcomes.iter().filter(|errors| errors.is_empty()).count();
            if valid == 0 {
                report(format!("\"{path}\" must validate one and only one schema (oneOf). Found none valid"));
                alternatives.extend(fewest(outcomes));
            } else if valid > 1 {
                report(format!(
                    "\"{path}\" must validate one and only one schema (oneOf). Found {valid} valid alternatives"
                ));
            }
        }
        if let Some(node) = &validation.not
            && results(std::slice::from_ref(node))[0].is_empty()
        {
            report(format!("\"{path}\" must not validate the schema (not)"));
        }
        self.errors.extend(alternatives);
    }

    fn invalid(&mut self, path: &str, value: &Value, rule: &str) {
        self.errors.push(FieldError::invalid(path, value, format!("{path} in body {rule}")));
    }
}

/// Returns the JSON schema name of a value's type.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) => {
            let whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            if whole { "integer" } else { "number" }
        }
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Of several alternatives that all fail, the one that fails least tells the user most.
fn fewest(outcomes: Vec<Vec<FieldError>>) -> Vec<FieldError> {
    outcomes.into_iter().min_by_key(Vec::len).unwrap_or_default()
}

fn equal(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && b.is_number() && a.as_f64() == b.as_f64())
}

fn has_duplicates(items: &[Value]) -> bool {
    items.iter().enumerate().any(|(index, item)| items[..index].contains(item))
}

/// Finds the old state of a list item: by key in maps, by value in sets, by nothing in atomic lists.
fn corresponding<'a>(schema: &Schema, old: &'a [Value], item: &Value, index: usize) -> Option<&'a Value> {
    match &schema.list_type {
        ListType::Map(keys) => {
            old.iter().find(|other| keys.iter().all(|key| other[key.as_str()] == item[key.as_str()]))
        }
        ListType::Set => old.iter().find(|other| *other == item),
        ListType::Atomic => old.get(index).filter(|other| *other == item),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::crd::compile_schema;
    use super::*;

    fn check(spec_schema: Value, spec: Value, expected: &[&str]) {
        let schema = compile_schema(&json!({"type": "object", "properties": {"spec": spec_schema}}));
        let errors: Vec<String> =
            validate(&schema, &json!({"spec": spec}), None).iter().map(ToString::to_string).collect();
        assert_eq!(errors, expected);
    }

    #[test]
    fn names_the_type_that_was_expected() {
        check(
            json!({"type": "integer"}),
            json!("x"),
            &["spec: Invalid value: \"string\": spec in body must be of type integer: \"string\""],
        );
        check(json!({"type": "integer"}), json!(1.0), &[]);
    }

    #[test]
    fn counts_characters_and_not_bytes() {
        check(json!({"type": "string", "minLength": 2, "maxLength": 2}), json!("éé"), &[]);
    }

    #[test]
    fn reports_a_missing_alternative_and_why_the_nearest_fails() {
        check(
            json!({"type": "integer", "anyOf": [{"minimum": 10}, {"maximum": 2}]}),
            json!(5),
            &[
                "<nil>: Invalid value: \"\": \"spec\" must validate at least one schema (anyOf)",
                "spec: Invalid value: 5: spec in body should be greater than or equal to 10",
            ],
        );
    }

    #[test]
    fn forgives_an_unchanged_value() {
        let schema = compile_schema(&json!({"type": "object", "properties": {"spec": {"type": "object",
            "properties": {"a": {"type": "string", "maxLength": 2}, "b": {"type": "string"}}}}}));
        let old = json!({"spec": {"a": "long"}});
        assert!(validate(&schema, &json!({"spec": {"a": "long", "b": "1"}}), Some(&old)).is_empty());
        assert_eq!(validate(&schema, &json!({"spec": {"a": "longer"}}), Some(&old)).len(), 1);
    }
}

//! What the schemas of Karmada's kinds fill in and refuse.
//!
//! These are the rules that the schemas of Karmada's own definitions use, with the words of the
//! API server: types, required fields, enumerations, bounds and lengths.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::admission::{FieldError, FieldErrorType};

/// The schemas of Karmada's kinds.
#[derive(Debug)]
pub(super) struct Schemas(BTreeMap<(String, String), Value>);

impl Schemas {
    /// Takes the schemas out of definitions.
    pub(super) fn new(definitions: &[Value]) -> Self {
        let mut schemas = BTreeMap::new();
        for definition in definitions {
            let spec = &definition["spec"];
            let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
                continue;
            };
            for version in spec["versions"].as_array().into_iter().flatten() {
                let Some(name) = version["name"].as_str() else { continue };
                let schema = version["schema"]["openAPIV3Schema"].clone();
                schemas.insert((format!("{group}/{name}"), kind.to_owned()), schema);
            }
        }
        Self(schemas)
    }

    /// Fills in what the user left out.
    pub(super) fn fill_defaults(&self, api_version: &str, kind: &str, object: &mut Value) {
        if let Some(schema) = self.find(api_version, kind) {
            fill(schema, object);
        }
    }

    /// Returns everything that is wrong.
    pub(super) fn check(&self, api_version: &str, kind: &str, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if let Some(schema) = self.find(api_version, kind) {
            check_object(schema, object, "", &mut errors);
        }
        errors
    }

    fn find(&self, api_version: &str, kind: &str) -> Option<&Value> {
        self.0.get(&(api_version.to_owned(), kind.to_owned()))
    }
}

fn fill(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_missing =
                    fields.get(name).is_none_or(|field| field.is_null() && property["nullable"] != true);
                if is_missing && let Some(default) = property.get("default") {
                    fields.insert(name.clone(), default.clone());
                }
                if let Some(field) = fields.get_mut(name) {
                    fill(property, field);
                }
            }
            if schema["additionalProperties"].is_object() {
                fields.values_mut().for_each(|field| fill(&schema["additionalProperties"], field));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(&schema["items"], item)),
        _ => {}
    }
}

fn check(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if value.is_null() || !check_type(schema, value, path, errors) {
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        errors.push(not_supported(path, value, allowed));
    }
    match value {
        Value::String(text) => check_text(schema, text, path, errors),
        Value::Number(_) => check_number(schema, value, path, errors),
        Value::Array(items) => check_items(schema, items, path, errors),
        Value::Object(_) => check_object(schema, value, path, errors),
        _ => {}
    }
}

/// Reports a wrong type; returns whether it is the right one.
fn check_type(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) -> bool {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let expected = if schema["x-kubernetes-int-or-string"] == true {
        "integer,string"
    } else {
        schema["type"].as_str().unwrap_or_default()
    };
    let fits = match expected {
        "" => true,
        "integer,string" => matches!(found, "integer" | "string"),
        "number" => matches!(found, "integer" | "number"),
        other => other == found,
    };
    if !fits {
        let detail = format!("{path} in body must be of type {expected}: \"{found}\"");
        errors.push(error(FieldErrorType::TypeInvalid, path, Some(format!("\"{found}\"")), detail));
    }
    fits
}

fn check_text(schema: &Value, text: &str, path: &str, errors: &mut Vec<FieldError>) {
    let length = text.chars().count() as u64;
    if let Some(limit) = schema["maxLength"].as_u64().filter(|limit| length > *limit) {
        let detail = format!("may not be more than {limit} bytes");
        errors.push(error(FieldErrorType::TooLong, path, None, detail));
    }
    if let Some(limit) = schema["minLength"].as_u64().filter(|limit| length < *limit) {
        errors.push(invalid(path, &json!(text), &format!("should be at least {limit} chars long")));
    }
}

fn check_number(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(amount) = value.as_f64() else { return };
    if let Some(limit) = schema["minimum"].as_f64().filter(|limit| amount < *limit) {
        errors.push(invalid(path, value, &format!("should be greater than or equal to {limit}")));
    }
    if let Some(limit) = schema["maximum"].as_f64().filter(|limit| amount > *limit) {
        errors.push(invalid(path, value, &format!("should be less than or equal to {limit}")));
    }
    if schema["format"] == "int32" && value.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
        let detail = "must be of type integer with format int32".to_owned();
        errors.push(error(FieldErrorType::Invalid, path, Some(value.to_string()), detail));
    }
}

fn check_items(schema: &Value, items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    if let Some(limit) = schema["minItems"].as_u64().filter(|limit| (items.len() as u64) < *limit) {
        errors.push(invalid(path, &json!(items.len()), &format!("should have at least {limit} items")));
    }
    let keys: Vec<&str> = match schema["x-kubernetes-list-type"].as_str() {
        Some("map") => schema["x-kubernetes-list-map-keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
        _ => Vec::new(),
    };
    let mut seen: Vec<Vec<&Value>> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        check(&schema["items"], item, &path, errors);
        if !keys.is_empty() {
            let key: Vec<&Value> = keys.iter().map(|key| &item[*key]).collect();
            if seen.contains(&key) {
                let shown: serde_json::Map<_, _> =
                    keys.iter().map(|key| ((*key).to_owned(), item[*key].clone())).collect();
                let shown = Value::Object(shown).to_string();
                errors.push(error(FieldErrorType::Duplicate, &path, Some(shown), String::new()));
            }
            seen.push(key);
        }
    }
}

fn check_object(schema: &Value, object: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(fields) = object.as_object() else { return };
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if fields.get(name).is_none_or(Value::is_null) {
            errors.push(error(FieldErrorType::Required, &below(name), None, String::new()));
        }
    }
    for (name, value) in fields {
        // What every object has is checked elsewhere.
        if path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            continue;
        }
        if let Some(property) = schema["properties"].get(name) {
            check(property, value, &below(name), errors);
        } else if schema["additionalProperties"].is_object() {
            check(&schema["additionalProperties"], value, &below(name), errors);
        }
    }
}

fn not_supported(path: &str, value: &Value, allowed: &[Value]) -> FieldError {
    let supported: Vec<String> = allowed.iter().map(Value::to_string).collect();
    let detail = format!("supported values: {}", supported.join(", "));
    error(FieldErrorType::NotSupported, path, Some(value.to_string()), detail)
}

fn invalid(path: &str, value: &Value, detail: &str) -> FieldError {
    error(FieldErrorType::Invalid, path, Some(value.to_string()), format!("{path} in body {detail}"))
}

fn error(type_: FieldErrorType, path: &str, value: Option<String>, detail: String) -> FieldError {
    FieldError { type_, field: path.to_owned(), value, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::crds;

    const POLICY: (&str, &str) = ("policy.karmada.io/v1alpha1", "PropagationPolicy");

    fn errors(spec: Value) -> Vec<String> {
        let schemas = Schemas::new(&crds());
        let mut object = json!({"spec": spec});
        schemas.fill_defaults(POLICY.0, POLICY.1, &mut object);
        schemas.check(POLICY.0, POLICY.1, &object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn defaults_are_those_of_the_definitions() {
        let mut object = json!({"spec": {"placement": {"replicaScheduling": {}}, "resourceSelectors": []}});
        Schemas::new(&crds()).fill_defaults(POLICY.0, POLICY.1, &mut object);
        assert_eq!(object["spec"]["placement"]["replicaScheduling"]["replicaSchedulingType"], "Divided");
        assert_eq!(object["spec"]["conflictResolution"], "Abort");
        assert_eq!(object["spec"]["priority"], 0);
    }

    #[test]
    fn all_mistakes_are_told_in_the_words_of_the_server() {
        let selectors = json!([{"apiVersion": "apps/v1"}]);
        assert_eq!(
            errors(json!({"resourceSelectors": selectors, "preemption": "Sometimes", "priority": "3"})),
            [
                "spec.preemption: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\"",
                "spec.priority: Invalid value: \"string\": spec.priority in body must be of type integer: \"string\"",
                "spec.resourceSelectors[0].kind: Required value",
            ]
        );
        assert_eq!(
            errors(json!({"resourceSelectors": [], "priority": 3_000_000_000_i64})),
            [
                "spec.priority: Invalid value: 3000000000: must be of type integer with format int32",
                "spec.resourceSelectors: Invalid value: 0: spec.resourceSelectors in body should have at least 1 items",
            ]
        );
        assert_eq!(errors(json!({"resourceSelectors": [{"apiVersion": "v1", "kind": "Secret"}]})), [""; 0]);
    }
}

//! What makes a schema structural, and its extensions consistent.

use regex_lite::Regex;
use serde_json::{Value, json};

use super::super::definitions::strings;
use super::super::field_error::FieldError;
use super::super::structural;
use super::super::validate;
use super::compile::compile_node;
use super::rule_checks::{self, Structure};
use super::rules::{check_rules, compile_node_rules};

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];
/// Keywords of JSON schema that CRDs do not have.
const UNSUPPORTED: &[&str] = &[
    "$ref",
    "additionalItems",
    "definitions",
    "dependencies",
    "deprecated",
    "discriminator",
    "id",
    "patternProperties",
    "readOnly",
    "writeOnly",
    "xml",
];
/// Keywords that may stand in the structure, not in a logical junctor, and what they must be there.
const STRUCTURE_ONLY: &[(&str, &str)] = &[
    ("type", "must be empty to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("default", "must be undefined to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
    ("x-kubernetes-validations", "must be empty to be structural"),
];

/// Where a node stands, for the words about its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Field,
    Item,
}

/// Reports what is wrong with the schema of a version.
pub(super) fn check(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let before = errors.len();
    node(schema, path, Place::Root, errors);
    if schema["nullable"] == json!(true) {
        errors.push(FieldError::forbidden(format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    metadata(schema, path, errors);
    let structure = if errors.len() == before { Structure::Sound } else { Structure::Broken };
    rule_checks::check(schema, path, structure, errors);
}

fn node(schema: &Value, path: &str, place: Place, errors: &mut Vec<FieldError>) {
    node_type(schema, path, place, errors);
    keywords(schema, path, errors);
    extensions(schema, path, errors);
    list_type(schema, path, errors);
    map_type(schema, path, errors);
    junctors(schema, path, errors);
    if place == Place::Root || !path.contains("properties[metadata]") {
        default(schema, path, errors);
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        node(child, &format!("{path}.properties[{name}]"), Place::Field, errors);
    }
    match &schema["additionalProperties"] {
        child @ Value::Object(_) => {
            node(child, &format!("{path}.additionalProperties"), Place::Field, errors);
        }
        Value::Bool(false) => errors.push(FieldError::forbidden(
            format!("{path}.additionalProperties"),
            "additionalProperties cannot be set to false",
        )),
        _ => {}
    }
    if schema["items"].is_object() {
        node(&schema["items"], &format!("{path}.items"), Place::Item, errors);
    }
}

fn node_type(schema: &Value, path: &str, place: Place, errors: &mut Vec<FieldError>) {
    let found = schema["type"].as_str().unwrap_or_default();
    let field = format!("{path}.type");
    let flag = |key: &str| schema[key] == json!(true);
    let loose = flag("x-kubernetes-int-or-string") || flag("x-kubernetes-preserve-unknown-fields");
    match place {
        Place::Root if found.is_empty() => {
            errors.push(FieldError::required(field, "must not be empty at the root"));
        }
        Place::Root if found != "object" => {
            errors.push(FieldError::invalid(field, &schema["type"], "must be object at the root"));
        }
        Place::Field if found.is_empty() && !loose => {
            errors.push(FieldError::required(field, "must not be empty for specified object fields"));
        }
        Place::Item if found.is_empty() && !loose => {
            errors.push(FieldError::required(field, "must not be empty for specified array items"));
        }
        _ if !found.is_empty() && !TYPES.contains(&found) => {
            errors.push(FieldError::not_supported(field, &schema["type"], TYPES));
        }
        _ => {}
    }
    if found == "array" && !schema["items"].is_object() {
        errors.push(FieldError::required(format!("{path}.items"), "must be specified"));
    }
}

fn keywords(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for keyword in UNSUPPORTED {
        if !schema[*keyword].is_null() {
            errors.push(FieldError::forbidden(
                format!("{path}.{keyword}"),
                format!("{keyword} is not supported"),
            ));
        }
    }
    let has_properties = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
    if has_properties && schema["additionalProperties"].is_object() {
        errors.push(FieldError::forbidden(
            format!("{path}.additionalProperties"),
            "additionalProperties and properties are mutual exclusive",
        ));
    }
    if schema["uniqueItems"] == json!(true) {
        errors.push(FieldError::forbidden(
            format!("{path}.uniqueItems"),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && let Err(error) = Regex::new(pattern)
    {
        errors.push(FieldError::invalid(
            format!("{path}.pattern"),
            &schema["pattern"],
            format!("must be a valid regular expression, but isn't: {error}"),
        ));
    }
}

fn extensions(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let found = schema["type"].as_str().unwrap_or_default();
    if schema["x-kubernetes-preserve-unknown-fields"] == json!(false) {
        errors.push(FieldError::invalid(
            format!("{path}.x-kubernetes-preserve-unknown-fields"),
            &json!(false),
            "must be true or undefined",
        ));
    }
    if schema["x-kubernetes-int-or-string"] == json!(true) && !found.is_empty() {
        errors.push(FieldError::invalid(
            format!("{path}.type"),
            &schema["type"],
            "must be empty if x-kubernetes-int-or-string is true",
        ));
    }
    if schema["x-kubernetes-embedded-resource"] == json!(true) {
        if found != "object" {
            errors.push(FieldError::invalid(
                format!("{path}.type"),
                &Value::from(found),
                "must be object if x-kubernetes-embedded-resource is true",
            ));
        }
        let open = schema["x-kubernetes-preserve-unknown-fields"] == json!(true);
        if !open && schema["properties"].as_object().is_none_or(serde_json::Map::is_empty) {
            errors.push(FieldError::required(
                format!("{path}.properties"),
                "must not be empty if x-kubernetes-embedded-resource is true without \
                 x-kubernetes-preserve-unknown-fields",
            ));
        }
    }
}

fn list_type(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let found = schema["x-kubernetes-list-type"].as_str();
    let keys = strings(schema.get("x-kubernetes-list-map-keys"));
    let field = format!("{path}.x-kubernetes-list-type");
    let keys_field = format!("{path}.x-kubernetes-list-map-keys");
    if found.is_some() && schema["type"] != "array" {
        let shown = schema["type"].as_str().unwrap_or_default();
        errors.push(FieldError::invalid(
            format!("{path}.type"),
            &Value::from(shown),
            "must be array if x-kubernetes-list-type is specified",
        ));
    }
    if let Some(found) = found
        && !matches!(found, "atomic" | "set" | "map")
    {
        errors.push(FieldError::not_supported(
            &field,
            &schema["x-kubernetes-list-type"],
            &["atomic", "set", "map"],
        ));
    }
    if !keys.is_empty() && found != Some("map") {
        let shown = schema["x-kubernetes-list-type"].clone();
        errors.push(FieldError::invalid(
            &field,
            &shown,
            "must be map if x-kubernetes-list-map-keys is non-empty",
        ));
    }
    match found {
        Some("map") => list_map(schema, path, &keys, &keys_field, errors),
        Some("set") => set_items(&schema["items"], &format!("{path}.items"), errors),
        _ => {}
    }
}

fn list_map(schema: &Value, path: &str, keys: &[String], keys_field: &str, errors: &mut Vec<FieldError>) {
    if keys.is_empty() {
        errors.push(FieldError::required(keys_field, "must not be empty if x-kubernetes-list-type is map"));
    }
    let items = &schema["items"];
    if items.is_null() {
        errors.push(FieldError::required(
            format!("{path}.items"),
            "must have a schema if x-kubernetes-list-type is map",
        ));
        return;
    }
    if items["type"] != "object" {
        errors.push(FieldError::invalid(
            format!("{path}.items.type"),
            &items["type"],
            "must be object if parent array's x-kubernetes-list-type is map",
        ));
    }
    let required = strings(items.get("required"));
    for key in keys {
        let property = &items["properties"][key.as_str()];
        let field = format!("{path}.items.properties[{key}]");
        if property.is_null() {
            errors.push(FieldError::invalid(
                keys_field,
                &schema["x-kubernetes-list-map-keys"],
                "entries must all be names of item properties",
            ));
            continue;
        }
        if matches!(property["type"].as_str(), Some("array" | "object")) {
            errors.push(FieldError::invalid(
                format!("{field}.type"),
                &property["type"],
                "must be a scalar type if parent array's x-kubernetes-list-type is map",
            ));
        }
        if property["default"].is_null() && !required.contains(key) {
            errors.push(FieldError::required(
                format!("{field}.default"),
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
            ));
        }
    }
}

fn set_items(items: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match items["type"].as_str() {
        Some("object") if items["x-kubernetes-map-type"] != "atomic" => errors.push(FieldError::invalid(
            format!("{path}.x-kubernetes-map-type"),
            &items["x-kubernetes-map-type"],
            "must be atomic as item of a list with x-kubernetes-list-type=set",
        )),
        Some("array") if !matches!(items["x-kubernetes-list-type"].as_str(), Some("atomic")) => {
            errors.push(FieldError::invalid(
                format!("{path}.x-kubernetes-list-type"),
                &items["x-kubernetes-list-type"],
                "must be atomic as item of a list with x-kubernetes-list-type=set",
            ));
        }
        _ => {}
    }
    if items["nullable"] == json!(true) {
        errors.push(FieldError::forbidden(
            format!("{path}.nullable"),
            "cannot be nullable when x-kubernetes-list-type is set",
        ));
    }
}

fn map_type(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(found) = schema["x-kubernetes-map-type"].as_str() else { return };
    if schema["type"] != "object" {
        let shown = schema["type"].as_str().unwrap_or_default();
        errors.push(FieldError::invalid(
            format!("{path}.type"),
            &Value::from(shown),
            "must be object if x-kubernetes-map-type is specified",
        ));
    }
    if !matches!(found, "atomic" | "granular") {
        errors.push(FieldError::not_supported(
            format!("{path}.x-kubernetes-map-type"),
            &schema["x-kubernetes-map-type"],
            &["atomic", "granular"],
        ));
    }
}

fn junctors(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    // The one pattern in which alternatives name types.
    let int_or_string = schema["x-kubernetes-int-or-string"] == json!(true);
    let union = json!([{"type": "integer"}, {"type": "string"}]);
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (index, part) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            let is_union = (junctor == "anyOf" && schema["anyOf"] == union)
                || (junctor == "allOf" && index == 0 && part["anyOf"] == union);
            if !(int_or_string && is_union) {
                logical_part(part, &format!("{path}.{junctor}[{index}]"), errors);
            }
        }
    }
    if schema["not"].is_object() {
        logical_part(&schema["not"], &format!("{path}.not"), errors);
    }
}

fn logical_part(part: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (keyword, detail) in STRUCTURE_ONLY {
        let value = &part[*keyword];
        if !value.is_null() && *value != json!(false) {
            errors.push(FieldError::forbidden(format!("{path}.{keyword}"), detail));
        }
    }
    for (name, child) in part["properties"].as_object().into_iter().flatten() {
        logical_part(child, &format!("{path}.properties[{name}]"), errors);
    }
    if part["items"].is_object() {
        logical_part(&part["items"], &format!("{path}.items"), errors);
    }
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (index, inner) in part[junctor].as_array().into_iter().flatten().enumerate() {
            logical_part(inner, &format!("{path}.{junctor}[{index}]"), errors);
        }
    }
    if part["not"].is_object() {
        logical_part(&part["not"], &format!("{path}.not"), errors);
    }
}

fn default(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(value) = schema.get("default").filter(|value| !value.is_null()) else { return };
    let field = format!("{path}.default");
    let compiled = compile_node(schema);
    let mut pruned = value.clone();
    if !structural::prune(&compiled, &mut pruned).is_empty() {
        errors.push(FieldError::invalid(&field, value, "must not have unknown fields"));
        return;
    }
    structural::apply_defaults(&compiled, &mut pruned);
    let mut found = validate::validate(&compiled, &pruned, None);
    if let Some(rules) = compile_node_rules(schema).filter(|_| found.is_empty()) {
        found = check_rules(&rules, &pruned, None, &[]);
    }
    errors.extend(found.into_iter().map(|mut error| {
        error.field = match error.field.as_str() {
            "" | "<nil>" => field.clone(),
            below => format!("{field}.{below}"),
        };
        error
    }));
}

/// The metadata of an object has its own rules; a schema may only narrow the names.
fn metadata(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let metadata = &schema["properties"]["metadata"];
    let path = format!("{path}.properties[metadata]");
    for (name, child) in metadata["properties"].as_object().into_iter().flatten() {
        if !child["default"].is_null() {
            errors.push(FieldError::forbidden(
                format!("{path}.properties[{name}].default"),
                "must not be set in top-level metadata",
            ));
        }
        if !matches!(name.as_str(), "name" | "generateName") {
            errors.push(FieldError::forbidden(
                &path,
                "must not specify anything other than name and generateName, but metadata is implicitly specified",
            ));
        }
    }
}

//! From a structural schema to compiled [`Schema`] nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::super::Registry;
use super::super::definitions::{list_type, strings};
use super::super::schema::{Schema, SchemaType, Validation};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Compiles the `openAPIV3Schema` of a version.
///
/// `apiVersion`, `kind` and `metadata` are known whether the schema names them or not.
pub fn compile_schema(source: &Value) -> Schema {
    let mut root = compile(source);
    add_type_meta(&mut root);
    root
}

/// Compiles one node, which is no root.
pub(super) fn compile_node(source: &Value) -> Schema {
    compile(source)
}

fn compile(source: &Value) -> Schema {
    let text = |key: &str| source.get(key).and_then(Value::as_str);
    let flag = |key: &str| source.get(key).and_then(Value::as_bool).unwrap_or_default();
    let schema_type = match text("type") {
        _ if flag("x-kubernetes-int-or-string") => SchemaType::IntOrString,
        Some("object") => SchemaType::Object,
        Some("array") => SchemaType::Array,
        Some("string") => SchemaType::String,
        Some("integer") => SchemaType::Integer,
        Some("number") => SchemaType::Number,
        Some("boolean") => SchemaType::Boolean,
        _ => SchemaType::Any,
    };
    let mut schema = Schema {
        schema_type,
        nullable: flag("nullable"),
        properties: children(source.get("properties")),
        additional: match source.get("additionalProperties") {
            Some(Value::Bool(true)) => Some(Arc::new(open())),
            Some(node @ Value::Object(_)) => Some(Arc::new(compile(node))),
            _ => None,
        },
        items: source.get("items").map(|items| Arc::new(compile(items))),
        list_type: list_type(source),
        atomic_map: text("x-kubernetes-map-type") == Some("atomic"),
        preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
        embedded_resource: flag("x-kubernetes-embedded-resource"),
        default: source.get("default").cloned(),
        required: strings(source.get("required")),
        validation: validation(source),
        ..Schema::default()
    };
    if schema.embedded_resource {
        add_type_meta(&mut schema);
    }
    schema
}

fn open() -> Schema {
    Schema { preserve_unknown: true, nullable: true, ..Schema::default() }
}

fn children(properties: Option<&Value>) -> BTreeMap<String, Arc<Schema>> {
    let properties = properties.and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, node)| (name.clone(), Arc::new(compile(node)))).collect()
}

fn validation(source: &Value) -> Validation {
    let number = |key: &str| source.get(key).and_then(Value::as_f64);
    let count = |key: &str| source.get(key).and_then(Value::as_u64);
    let flag = |key: &str| source.get(key).and_then(Value::as_bool).unwrap_or_default();
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| {
        let nodes = source.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        nodes.iter().map(|node| Arc::new(compile(node))).collect()
    };
    Validation {
        format: text("format"),
        enumeration: source.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
        pattern: text("pattern"),
        matcher: OnceLock::new(),
        minimum: number("minimum"),
        maximum: number("maximum"),
        exclusive_minimum: flag("exclusiveMinimum"),
        exclusive_maximum: flag("exclusiveMaximum"),
        multiple_of: number("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        unique_items: flag("uniqueItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        all_of: list("allOf"),
        any_of: list("anyOf"),
        one_of: list("oneOf"),
        not: source.get("not").map(|node| Arc::new(compile(node))),
    }
}

fn add_type_meta(schema: &mut Schema) {
    for name in ["apiVersion", "kind"] {
        schema
            .properties
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Schema { schema_type: SchemaType::String, ..Schema::default() }));
    }
    // What the schema may say about metadata (name pattern, generateName) is validation on top of the known type.
    let mut metadata = Schema::clone(&Registry::definition(OBJECT_META));
    if let Some(declared) = schema.properties.get("metadata") {
        for (name, node) in &declared.properties {
            let known = metadata.properties.entry(name.clone()).or_default();
            Arc::make_mut(known).validation = node.validation.clone();
        }
        metadata.required.clone_from(&declared.required);
    }
    schema.properties.insert("metadata".to_owned(), Arc::new(metadata));
}

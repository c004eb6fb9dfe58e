//! What schemas of the wire types need beyond what their derive says.
//!
//! The schemas follow from the serde attributes: a field that is left out when it is empty is
//! optional, every other field is required. Where upstream's schema says otherwise the field
//! says so: [`optional`] marks a field that is always written and yet need not be given, and
//! `extend("required" = ...)` lists the fields of a type that has one that may be left out and yet must be
//! given.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

use crate::{api::Condition, object::Quantity};

/// What the reason of a condition looks like.
pub(super) const REASON_PATTERN: &str = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";
/// What a name with an optional domain in front looks like.
pub(super) const QUALIFIED_NAME_PATTERN: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
/// What a quantity looks like.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Stands for `skip_serializing_if` in the schema of a field that is always written but need not
/// be given.
pub(super) fn optional<T>(_: &T) -> bool {
    true
}

/// The schema of an integer of no stated size.
pub(super) fn integer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer"})
}

/// The schema of an unsigned integer of 32 bits, in words that Kubernetes knows.
///
/// DEVIATION: upstream's schema has no minimum; its decoder refuses what is negative.
pub(super) fn unsigned(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": 0})
}

/// The schema of bytes, as base64.
pub(super) fn bytes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "byte"})
}

/// The schema of an object about which nothing is said.
pub(super) fn object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

/// The schema of any value.
pub(super) fn any_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// The schema of any object.
pub(super) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// The schema of a list of any objects.
pub(super) fn any_objects(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": any_object(generator)})
}

/// The schema of conditions whose texts are not checked, as an aggregated API server takes them.
pub(super) fn unchecked_conditions(generator: &mut SchemaGenerator) -> Schema {
    let mut condition = Condition::json_schema(generator);
    for property in condition.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Value::Object(property) = property.1 {
            property.retain(|key, _| matches!(key.as_str(), "type" | "format" | "description"));
        }
    }
    json_schema!({"type": "array", "items": condition})
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY_PATTERN,
            "x-kubernetes-int-or-string": true,
        })
    }
}

/// Returns the structural schema of a type, as a CustomResourceDefinition takes it.
pub(super) fn structural_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.transforms.clear();
    });
    let mut schema = T::json_schema(&mut settings.into_generator()).to_value();
    if let Value::Object(schema) = &mut schema {
        make_structural(schema);
    }
    schema
}

/// Takes out of a generated schema what a structural schema does not have.
///
/// That is: null as a further type (an `Option` is a field that may be absent), and the defaults of
/// required fields, which are only the zero values of their Rust types.
fn make_structural(schema: &mut Map<String, Value>) {
    remove_null(schema);
    let required = sorted_names(schema.get("required"));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            let Value::Object(property) = property else { continue };
            if required.contains(name) {
                property.remove("default");
            }
            make_structural(property);
        }
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(Value::Object(inner)) = schema.get_mut(key) {
            make_structural(inner);
        }
    }
}

fn remove_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    // An `Option` of what has alternatives itself is wrapped as one of two alternatives.
    let inner = match schema.get("anyOf") {
        Some(Value::Array(alternatives)) => match alternatives.as_slice() {
            [Value::Object(inner), null] if *null == json!({"type": "null"}) => Some(inner.clone()),
            _ => None,
        },
        _ => None,
    };
    if let Some(inner) = inner {
        schema.remove("anyOf");
        for (key, value) in inner {
            schema.entry(key).or_insert(value);
        }
    }
}

fn sorted_names(names: Option<&Value>) -> Vec<String> {
    let names = names.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut names: Vec<_> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

//! Schemas of the built-in kinds, compiled from the stored OpenAPI definitions when first used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use serde_json::Value;

use super::schema::{ListType, PatchStrategy, Schema, SchemaType, Validation};
use super::wire;

const REFERENCE_PREFIX: &str = "#/definitions/";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const FIELDS_V1: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";
/// How deep a definition that contains itself is unrolled; below it everything is accepted.
const RECURSION_DEPTH: usize = 24;

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(Definitions::load);

/// Formats that the compiler gives to well-known scalar types.
pub(super) mod formats {
    pub(in crate::registry) const QUANTITY: &str = "quantity";
    pub(in crate::registry) const TIME: &str = "date-time";
    pub(in crate::registry) const MICRO_TIME: &str = "micro-time";
}

struct Definitions {
    /// Definition name to its JSON text.
    sources: BTreeMap<String, Box<str>>,
    compiled: Mutex<HashMap<String, Arc<Schema>>>,
}

/// Returns the compiled definition; one that is not known accepts everything.
pub(super) fn schema(name: &str) -> Arc<Schema> {
    DEFINITIONS.schema(name)
}

/// Returns the stored text of a definition.
pub(super) fn source(name: &str) -> Option<&'static str> {
    DEFINITIONS.sources.get(name).map(AsRef::as_ref)
}

/// Returns the stored definitions as the members of a JSON object, without the braces.
pub(super) fn json_members() -> String {
    let members: Vec<String> =
        DEFINITIONS.sources.iter().map(|(name, source)| format!("\"{name}\":{source}")).collect();
    members.join(",")
}

impl Definitions {
    fn load() -> Self {
        let text = super::built_in::unpack(include_bytes!("../../data/definitions.tsv.zst"));
        let sources = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, source)| (name.to_owned(), source.into()));
        Self { sources: sources.collect(), compiled: Mutex::default() }
    }

    fn schema(&self, name: &str) -> Arc<Schema> {
        if let Some(schema) = self.compiled.lock().get(name) {
            return Arc::clone(schema);
        }
        // Compiling without the lock may do the work twice, never wrongly.
        let schema = self.compile(name);
        self.compiled.lock().entry(name.to_owned()).or_insert(schema).clone()
    }

    fn compile(&self, name: &str) -> Arc<Schema> {
        let Some(source) = self.parse(name) else { return Arc::new(anything()) };
        if !refers_to(&source, name) {
            return Arc::new(self.node(name, &source, None));
        }
        // Each level is one node set that the next one shares, so depth costs little.
        let mut level = Arc::new(anything());
        for _ in 0..RECURSION_DEPTH {
            level = Arc::new(self.node(name, &source, Some((name, &level))));
        }
        level
    }

    fn parse(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.sources.get(name)?).ok()
    }

    fn node(&self, name: &str, source: &Value, recursion: Option<(&str, &Arc<Schema>)>) -> Schema {
        let mut schema = match name {
            QUANTITY => return scalar(SchemaType::Any, formats::QUANTITY),
            TIME => return scalar(SchemaType::String, formats::TIME),
            MICRO_TIME => return scalar(SchemaType::String, formats::MICRO_TIME),
            RAW_EXTENSION | FIELDS_V1 => {
                return Schema {
                    schema_type: SchemaType::Object,
                    preserve_unknown: true,
                    // What nobody knows the inside of has one owner.
                    atomic_map: true,
                    ..Schema::default()
                };
            }
            _ => self.inline(source, recursion),
        };
        if !schema.properties.is_empty() {
            schema.wire = Some(Arc::new(wire::rules(name, &schema)));
        }
        schema
    }

    fn inline(&self, source: &Value, recursion: Option<(&str, &Arc<Schema>)>) -> Schema {
        let text = |key: &str| source.get(key).and_then(Value::as_str);
        let format = text("format").map(str::to_owned);
        let schema_type = match (text("type"), format.as_deref()) {
            (_, Some("int-or-string")) => SchemaType::IntOrString,
            (Some("object"), _) => SchemaType::Object,
            (Some("array"), _) => SchemaType::Array,
            (Some("string"), _) => SchemaType::String,
            (Some("integer"), _) => SchemaType::Integer,
            (Some("number"), _) => SchemaType::Number,
            (Some("boolean"), _) => SchemaType::Boolean,
            _ => SchemaType::Any,
        };
        let properties: BTreeMap<String, Arc<Schema>> = source
            .get("properties")
            .and_then(Value::as_object)
            .map(|properties| {
                properties.iter().map(|(key, value)| (key.clone(), self.child(value, recursion))).collect()
            })
            .unwrap_or_default();
        let additional = source.get("additionalProperties").map(|value| self.child(value, recursion));
        let open = schema_type == SchemaType::Any
            || (schema_type == SchemaType::Object && properties.is_empty() && additional.is_none());
        Schema {
            schema_type,
            nullable: true,
            properties,
            additional,
            items: source.get("items").map(|value| self.child(value, recursion)),
            list_type: list_type(source),
            atomic_map: text("x-kubernetes-map-type") == Some("atomic"),
            patch: patch_strategy(source),
            preserve_unknown: open,
            required: strings(source.get("required")),
            validation: Validation {
                format,
                enumeration: source.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
                ..Validation::default()
            },
            ..Schema::default()
        }
    }

    fn child(&self, source: &Value, recursion: Option<(&str, &Arc<Schema>)>) -> Arc<Schema> {
        let Some(reference) = source.get("$ref").and_then(Value::as_str) else {
            return Arc::new(self.inline(source, recursion));
        };
        let name = reference.strip_prefix(REFERENCE_PREFIX).unwrap_or(reference);
        let target = match recursion {
            Some((recursive, level)) if recursive == name => Arc::clone(level),
            _ => self.schema(name),
        };
        let patch = patch_strategy(source);
        // A field may say otherwise than its type.
        let atomic_map = source
            .get("x-kubernetes-map-type")
            .and_then(Value::as_str)
            .map_or(target.atomic_map, |kind| kind == "atomic");
        if patch == PatchStrategy::default() && atomic_map == target.atomic_map {
            return target;
        }
        let mut schema = Schema::clone(&target);
        schema.patch = patch;
        schema.atomic_map = atomic_map;
        Arc::new(schema)
    }
}

fn anything() -> Schema {
    Schema { nullable: true, preserve_unknown: true, ..Schema::default() }
}

fn scalar(schema_type: SchemaType, format: &str) -> Schema {
    let validation = Validation { format: Some(format.to_owned()), ..Validation::default() };
    Schema { schema_type, nullable: true, validation, ..Schema::default() }
}

fn refers_to(source: &Value, name: &str) -> bool {
    match source {
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::String(text) if key == "$ref" => text.strip_prefix(REFERENCE_PREFIX) == Some(name),
            _ => refers_to(value, name),
        }),
        Value::Array(items) => items.iter().any(|item| refers_to(item, name)),
        _ => false,
    }
}

/// Reads `x-kubernetes-list-type` and `x-kubernetes-list-map-keys`.
pub(super) fn list_type(source: &Value) -> ListType {
    match source.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListType::Set,
        Some("map") => ListType::Map(strings(source.get("x-kubernetes-list-map-keys"))),
        _ => ListType::Atomic,
    }
}

fn patch_strategy(source: &Value) -> PatchStrategy {
    let strategy = source.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
    PatchStrategy {
        merge: strategy.split(',').any(|part| part == "merge"),
        retain_keys: strategy.split(',').any(|part| part == "retainKeys"),
        merge_key: source.get("x-kubernetes-patch-merge-key").and_then(Value::as_str).map(str::to_owned),
    }
}

/// Returns the strings of a JSON list; anything else counts as empty.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_merge_keys_and_list_types_of_service_ports() {
        let service = schema("io.k8s.api.core.v1.Service");
        let ports = &service.properties["spec"].properties["ports"];
        assert_eq!(ports.patch.merge_key.as_deref(), Some("port"));
        assert_eq!(ports.list_type, ListType::Map(vec!["port".to_owned(), "protocol".to_owned()]));
    }

    #[test]
    fn shares_definitions_between_kinds() {
        let (a, b) = (schema("io.k8s.api.apps.v1.Deployment"), schema("io.k8s.api.apps.v1.ReplicaSet"));
        assert!(Arc::ptr_eq(&a.properties["metadata"], &b.properties["metadata"]));
    }

    #[test]
    fn unrolls_a_definition_that_contains_itself() {
        let mut node = schema("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
        for _ in 0..RECURSION_DEPTH - 1 {
            let properties = Arc::clone(&node.properties["properties"]);
            node = Arc::clone(properties.additional.as_ref().unwrap());
            assert!(node.properties.contains_key("type"));
        }
    }

    #[test]
    fn compiles_every_definition() {
        for name in DEFINITIONS.sources.keys() {
            let compiled = schema(name);
            assert!(
                !compiled.properties.is_empty()
                    || compiled.schema_type != SchemaType::Object
                    || compiled.preserve_unknown
                    || compiled.additional.is_some(),
                "{name}"
            );
        }
    }
}

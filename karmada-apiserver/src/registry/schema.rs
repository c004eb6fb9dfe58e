//! A compiled schema node, the one shape behind built-in kinds and CRDs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use regex_lite::Regex;
use serde_json::Value;

/// What a schema node accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaType {
    /// Anything: no `type` was given.
    #[default]
    Any,
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    /// `x-kubernetes-int-or-string`.
    IntOrString,
}

/// How a list merges (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    #[default]
    Atomic,
    Set,
    /// Items are objects identified by these keys.
    Map(Vec<String>),
}

/// How strategic merge patch treats a field (`x-kubernetes-patch-strategy`, `-merge-key`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// `merge` was named: lists merge by key (or as a set of scalars).
    pub merge: bool,
    /// `retainKeys` was named.
    pub retain_keys: bool,
    /// Name of the field that identifies a list item.
    pub merge_key: Option<String>,
}

/// One node of a compiled schema.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub schema_type: SchemaType,
    pub nullable: bool,
    pub properties: BTreeMap<String, Arc<Self>>,
    /// Schema of values whose key is not in `properties` (`additionalProperties`).
    pub additional: Option<Arc<Self>>,
    pub items: Option<Arc<Self>>,
    pub list_type: ListType,
    /// `x-kubernetes-map-type: atomic` (objects are granular otherwise).
    pub atomic_map: bool,
    pub patch: PatchStrategy,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded_resource: bool,
    pub default: Option<Value>,
    pub required: Vec<String>,
    pub validation: Validation,
    /// How a typed object prints its fields; only in built-in kinds.
    pub wire: Option<Arc<WireRules>>,
}

/// Which fields a typed object prints when they are empty.
///
/// The real server decodes built-in kinds into typed structures: what comes back has lost empty optional fields, and
/// has gained those that are always printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireRules {
    /// Name of the structure, for messages about wrong types.
    pub structure: String,
    /// Fields that are printed with this value when they are absent.
    pub emitted: BTreeMap<String, Value>,
    /// Fields that keep an empty value (`false`, `0`, `""`, `{}`, `[]`) when one is given.
    pub kept: BTreeSet<String>,
}

/// Value validations of a node. Absent means unchecked.
#[derive(Clone, Debug, Default)]
pub struct Validation {
    pub format: Option<String>,
    pub enumeration: Vec<Value>,
    pub pattern: Option<String>,
    /// `pattern`, compiled when it is first used; `None` inside when it cannot be.
    pub matcher: OnceLock<Option<Regex>>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    pub all_of: Vec<Arc<Schema>>,
    pub any_of: Vec<Arc<Schema>>,
    pub one_of: Vec<Arc<Schema>>,
    pub not: Option<Arc<Schema>>,
}

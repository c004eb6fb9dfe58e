//! One resource of one version: its names, verbs, schema and columns.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::crd::RuleNode;
use super::definitions;
use super::schema::Schema;

/// Where a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    /// The CustomResourceDefinition of this name.
    Crd {
        name: String,
    },
}

/// A resource of one version.
#[derive(Clone, Debug)]
pub struct Resource {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub list_kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub status_subresource: bool,
    pub scale: Option<ScalePaths>,
    /// All subresources, `status` and `scale` among them.
    pub subresources: Vec<Subresource>,
    pub schema: LazySchema,
    pub columns: Vec<Column>,
    /// Field selectors that lists and watches accept.
    pub selectable_fields: Vec<String>,
    pub storage_version_hash: String,
    /// `Warning` header of every request to this version; absent when it is not deprecated.
    pub deprecation_warning: Option<String>,
    pub origin: Origin,
    /// The schema as its CRD states it, in JSON; only in custom resources.
    pub openapi: Option<Arc<str>>,
    /// The schema of the version that is stored; only in custom resources of another version.
    pub storage_schema: Option<Arc<Schema>>,
    /// Who converts between the versions; only in custom resources whose versions differ in more than their name.
    pub conversion: Option<Arc<Conversion>>,
    /// The validation rules of the schema; only in custom resources that have some.
    pub rules: Option<Arc<RuleNode>>,
    /// Stored objects may lack defaults: the schema has changed since it was first served.
    pub defaults_on_read: bool,
}

/// The conversion webhook of a custom resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    /// Where it is, as the CRD says.
    pub client_config: Value,
    /// Versions of the review that it knows.
    pub review_versions: Vec<String>,
    /// `group/version` that objects are stored in.
    pub storage_version: String,
}

/// A subresource as discovery lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subresource {
    pub name: String,
    /// Group of the kind it speaks; empty group and version mean the parent's.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub verbs: Vec<String>,
}

/// Where the scale subresource reads and writes, as dotted paths that start with a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    pub spec_replicas: String,
    pub status_replicas: String,
    /// Path of the serialised or structured label selector.
    pub label_selector: Option<String>,
}

/// A column of the server-side table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub column_type: String,
    pub format: String,
    pub description: String,
    pub priority: i64,
    /// Where the cell's value is; absent for columns that code computes.
    pub json_path: Option<String>,
}

/// A schema that is compiled when it is first used.
///
/// Reads as an `&Arc<Schema>`: `&resource.schema` fits where a `&Schema` is asked.
#[derive(Clone, Debug)]
pub struct LazySchema {
    cell: OnceLock<Arc<Schema>>,
    definition: String,
}

impl Resource {
    /// Returns `group/version`, or the bare version in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Returns whether this is the resource's [`Self::api_version`].
    pub fn has_api_version(&self, api_version: &str) -> bool {
        match api_version.split_once('/') {
            Some((group, version)) => group == self.group && version == self.version,
            None => self.group.is_empty() && api_version == self.version,
        }
    }

    /// Returns `plural.group`, or the bare plural in the core group: the name in messages.
    pub fn qualified_plural(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Returns `Kind.group`, or the bare kind in the core group: the name in messages of 422 answers.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// Whether a CRD defines the resource.
    pub fn is_custom(&self) -> bool {
        matches!(self.origin, Origin::Crd { .. })
    }

    /// Returns the subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }
}

impl LazySchema {
    pub(super) fn of_definition(definition: &str) -> Self {
        Self { cell: OnceLock::new(), definition: definition.to_owned() }
    }
}

impl From<Arc<Schema>> for LazySchema {
    fn from(schema: Arc<Schema>) -> Self {
        Self { cell: OnceLock::from(schema), definition: String::new() }
    }
}

impl Deref for LazySchema {
    type Target = Arc<Schema>;

    fn deref(&self) -> &Self::Target {
        self.cell.get_or_init(|| definitions::schema(&self.definition))
    }
}

//! Builds one CustomResourceDefinition.

use kube::{
    Resource,
    core::{ClusterResourceScope, NamespaceResourceScope},
};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::api::schema::structural_schema;

/// A column of `get`: its name, its type and the path of its value.
pub(super) type Column = (&'static str, &'static str, &'static str);

/// The column of the age.
pub(super) const AGE: Column = ("AGE", "date", ".metadata.creationTimestamp");

/// The names, the scope and the versions of a kind.
pub(super) struct Definition {
    group: String,
    kind: String,
    plural: String,
    scope: &'static str,
    short_names: Vec<&'static str>,
    categories: Vec<&'static str>,
    versions: Vec<Version>,
}

/// One version of a kind.
pub(super) struct Version {
    name: String,
    storage: Storage,
    schema: Value,
    columns: Vec<Value>,
    subresources: Option<Value>,
}

#[derive(PartialEq)]
enum Storage {
    /// Objects are stored in this version.
    Stored,
    /// Objects are only served in this version.
    Served,
}

impl Definition {
    /// Starts the definition of a namespaced kind.
    pub(super) fn namespaced<T>(stored: Version) -> Self
    where
        T: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Self::new::<T>("Namespaced", stored)
    }

    /// Starts the definition of a cluster-wide kind.
    pub(super) fn cluster_wide<T>(stored: Version) -> Self
    where
        T: Resource<DynamicType = (), Scope = ClusterResourceScope>,
    {
        Self::new::<T>("Cluster", stored)
    }

    fn new<T: Resource<DynamicType = ()>>(scope: &'static str, stored: Version) -> Self {
        Self {
            group: T::group(&()).into_owned(),
            kind: T::kind(&()).into_owned(),
            plural: T::plural(&()).into_owned(),
            scope,
            short_names: Vec::new(),
            categories: Vec::new(),
            versions: vec![stored],
        }
    }

    /// Gives the kind a short name.
    pub(super) fn short_name(mut self, name: &'static str) -> Self {
        self.short_names.push(name);
        self
    }

    /// Lists the kind among Karmada's.
    pub(super) fn in_category(mut self) -> Self {
        self.categories.push("karmada-io");
        self
    }

    /// Adds a version that is served and not stored; older versions come first.
    pub(super) fn older_version(mut self, mut version: Version) -> Self {
        version.storage = Storage::Served;
        self.versions.insert(0, version);
        self
    }

    /// Returns the definition.
    pub(super) fn build(self) -> Value {
        let mut names = json!({
            "kind": self.kind,
            "listKind": format!("{}List", self.kind),
            "plural": self.plural,
            "singular": self.kind.to_ascii_lowercase(),
        });
        if !self.short_names.is_empty() {
            names["shortNames"] = json!(self.short_names);
        }
        if !self.categories.is_empty() {
            names["categories"] = json!(self.categories);
        }
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{}.{}", self.plural, self.group)},
            "spec": {
                "group": self.group,
                "names": names,
                "scope": self.scope,
                "versions": self.versions.into_iter().map(Version::build).collect::<Vec<_>>(),
            },
        })
    }
}

impl Version {
    /// Returns the version of a type, with the schema of the type.
    pub(super) fn of<T: Resource<DynamicType = ()> + JsonSchema>() -> Self {
        let mut schema = structural_schema::<T>();
        for (name, description) in [
            ("apiVersion", "Group and version of this form of the object."),
            ("kind", "The kind of the object."),
        ] {
            schema["properties"][name] = json!({"type": "string", "description": description});
        }
        // An API server allows no word on metadata, not even a description.
        schema["properties"]["metadata"] = json!({"type": "object"});
        Self {
            name: T::version(&()).into_owned(),
            storage: Storage::Stored,
            schema,
            columns: Vec::new(),
            subresources: None,
        }
    }

    /// Lets the spec be left out.
    pub(super) fn with_optional_spec(mut self) -> Self {
        if let Some(schema) = self.schema.as_object_mut() {
            schema.remove("required");
        }
        self
    }

    /// Adds columns.
    pub(super) fn columns(self, columns: &[Column]) -> Self {
        self.columns_of_priority(columns, 0)
    }

    /// Adds columns that are only shown in wide output.
    pub(super) fn wide_columns(self, columns: &[Column]) -> Self {
        self.columns_of_priority(columns, 1)
    }

    fn columns_of_priority(mut self, columns: &[Column], priority: i32) -> Self {
        self.columns.extend(columns.iter().map(|(name, kind, path)| {
            let mut column = json!({"name": name, "type": kind, "jsonPath": path});
            if priority != 0 {
                column["priority"] = priority.into();
            }
            column
        }));
        self
    }

    /// Writes the status apart from the rest.
    pub(super) fn with_status(mut self) -> Self {
        self.subresources = Some(json!({"status": {}}));
        self
    }

    /// Says in so many words that there is no subresource, as upstream does for some kinds.
    pub(super) fn without_subresources(mut self) -> Self {
        self.subresources = Some(json!({}));
        self
    }

    fn build(self) -> Value {
        let mut version = Map::new();
        version.insert("name".to_owned(), self.name.into());
        version.insert("served".to_owned(), true.into());
        version.insert("storage".to_owned(), (self.storage == Storage::Stored).into());
        version.insert("schema".to_owned(), json!({"openAPIV3Schema": self.schema}));
        if !self.columns.is_empty() {
            version.insert("additionalPrinterColumns".to_owned(), self.columns.into());
        }
        if let Some(subresources) = self.subresources {
            version.insert("subresources".to_owned(), subresources);
        }
        version.into()
    }
}

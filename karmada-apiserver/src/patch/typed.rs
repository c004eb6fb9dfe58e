//! Values seen through their schema: what is one field, what is a map, which items of two lists are the same.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use crate::registry::schema::{ListType, Schema, SchemaType};

use super::field_path::PathElement;
use super::field_set::{FieldSet, Node};
use super::target::Origin;

/// The type of a value: a schema node, or nothing known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type<'a> {
    schema: Option<&'a Schema>,
    origin: Origin,
    /// Whether the value is an object with `apiVersion`, `kind` and `metadata`.
    is_object_root: bool,
}

/// How a value merges.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape<'a> {
    /// As a whole.
    Leaf,
    /// Field by field.
    Map(Type<'a>),
    /// Item by item.
    List(&'a ListType, Type<'a>),
}

/// The type of an object's member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// The type of its value.
    pub(super) of: Type<'a>,
    /// Whether the schema names the member (a field of a struct, not a key of a map).
    pub(super) named: bool,
    /// Whether the schema allows the member at all.
    pub(super) allowed: bool,
}

impl<'a> Type<'a> {
    /// Returns the type of a whole object.
    pub(super) fn root(schema: &'a Schema, origin: Origin) -> Self {
        Self { schema: Some(schema), origin, is_object_root: true }
    }

    /// Returns the schema node, if one is known.
    pub(super) fn schema(self) -> Option<&'a Schema> {
        self.schema
    }

    /// Returns how a value of this type merges. Two values that are compared must have the same shape.
    pub(super) fn shape(self, value: &Value) -> Shape<'a> {
        let Some(schema) = self.schema else {
            return if value.is_object() { Shape::Map(self) } else { Shape::Leaf };
        };
        match schema.schema_type {
            SchemaType::Object => Shape::of_map(self, schema),
            SchemaType::Any if !schema.properties.is_empty() => Shape::of_map(self, schema),
            SchemaType::Any => {
                if value.is_object() {
                    Shape::of_map(self, schema)
                } else {
                    Shape::Leaf
                }
            }
            SchemaType::Array => match &schema.list_type {
                ListType::Atomic => Shape::Leaf,
                list_type => Shape::List(list_type, self.child(schema.items.as_ref())),
            },
            _ => Shape::Leaf,
        }
    }

    /// Returns the type of the member `name` of an object of this type.
    pub(super) fn member(self, name: &str) -> Member<'a> {
        let Some(schema) = self.schema else {
            return Member { of: self.unknown(), named: false, allowed: true };
        };
        let declared = schema.properties.get(name);
        if (self.is_object_root || schema.embedded_resource)
            && let Some(known) = object_member(name)
            && declared.is_none_or(|declared| declared.properties.is_empty())
        {
            let of = Self { schema: Some(known), origin: self.origin, is_object_root: false };
            return Member { of, named: true, allowed: true };
        }
        if let Some(declared) = declared {
            return Member { of: self.child(Some(declared)), named: true, allowed: true };
        }
        let of = self.child(schema.additional.as_ref());
        let allowed = schema.additional.is_some() || schema.preserve_unknown || schema.properties.is_empty();
        Member { of, named: false, allowed }
    }

    /// Returns the type of a list's items, if one is known.
    pub(super) fn item(self) -> Option<Self> {
        self.schema.and_then(|schema| schema.items.as_ref()).map(|items| self.child(Some(items)))
    }

    fn child(self, schema: Option<&'a Arc<Schema>>) -> Self {
        Self { schema: schema.map(Arc::as_ref), origin: self.origin, is_object_root: false }
    }

    fn unknown(self) -> Self {
        Self { schema: None, origin: self.origin, is_object_root: false }
    }

    /// Returns the step that leads to an item of a list of this item type; the reason when there is none.
    pub(super) fn item_element(
        self,
        list_type: &ListType,
        index: usize,
        item: &Value,
    ) -> Result<PathElement, String> {
        match list_type {
            ListType::Atomic => Ok(PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))),
            ListType::Set => match item {
                Value::Array(_) => Err("invalid type for an item of a set".to_owned()),
                other => Ok(PathElement::Value(other.clone())),
            },
            ListType::Map(keys) => self.key_element(keys, item),
        }
    }

    fn key_element(self, keys: &[String], item: &Value) -> Result<PathElement, String> {
        let Value::Object(fields) = item else {
            return Err(match item {
                Value::Null => "associative list with keys may not have a null element".to_owned(),
                _ => "associative list with keys may not have non-map elements".to_owned(),
            });
        };
        let mut found: Vec<(String, Value)> = Vec::new();
        for key in keys {
            let value = fields.get(key).cloned().or_else(|| self.key_default(key));
            if let Some(value) = value {
                found.push((key.clone(), value));
            }
        }
        if found.is_empty() {
            let keys = keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(" ");
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{keys}] \
                 (and doesn't have default values for any key fields)"
            ));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(PathElement::Key(found.into()))
    }

    /// Returns the value of a key field that an item leaves out. Members of built-in structs are never absent.
    fn key_default(self, key: &str) -> Option<Value> {
        let schema = self.schema?.properties.get(key)?;
        if schema.default.is_some() || self.origin == Origin::Custom {
            return schema.default.clone();
        }
        match schema.schema_type {
            SchemaType::String if key == "protocol" => Some(Value::from("TCP")),
            SchemaType::String => Some(Value::from("")),
            SchemaType::Integer | SchemaType::Number => Some(Value::from(0)),
            _ => None,
        }
    }

    /// Returns all fields that `value` holds, as an applier comes to own them.
    pub(super) fn field_set(self, value: &Value) -> FieldSet {
        match self.shape(value) {
            Shape::Leaf => FieldSet::default(),
            Shape::Map(map) => {
                let nodes = value.as_object().into_iter().flatten().map(|(name, value)| {
                    let member = map.member(name);
                    let is_leaf = matches!(member.of.shape(value), Shape::Leaf);
                    let is_empty_map = value.as_object().is_some_and(Map::is_empty);
                    Node {
                        element: PathElement::Field(name.as_str().into()),
                        is_member: is_leaf || value.is_null() || is_empty_map || !member.named,
                        below: member.of.field_set(value),
                    }
                });
                FieldSet::of_nodes(nodes.collect())
            }
            Shape::List(list_type, items) => {
                let list = value.as_array().into_iter().flatten().enumerate();
                let nodes = list.filter_map(|(index, item)| {
                    let element = items.item_element(list_type, index, item).ok()?;
                    Some(Node { element, is_member: true, below: items.field_set(item) })
                });
                FieldSet::of_nodes(nodes.collect())
            }
        }
    }

    /// Returns `set` with every named field above a path of it as a member too.
    pub(super) fn with_named_fields(self, set: &FieldSet) -> FieldSet {
        let nodes = set.nodes().iter().map(|node| {
            let (named, below) = match &node.element {
                PathElement::Field(name) => {
                    let member = self.member(name.as_str());
                    (member.named, member.of)
                }
                _ => (false, self.item().unwrap_or_else(|| self.unknown())),
            };
            Node {
                element: node.element.clone(),
                is_member: node.is_member || (named && !node.below.is_empty()),
                below: below.with_named_fields(&node.below),
            }
        });
        FieldSet::of_nodes(nodes.collect())
    }
}

impl<'a> Shape<'a> {
    fn of_map(map: Type<'a>, schema: &Schema) -> Self {
        if schema.atomic_map { Self::Leaf } else { Self::Map(map) }
    }
}

/// Returns the type of `apiVersion`, `kind` and `metadata`, which schemas of CRDs leave out.
fn object_member(name: &str) -> Option<&'static Schema> {
    static TEXT: LazyLock<Schema> = LazyLock::new(|| scalar(SchemaType::String));
    static METADATA: LazyLock<Schema> = LazyLock::new(object_meta);
    match name {
        "apiVersion" | "kind" => Some(&TEXT),
        "metadata" => Some(&METADATA),
        _ => None,
    }
}

fn scalar(schema_type: SchemaType) -> Schema {
    Schema { schema_type, ..Schema::default() }
}

fn object_meta() -> Schema {
    let text = || Arc::new(scalar(SchemaType::String));
    let text_map = || {
        Arc::new(Schema { schema_type: SchemaType::Object, additional: Some(text()), ..Schema::default() })
    };
    let list = |list_type, items| {
        Arc::new(Schema {
            schema_type: SchemaType::Array,
            list_type,
            items: Some(items),
            ..Schema::default()
        })
    };
    let owner_fields = ["apiVersion", "kind", "name", "uid"].map(|name| (name.to_owned(), text()));
    let owner_flags = ["blockOwnerDeletion", "controller"]
        .map(|name| (name.to_owned(), Arc::new(scalar(SchemaType::Boolean))));
    let owner = Arc::new(Schema {
        schema_type: SchemaType::Object,
        properties: owner_fields.into_iter().chain(owner_flags).collect(),
        atomic_map: true,
        ..Schema::default()
    });
    let managed = Arc::new(Schema { preserve_unknown: true, ..Schema::default() });
    let mut properties: std::collections::BTreeMap<String, Arc<Schema>> = [
        ("annotations", text_map()),
        ("labels", text_map()),
        ("finalizers", list(ListType::Set, text())),
        ("managedFields", list(ListType::Atomic, managed)),
        ("ownerReferences", list(ListType::Map(vec!["uid".to_owned()]), owner)),
        ("deletionGracePeriodSeconds", Arc::new(scalar(SchemaType::Integer))),
        ("generation", Arc::new(scalar(SchemaType::Integer))),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect();
    for name in [
        "creationTimestamp",
        "deletionTimestamp",
        "generateName",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    ] {
        properties.insert(name.to_owned(), text());
    }
    Schema { schema_type: SchemaType::Object, properties, ..Schema::default() }
}

//! Which fields differ between two objects of the same type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::registry::schema::ListType;

use super::field_path::PathElement;
use super::field_set::{FieldSet, Node};
use super::typed::{Shape, Type};

/// The fields that differ between an old and a new object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

impl Comparison {
    /// Compares two objects.
    pub(super) fn of(object_type: Type<'_>, old: &Value, new: &Value) -> Self {
        compare(object_type, Some(old), Some(new)).below
    }

    /// Returns whether nothing differs.
    pub(super) fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Returns the fields that the new object sets.
    pub(super) fn set_fields(&self) -> FieldSet {
        self.added.union(&self.modified)
    }

    /// Returns the fields that the new object sets, and those that it does not have any more.
    pub(super) fn into_set_and_removed(self) -> (FieldSet, FieldSet) {
        let Self { added: mut set, modified, removed } = self;
        set.absorb(modified);
        (set, removed)
    }

    /// Returns the comparison without some fields and what is below them.
    pub(super) fn without(mut self, fields: &FieldSet) -> Self {
        for set in [&mut self.added, &mut self.modified, &mut self.removed] {
            set.remove_branches(fields);
        }
        self
    }
}

/// What happened to a value as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Modified,
    Removed,
}

/// How a value differs: as a whole, and in what is below it.
#[derive(Default)]
struct Difference {
    whole: Option<Change>,
    below: Comparison,
}

/// The nodes of a comparison while it is put together.
#[derive(Default)]
struct Nodes {
    added: Vec<Node>,
    modified: Vec<Node>,
    removed: Vec<Node>,
}

impl Nodes {
    fn push(&mut self, element: &PathElement, difference: Difference) {
        let Difference { whole, below: Comparison { added, modified, removed } } = difference;
        for (nodes, change, below) in [
            (&mut self.added, Change::Added, added),
            (&mut self.modified, Change::Modified, modified),
            (&mut self.removed, Change::Removed, removed),
        ] {
            let is_member = whole == Some(change);
            if is_member || !below.is_empty() {
                nodes.push(Node { element: element.clone(), is_member, below });
            }
        }
    }

    fn into_comparison(self) -> Comparison {
        Comparison {
            added: FieldSet::of_nodes(self.added),
            modified: FieldSet::of_nodes(self.modified),
            removed: FieldSet::of_nodes(self.removed),
        }
    }
}

/// Compares two values; `None` stands for absent. At least one is there.
fn compare(value_type: Type<'_>, old: Option<&Value>, new: Option<&Value>) -> Difference {
    let Some(present) = new.filter(|new| !new.is_null()).or(old).or(new) else {
        return Difference::default();
    };
    let is_empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    let fits = |value: Option<&Value>, wanted: fn(&Value) -> bool| {
        value.is_none_or(|value| value.is_null() || wanted(value))
    };
    // A map or list that is only on one side differs as a whole too.
    let one_sided = match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        _ => None,
    };
    // Two empty ones are a leaf: that keeps the difference of empty and null.
    let both_empty = is_empty(old) && is_empty(new);
    match value_type.shape(present) {
        Shape::Map(map) if !both_empty && fits(old, Value::is_object) && fits(new, Value::is_object) => {
            Difference { whole: one_sided, below: compare_maps(map, old, new) }
        }
        Shape::List(list_type, items)
            if !both_empty && fits(old, Value::is_array) && fits(new, Value::is_array) =>
        {
            Difference { whole: one_sided, below: compare_lists(list_type, items, old, new) }
        }
        _ => {
            let differs = old != new;
            Difference { whole: one_sided.or(differs.then_some(Change::Modified)), ..Difference::default() }
        }
    }
}

fn compare_maps(map: Type<'_>, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let empty = Map::new();
    let old = old.and_then(Value::as_object).unwrap_or(&empty);
    let new = new.and_then(Value::as_object).unwrap_or(&empty);
    let only_new = new.keys().filter(|name| !old.contains_key(*name));
    let mut nodes = Nodes::default();
    for name in old.keys().chain(only_new) {
        let (old, new) = (old.get(name), new.get(name));
        // Most of an object stays as it is.
        if old != new {
            let element = PathElement::Field(name.as_str().into());
            nodes.push(&element, compare(map.member(name).of, old, new));
        }
    }
    nodes.into_comparison()
}

fn compare_lists(
    list_type: &ListType,
    items: Type<'_>,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Comparison {
    let old = items_by_element(list_type, items, old);
    let new = items_by_element(list_type, items, new);
    let only_new = new.keys().filter(|element| !old.contains_key(*element));
    let mut nodes = Nodes::default();
    for element in old.keys().chain(only_new) {
        let (old, new) = (old.get(element), new.get(element));
        let whole = |change| Difference { whole: Some(change), ..Difference::default() };
        let difference = match (old.map_or(&[][..], Vec::as_slice), new.map_or(&[][..], Vec::as_slice)) {
            ([], [new]) => compare(items, None, Some(new)),
            ([old], []) => compare(items, Some(old), None),
            ([old], [new]) if old == new => continue,
            ([old], [new]) => compare(items, Some(old), Some(new)),
            // Stored lists may hold duplicates: those count as one leaf.
            ([], _) => whole(Change::Added),
            (_, []) => whole(Change::Removed),
            (old, new) if old != new => whole(Change::Modified),
            _ => continue,
        };
        nodes.push(element, difference);
    }
    nodes.into_comparison()
}

fn items_by_element<'v>(
    list_type: &ListType,
    items: Type<'_>,
    list: Option<&'v Value>,
) -> BTreeMap<PathElement, Vec<&'v Value>> {
    let mut found: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
    for (index, item) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Ok(element) = items.item_element(list_type, index, item) {
            found.entry(element).or_default().push(item);
        }
    }
    found
}

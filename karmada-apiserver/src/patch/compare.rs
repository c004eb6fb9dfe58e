//! Which fields differ between two objects of the same type.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::registry::schema::ListType;

use super::field_path::PathElement;
use super::field_set::FieldSet;
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
        let mut walker = Walker { path: Vec::new(), comparison: Self::default() };
        walker.compare(object_type, Some(old), Some(new));
        walker.comparison
    }

    /// Returns whether nothing differs.
    pub(super) fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Returns the fields that the new object sets.
    pub(super) fn set_fields(&self) -> FieldSet {
        self.added.union(&self.modified)
    }

    /// Returns the comparison without some fields and what is below them.
    pub(super) fn without(&self, fields: &FieldSet) -> Self {
        Self {
            added: self.added.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            removed: self.removed.recursive_difference(fields),
        }
    }
}

struct Walker {
    path: Vec<PathElement>,
    comparison: Comparison,
}

impl Walker {
    /// Compares two values at the current path; `None` stands for absent. At least one is there.
    fn compare(&mut self, value_type: Type<'_>, old: Option<&Value>, new: Option<&Value>) {
        let Some(present) = new.filter(|new| !new.is_null()).or(old).or(new) else { return };
        let is_empty = |value: Option<&Value>| match value {
            None | Some(Value::Null) => true,
            Some(Value::Object(fields)) => fields.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => false,
        };
        let fits = |value: Option<&Value>, wanted: fn(&Value) -> bool| {
            value.is_none_or(|value| value.is_null() || wanted(value))
        };
        // Two empty ones are a leaf: that keeps the difference of empty and null.
        let both_empty = is_empty(old) && is_empty(new);
        match value_type.shape(present) {
            Shape::Map(map) if !both_empty && fits(old, Value::is_object) && fits(new, Value::is_object) => {
                self.compare_maps(map, old, new);
                self.note_whole(old, new);
            }
            Shape::List(list_type, items)
                if !both_empty && fits(old, Value::is_array) && fits(new, Value::is_array) =>
            {
                self.compare_lists(list_type, items, old, new);
                self.note_whole(old, new);
            }
            _ => self.compare_leaves(old, new),
        }
    }

    fn compare_leaves(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.comparison.added.insert(&self.path),
            (_, None) => self.comparison.removed.insert(&self.path),
            (Some(old), Some(new)) if old != new => self.comparison.modified.insert(&self.path),
            _ => {}
        }
    }

    /// Notes a map or list that is only on one side.
    fn note_whole(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.comparison.added.insert(&self.path),
            (_, None) => self.comparison.removed.insert(&self.path),
            _ => {}
        }
    }

    fn compare_maps(&mut self, map: Type<'_>, old: Option<&Value>, new: Option<&Value>) {
        let empty = Map::new();
        let old = old.and_then(Value::as_object).unwrap_or(&empty);
        let new = new.and_then(Value::as_object).unwrap_or(&empty);
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            self.path.push(PathElement::Field(name.clone()));
            self.compare(map.member(name).of, old.get(name), new.get(name));
            self.path.pop();
        }
    }

    fn compare_lists(
        &mut self,
        list_type: &ListType,
        items: Type<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let old = items_by_element(list_type, items, old);
        let new = items_by_element(list_type, items, new);
        let elements: BTreeSet<&PathElement> = old.keys().chain(new.keys()).collect();
        for element in elements {
            self.path.push(element.clone());
            let (old, new) = (old.get(element), new.get(element));
            match (old.map_or(&[][..], Vec::as_slice), new.map_or(&[][..], Vec::as_slice)) {
                ([], [new]) => self.compare(items, None, Some(new)),
                ([old], []) => self.compare(items, Some(old), None),
                ([old], [new]) => self.compare(items, Some(old), Some(new)),
                // Stored lists may hold duplicates: those count as one leaf.
                ([], _) => self.comparison.added.insert(&self.path),
                (_, []) => self.comparison.removed.insert(&self.path),
                (old, new) if old != new => self.comparison.modified.insert(&self.path),
                _ => {}
            }
            self.path.pop();
        }
    }
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

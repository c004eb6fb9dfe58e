//! Sets of field paths, and their form in `managedFields` (FieldsV1).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::field_path::PathElement;

/// A set of field paths: a tree whose nodes say which of their children are members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    pub(super) members: BTreeSet<PathElement>,
    pub(super) children: BTreeMap<PathElement, Self>,
}

impl FieldSet {
    /// Returns the set of these paths, each given as names of fields.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<PathElement> =
                path.iter().map(|name| PathElement::Field((*name).to_owned())).collect();
            set.insert(&path);
        }
        set
    }

    /// Reads FieldsV1; `None` when a key of it cannot be read.
    pub fn parse(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (key, value) in fields.as_object()? {
            if key == "." {
                // The member bit of this node belongs to the parent.
                continue;
            }
            let element = PathElement::parse(key)?;
            let inner = value.as_object()?;
            if inner.is_empty() || inner.contains_key(".") {
                set.members.insert(element.clone());
            }
            let child = Self::parse(value)?;
            if !child.is_empty() {
                set.children.insert(element, child);
            }
        }
        Some(set)
    }

    /// Returns the set in the form of FieldsV1.
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        for member in &self.members {
            fields.insert(member.to_key(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            let mut value = child.to_value();
            if self.members.contains(element)
                && let Some(inner) = value.as_object_mut()
            {
                inner.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(element.to_key(), value);
        }
        Value::Object(fields)
    }

    /// Adds a path. The empty path is in no set.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Returns whether the set holds a path.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.contains(rest)),
        }
    }

    /// Returns whether the set holds no path.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Returns the paths that are in either set.
    pub fn union(&self, other: &Self) -> Self {
        let mut children = self.children.clone();
        for (element, child) in &other.children {
            let merged = children.get(element).map_or_else(|| child.clone(), |mine| mine.union(child));
            children.insert(element.clone(), merged);
        }
        Self { members: &self.members | &other.members, children }
    }

    /// Returns the paths that are in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let common = self.children.iter().filter_map(|(element, child)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self { members: &self.members & &other.members, children: common.collect() }
    }

    /// Returns the paths of this set that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let left = self.children.iter().filter_map(|(element, child)| {
            let rest =
                other.children.get(element).map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: &self.members - &other.members, children: left.collect() }
    }

    /// Returns the paths of this set that are neither in `other` nor below a path of it.
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let left = self.children.iter().filter(|(element, _)| !other.members.contains(element));
        let left = left.filter_map(|(element, child)| {
            let rest = other
                .children
                .get(element)
                .map_or_else(|| child.clone(), |theirs| child.recursive_difference(theirs));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: &self.members - &other.members, children: left.collect() }
    }

    /// Returns all paths: of each node first its members, then what is below its children.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            paths.push(path);
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect_paths(prefix, paths);
            prefix.pop();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_element() -> impl Strategy<Value = PathElement> {
        prop_oneof![
            "[a-c]".prop_map(PathElement::Field),
            "[a-b]".prop_map(|name| PathElement::Key(vec![("name".into(), Value::from(name))])),
            "[a-b]".prop_map(|text| PathElement::Value(Value::from(text))),
            (0i64..2).prop_map(PathElement::Index),
        ]
    }

    pub(in super::super) fn any_set() -> impl Strategy<Value = FieldSet> {
        let path = prop::collection::vec(any_element(), 1..4);
        prop::collection::vec(path, 0..8).prop_map(|paths| {
            let mut set = FieldSet::default();
            for path in paths {
                set.insert(&path);
            }
            set
        })
    }

    fn as_set(set: &FieldSet) -> BTreeSet<Vec<PathElement>> {
        set.paths().into_iter().collect()
    }

    #[test]
    fn reads_and_writes_fields_v1() {
        let fields = json!({
            "f:data": {".": {}, "f:a": {}},
            "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}, "f:finalizers": {"v:\"x\"": {}}},
        });
        let set = FieldSet::parse(&fields).unwrap();
        assert_eq!(set.to_value(), fields);
        assert!(set.contains(&[PathElement::Field("data".into())]));
        assert!(!set.contains(&[PathElement::Field("spec".into())]));
        assert_eq!(FieldSet::parse(&json!({"bad": {}})), None);
    }

    #[test]
    fn recursive_difference_takes_whole_branches() {
        let set = FieldSet::parse(&json!({"f:status": {"f:a": {}}, "f:spec": {"f:b": {}}})).unwrap();
        let rest = set.recursive_difference(&FieldSet::of_fields(&[&["status"]]));
        assert_eq!(rest.to_value(), json!({"f:spec": {"f:b": {}}}));
    }

    proptest! {
        #[test]
        fn the_written_form_reads_back_the_same(set in any_set()) {
            prop_assert_eq!(as_set(&FieldSet::parse(&set.to_value()).unwrap()), as_set(&set));
        }

        #[test]
        fn operations_agree_with_sets_of_paths(a in any_set(), b in any_set()) {
            let (left, right) = (as_set(&a), as_set(&b));
            prop_assert_eq!(as_set(&a.union(&b)), &left | &right);
            prop_assert_eq!(as_set(&a.intersection(&b)), &left & &right);
            prop_assert_eq!(as_set(&a.difference(&b)), &left - &right);
            let below = |path: &Vec<PathElement>| (1..=path.len()).any(|end| right.contains(&path[..end]));
            let expected: BTreeSet<_> = left.iter().filter(|path| !below(path)).cloned().collect();
            prop_assert_eq!(as_set(&a.recursive_difference(&b)), expected);
            prop_assert_eq!(a.is_empty(), left.is_empty());
        }
    }
}

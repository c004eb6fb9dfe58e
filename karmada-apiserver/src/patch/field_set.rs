//! Sets of field paths, and their form in `managedFields` (FieldsV1).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::field_path::PathElement;

/// A set of field paths: a tree whose nodes say whether they are members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by element. Each is a member or has something below.
    nodes: Vec<Node>,
}

/// What a set holds of one element and what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) element: PathElement,
    pub(super) is_member: bool,
    pub(super) below: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }

    /// Takes away what another node of this element has.
    fn without(&mut self, other: &Self) {
        self.is_member &= !other.is_member;
        self.below.remove_all(&other.below);
    }
}

impl FieldSet {
    /// Returns the set of these paths, each given as names of fields.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<PathElement> = path.iter().map(|name| PathElement::Field((*name).into())).collect();
            set.insert(&path);
        }
        set
    }

    /// Makes a set of nodes in any order; of two of one element, the last that has something below gives that.
    pub(super) fn of_nodes(mut nodes: Vec<Node>) -> Self {
        nodes.retain(|node| !node.is_empty());
        if !nodes.is_sorted_by(|a, b| a.element < b.element) {
            nodes.sort_by(|a, b| a.element.cmp(&b.element));
            nodes.dedup_by(|next, kept| {
                let same = next.element == kept.element;
                if same {
                    kept.is_member |= next.is_member;
                    if !next.below.is_empty() {
                        kept.below = std::mem::take(&mut next.below);
                    }
                }
                same
            });
        }
        Self { nodes }
    }

    /// Reads FieldsV1; `None` when a key of it cannot be read.
    pub fn parse(fields: &Value) -> Option<Self> {
        let fields = fields.as_object()?;
        let mut nodes = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            if key == "." {
                // The member bit of this node belongs to the parent.
                continue;
            }
            let element = PathElement::parse(key)?;
            let inner = value.as_object()?;
            let is_member = inner.is_empty() || inner.contains_key(".");
            nodes.push(Node { element, is_member, below: Self::parse(value)? });
        }
        Some(Self::of_nodes(nodes))
    }

    /// Returns the set in the form of FieldsV1.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_fields())
    }

    fn to_fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        for node in &self.nodes {
            let mut inner = node.below.to_fields();
            if node.is_member && !inner.is_empty() {
                inner.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(node.element.to_key(), Value::Object(inner));
        }
        fields
    }

    /// Returns what the set holds of the elements that its paths start with, sorted.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns what the set holds of an element.
    pub(super) fn node(&self, element: &PathElement) -> Option<&Node> {
        self.position(element).ok().map(|position| &self.nodes[position])
    }

    fn position(&self, element: &PathElement) -> Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.element.cmp(element))
    }

    /// Adds a path. The empty path is in no set.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let position = match self.position(first) {
            Ok(position) => position,
            Err(position) => {
                let node = Node { element: first.clone(), is_member: false, below: Self::default() };
                self.nodes.insert(position, node);
                position
            }
        };
        let node = &mut self.nodes[position];
        node.is_member |= rest.is_empty();
        node.below.insert(rest);
    }

    /// Returns whether the set holds a path.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        self.node(first).is_some_and(|node| match rest {
            [] => node.is_member,
            rest => node.below.contains(rest),
        })
    }

    /// Returns whether the set holds no path.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns whether every path of this set is in `other`.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.joined(other).all(|pair| match pair {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => {
                mine.is_member <= theirs.is_member && mine.below.is_within(&theirs.below)
            }
        })
    }

    /// Returns whether a path is in both sets.
    #[cfg(test)]
    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.joined(other).any(|pair| match pair {
            (Some(mine), Some(theirs)) => {
                (mine.is_member && theirs.is_member) || mine.below.intersects(&theirs.below)
            }
            _ => false,
        })
    }

    /// Returns the paths that are in either set.
    pub fn union(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| match (mine, theirs) {
            (Some(mine), Some(theirs)) => Some(Node {
                element: mine.element.clone(),
                is_member: mine.is_member || theirs.is_member,
                below: mine.below.union(&theirs.below),
            }),
            (one, other) => one.or(other).cloned(),
        })
    }

    /// Returns the paths that are in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| {
            let (mine, theirs) = (mine?, theirs?);
            Some(Node {
                element: mine.element.clone(),
                is_member: mine.is_member && theirs.is_member,
                below: mine.below.intersection(&theirs.below),
            })
        })
    }

    /// Returns the paths of this set that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| {
            let mine = mine?;
            let Some(theirs) = theirs else { return Some(mine.clone()) };
            Some(Node {
                element: mine.element.clone(),
                is_member: mine.is_member && !theirs.is_member,
                below: mine.below.difference(&theirs.below),
            })
        })
    }

    /// Returns the paths of this set that are neither in `other` nor below a path of it.
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| {
            let mine = mine?;
            match theirs {
                None => Some(mine.clone()),
                Some(theirs) if theirs.is_member => None,
                Some(theirs) => Some(Node {
                    element: mine.element.clone(),
                    is_member: mine.is_member,
                    below: mine.below.recursive_difference(&theirs.below),
                }),
            }
        })
    }

    /// Adds the paths of another set.
    pub(super) fn absorb(&mut self, other: Self) {
        if self.nodes.is_empty() {
            self.nodes = other.nodes;
            return;
        }
        if other.nodes.is_empty() {
            return;
        }
        let mut theirs = other.nodes.into_iter().peekable();
        let mut nodes = Vec::with_capacity(self.nodes.len() + theirs.len());
        for mut node in self.nodes.drain(..) {
            while let Some(before) = theirs.next_if(|theirs| theirs.element < node.element) {
                nodes.push(before);
            }
            if let Some(same) = theirs.next_if(|theirs| theirs.element == node.element) {
                node.is_member |= same.is_member;
                node.below.absorb(same.below);
            }
            nodes.push(node);
        }
        nodes.extend(theirs);
        self.nodes = nodes;
    }

    /// Removes the paths of another set.
    pub(super) fn remove_all(&mut self, other: &Self) {
        self.cut(other, Node::without);
    }

    /// Removes the paths of another set and what is below them.
    pub(super) fn remove_branches(&mut self, other: &Self) {
        self.cut(other, |node, theirs| {
            if theirs.is_member {
                node.is_member = false;
                node.below = Self::default();
            } else {
                node.below.remove_branches(&theirs.below);
            }
        });
    }

    /// Changes the nodes that another set has too, and drops those that are empty then.
    fn cut(&mut self, other: &Self, change: impl Fn(&mut Node, &Node)) {
        if other.nodes.is_empty() {
            return;
        }
        let mut theirs = other.nodes.iter().peekable();
        self.nodes.retain_mut(|node| {
            while theirs.next_if(|theirs| theirs.element < node.element).is_some() {}
            if let Some(theirs) = theirs.next_if(|theirs| theirs.element == node.element) {
                change(node, theirs);
            }
            !node.is_empty()
        });
    }

    fn combined(&self, other: &Self, combine: impl Fn(Option<&Node>, Option<&Node>) -> Option<Node>) -> Self {
        let nodes = self.joined(other).filter_map(|(mine, theirs)| combine(mine, theirs));
        Self { nodes: nodes.filter(|node| !node.is_empty()).collect() }
    }

    /// Walks through the elements of both sets in order.
    fn joined<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = (Option<&'s Node>, Option<&'s Node>)> {
        let (mut mine, mut theirs) = (self.nodes.iter().peekable(), other.nodes.iter().peekable());
        std::iter::from_fn(move || {
            let order = match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) => a.element.cmp(&b.element),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return None,
            };
            Some(match order {
                Ordering::Less => (mine.next(), None),
                Ordering::Greater => (None, theirs.next()),
                Ordering::Equal => (mine.next(), theirs.next()),
            })
        })
    }

    /// Returns all paths: of each node first its members, then what is below them.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for node in self.nodes.iter().filter(|node| node.is_member) {
            let mut path = prefix.clone();
            path.push(node.element.clone());
            paths.push(path);
        }
        for node in &self.nodes {
            prefix.push(node.element.clone());
            node.below.collect_paths(prefix, paths);
            prefix.pop();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_element() -> impl Strategy<Value = PathElement> {
        prop_oneof![
            "[a-c]".prop_map(|name| PathElement::Field(name.as_str().into())),
            "[a-b]".prop_map(|name| PathElement::Key([("name".to_owned(), Value::from(name))].into())),
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
            prop_assert_eq!(a.is_within(&b), left.is_subset(&right));
            prop_assert_eq!(a.intersects(&b), !left.is_disjoint(&right));
            let changed = |change: &dyn Fn(&mut FieldSet)| {
                let mut set = a.clone();
                change(&mut set);
                set
            };
            prop_assert_eq!(changed(&|set| set.absorb(b.clone())), a.union(&b));
            prop_assert_eq!(changed(&|set| set.remove_all(&b)), a.difference(&b));
            prop_assert_eq!(changed(&|set| set.remove_branches(&b)), a.recursive_difference(&b));
        }
    }
}

//! Writes after which everybody owns what they owned before: most of them.
//!
//! Such a write is found by looking up what it changes in the owners as they are written, without reading all of them.

use serde_json::{Map, Value};

use super::field_set::FieldSet;
use super::managers::{Entry, Identity, MAX_UPDATERS};

/// Fields that a write changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes<'a> {
    /// Those that the writer comes to own.
    pub(super) taken: &'a FieldSet,
    /// Those that everybody else owns no more.
    pub(super) lost: &'a FieldSet,
}

/// Returns `managedFields` after a write, when nobody comes to own or owns no more anything by it.
pub(super) fn renewed(
    entries: &[Value],
    writer: &Identity,
    time: Option<String>,
    changes: Changes<'_>,
) -> Option<Vec<Value>> {
    if entries.len() > MAX_UPDATERS {
        return None;
    }
    let mut gone = changes.lost.clone();
    gone.remove_all(changes.taken);
    let mut has_written = false;
    let mut renewed = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut head = Entry::head(entry)?;
        let fields = entry["fieldsV1"].as_object().filter(|fields| !fields.is_empty())?;
        if head.identity != *writer {
            if touches(fields, changes.lost) {
                return None;
            }
            renewed.push((head, entry.clone()));
            continue;
        }
        if touches(fields, &gone) || !covers(fields, changes.taken) {
            return None;
        }
        has_written = true;
        let mut entry = entry.clone();
        if !changes.taken.is_empty() {
            entry["time"] = Value::from(time.clone()?);
            head.time.clone_from(&time);
        }
        renewed.push((head, entry));
    }
    if !has_written && !changes.taken.is_empty() {
        return None;
    }
    renewed.sort_by(|(a, _), (b, _)| a.order(b));
    Some(renewed.into_iter().map(|(_, entry)| entry).collect())
}

/// Returns whether a path of a set is one of these fields.
fn touches(fields: &Map<String, Value>, set: &FieldSet) -> bool {
    set.nodes().iter().any(|node| {
        let inner = fields.get(&node.element.to_key()).and_then(Value::as_object);
        inner.is_some_and(|inner| (node.is_member && is_member(inner)) || touches(inner, &node.below))
    })
}

/// Returns whether every path of a set is one of these fields.
fn covers(fields: &Map<String, Value>, set: &FieldSet) -> bool {
    set.nodes().iter().all(|node| {
        let inner = fields.get(&node.element.to_key()).and_then(Value::as_object);
        inner.is_some_and(|inner| (!node.is_member || is_member(inner)) && covers(inner, &node.below))
    })
}

fn is_member(inner: &Map<String, Value>) -> bool {
    inner.is_empty() || inner.contains_key(".")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::field_set::tests::any_set;
    use super::*;

    proptest! {
        #[test]
        fn looks_up_what_sets_say(owned in any_set(), changed in any_set()) {
            let fields = owned.to_value();
            let fields = fields.as_object().unwrap();
            prop_assert_eq!(touches(fields, &changed), owned.intersects(&changed));
            prop_assert_eq!(covers(fields, &changed), changed.is_within(&owned));
        }
    }
}

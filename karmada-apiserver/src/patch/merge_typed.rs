//! Merging an applied configuration into the stored object.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::registry::schema::ListType;

use super::field_path::PathElement;
use super::typed::{Shape, Type};

/// Returns `live` with all that `applied` says.
///
/// Items of lists that merge keep the applied order; items that only `live` has stay where they were relative to it.
pub(super) fn merge(value_type: Type<'_>, live: &Value, applied: &Value) -> Value {
    match (value_type.shape(if applied.is_null() { live } else { applied }), live, applied) {
        (Shape::Map(map), Value::Object(live), Value::Object(applied)) => {
            Value::Object(merge_maps(map, live, applied))
        }
        (Shape::List(list_type, items), Value::Array(live), Value::Array(applied)) => {
            Value::Array(merge_lists(list_type, items, live, applied))
        }
        // A null does not take away what others have put below it.
        (Shape::Map(_), Value::Object(fields), Value::Null) if !fields.is_empty() => live.clone(),
        (Shape::List(..), Value::Array(items), Value::Null) if !items.is_empty() => live.clone(),
        _ => applied.clone(),
    }
}

fn merge_maps(map: Type<'_>, live: &Map<String, Value>, applied: &Map<String, Value>) -> Map<String, Value> {
    let kept = live.iter().map(|(name, live)| {
        let value = match applied.get(name) {
            Some(applied) => merge(map.member(name).of, live, applied),
            None => live.clone(),
        };
        (name.clone(), value)
    });
    let fresh = applied.iter().filter(|(name, _)| !live.contains_key(*name));
    kept.chain(fresh.map(|(name, value)| (name.clone(), value.clone()))).collect()
}

fn merge_lists(list_type: &ListType, items: Type<'_>, live: &[Value], applied: &[Value]) -> Vec<Value> {
    let elements = |list: &[Value]| -> Vec<Option<PathElement>> {
        list.iter().enumerate().map(|(index, item)| items.item_element(list_type, index, item).ok()).collect()
    };
    let (live_elements, applied_elements) = (elements(live), elements(applied));
    let in_applied: BTreeSet<&PathElement> = applied_elements.iter().flatten().collect();
    let mut placed: BTreeSet<&PathElement> = BTreeSet::new();
    let mut merged = Vec::new();
    let mut next_live = live.iter().zip(&live_elements).peekable();
    let mut next_applied = applied.iter().zip(&applied_elements);
    loop {
        // Live items up to the next one that is also applied.
        while let Some((item, element)) = next_live.next_if(|(_, element)| {
            element.as_ref().is_none_or(|e| !in_applied.contains(e) || placed.contains(e))
        }) {
            if element.as_ref().is_none_or(|element| !in_applied.contains(element)) {
                merged.push(item.clone());
            }
        }
        let Some((item, element)) = next_applied.next() else { break };
        let live_item = element.as_ref().and_then(|element| {
            live.iter()
                .zip(&live_elements)
                .find(|(_, live)| live.as_ref() == Some(element))
                .map(|(item, _)| item)
        });
        merged.push(live_item.map_or_else(|| item.clone(), |live| merge(items, live, item)));
        placed.extend(element);
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::registry::schema::{Schema, SchemaType};

    use super::super::target::Origin;
    use super::*;

    fn check(live: Value, applied: Value, expected: Value) {
        let list = Schema {
            schema_type: SchemaType::Array,
            list_type: ListType::Set,
            items: Some(Arc::new(Schema { schema_type: SchemaType::String, ..Schema::default() })),
            ..Schema::default()
        };
        let root = Schema {
            schema_type: SchemaType::Object,
            properties: [("l".to_owned(), Arc::new(list))].into(),
            ..Schema::default()
        };
        let root = Type::root(&root, Origin::Custom);
        assert_eq!(merge(root, &json!({"l": live}), &json!({"l": applied})), json!({"l": expected}));
    }

    #[test]
    fn applied_items_keep_their_order_and_others_their_place() {
        check(json!(["a"]), json!(["b"]), json!(["a", "b"]));
        check(json!(["a", "b"]), json!(["b", "c"]), json!(["a", "b", "c"]));
        check(json!(["a", "b", "c"]), json!(["c", "b", "d"]), json!(["a", "c", "b", "d"]));
        check(json!(["a", "b", "c"]), json!(["c", "a"]), json!(["c", "a", "b"]));
        check(json!(["a"]), json!([]), json!(["a"]));
        check(json!(["a"]), json!(null), json!(["a"]));
    }
}

//! Taking fields out of an object.

use serde_json::{Map, Value};

use super::field_path::PathElement;
use super::field_set::FieldSet;
use super::typed::{Shape, Type};

/// Returns `value` without the fields of `set`.
pub(super) fn remove(value_type: Type<'_>, value: &Value, set: &FieldSet) -> Value {
    let keep = |element: &PathElement, child_type: Type<'_>, child: &Value| {
        if set.members.contains(element) {
            return None;
        }
        Some(match set.children.get(element) {
            Some(below) => remove(child_type, child, below),
            None => child.clone(),
        })
    };
    match (value_type.shape(value), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            let kept = fields.iter().filter_map(|(name, child)| {
                let element = PathElement::Field(name.clone());
                keep(&element, map.member(name).of, child).map(|child| (name.clone(), child))
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        (Shape::List(list_type, items), Value::Array(list)) => {
            let kept = list.iter().enumerate().filter_map(|(index, item)| {
                match items.item_element(list_type, index, item) {
                    Ok(element) => keep(&element, items, item),
                    Err(_) => Some(item.clone()),
                }
            });
            Value::Array(kept.collect())
        }
        _ => value.clone(),
    }
}

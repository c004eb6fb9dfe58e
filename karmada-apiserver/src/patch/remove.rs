//! Taking fields out of an object.

use serde_json::{Map, Value};

use super::field_path::PathElement;
use super::field_set::FieldSet;
use super::typed::{Shape, Type};

/// Returns `value` without the fields of `set`.
pub(super) fn remove(value_type: Type<'_>, value: &Value, set: &FieldSet) -> Value {
    if set.is_empty() {
        return value.clone();
    }
    let keep = |element: &PathElement, child_type: Type<'_>, child: &Value| match set.node(element) {
        None => Some(child.clone()),
        Some(node) if node.is_member => None,
        Some(node) => Some(remove(child_type, child, &node.below)),
    };
    match (value_type.shape(value), value) {
        (Shape::Map(map), Value::Object(fields)) => {
            let kept = fields.iter().filter_map(|(name, child)| {
                let element = PathElement::Field(name.as_str().into());
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

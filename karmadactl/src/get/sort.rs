//! Ordering what clusters answered by a value of the objects.

use std::cmp::Ordering;

use karmada_core::object::Quantity;
use serde_json::Value;

use super::{Content, Part};
use crate::output::{JsonPath, MissingKeys};

/// Orders the objects of every part by the value that a path finds; those without it come first.
pub fn sort_parts(parts: &mut [Part], path: &JsonPath) {
    let key = |object: &Value| {
        path.find(object, MissingKeys::Ignored).ok().and_then(|found| found.first().copied().cloned())
    };
    for part in parts {
        match &mut part.content {
            Content::Objects(objects) => {
                objects.sort_by(|left, right| compare(key(left).as_ref(), key(right).as_ref()));
            }
            Content::Table(table) => table.rows.sort_by(|left, right| {
                compare(key(&left["object"]).as_ref(), key(&right["object"]).as_ref())
            }),
        }
    }
}

/// Compares numbers as numbers, quantities as quantities and the rest as text.
fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    let (Some(left), Some(right)) = (left, right) else { return left.is_some().cmp(&right.is_some()) };
    if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) {
        return left.total_cmp(&right);
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (left, right) = (text(left), text(right));
    match (left.parse::<Quantity>(), right.parse::<Quantity>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.cmp(&right),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::discovery::ResourceKind;

    #[test]
    fn numbers_and_quantities_are_not_compared_as_text() {
        let sorted = |values: &[Value]| {
            let objects = values.iter().map(|value| json!({"v": value})).collect();
            let mut parts = [Part {
                cluster: "m1".into(),
                kind: ResourceKind::default(),
                content: Content::Objects(objects),
                resource_version: String::new(),
            }];
            sort_parts(&mut parts, &JsonPath::parse("{.v}").unwrap());
            let [Part { content: Content::Objects(objects), .. }] = parts else { return Vec::new() };
            objects.into_iter().map(|mut object| object["v"].take()).collect()
        };
        assert_eq!(sorted(&[json!(10), json!(9)]), [json!(9), json!(10)]);
        assert_eq!(sorted(&[json!("2Gi"), json!("500Mi")]), [json!("500Mi"), json!("2Gi")]);
        assert_eq!(sorted(&[json!("b"), json!("a"), json!("B")]), [json!("B"), json!("a"), json!("b")]);
    }
}

//! What differs between a wanted value and the one that is there.

use serde_json::Value;

use super::path::{Path, Step};
use crate::manifest::{Location, Node, NodeValue};

/// Most letters of a value in a message.
const LONGEST_VALUE: usize = 120;

/// A field that is not as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub path: String,
    /// Where the wanted value stands.
    pub location: Location,
    /// The wanted value.
    pub want: String,
    /// The value that is there.
    pub found: String,
}

/// Returns every field that differs, at the deepest level where it does.
///
/// Absent and null are the same, and so are `1` and `1.0`.
pub(super) fn differences(path: &Path, want: &Node, found: Option<&Value>) -> Vec<Difference> {
    let mut all = Vec::new();
    compare(path, want, found.unwrap_or(&Value::Null), &mut all);
    all
}

fn compare(path: &Path, want: &Node, found: &Value, all: &mut Vec<Difference>) {
    match (&want.value, found) {
        (NodeValue::Object(wanted), Value::Object(members)) => {
            for (key, _, node) in wanted {
                let found = members.get(key).unwrap_or(&Value::Null);
                compare(&path.joined(Step::Field(key.clone())), node, found, all);
            }
            let unwanted =
                members.iter().filter(|(key, value)| !value.is_null() && want.field(key).is_none());
            for (key, value) in unwanted {
                all.push(difference(
                    &path.joined(Step::Field(key.clone())),
                    want.location,
                    "nothing",
                    &show(value),
                ));
            }
        }
        (NodeValue::List(wanted), Value::Array(elements)) => {
            for (index, node) in wanted.iter().enumerate() {
                let path = path.joined(Step::Index(index));
                match elements.get(index) {
                    Some(found) => compare(&path, node, found, all),
                    None => all.push(difference(&path, node.location, &show(&node.to_json()), "nothing")),
                }
            }
            for (index, value) in elements.iter().enumerate().skip(wanted.len()) {
                all.push(difference(
                    &path.joined(Step::Index(index)),
                    want.location,
                    "nothing",
                    &show(value),
                ));
            }
        }
        (NodeValue::Scalar(wanted), found) if same_scalar(wanted, found) => {}
        (_, found) => {
            let found = if found.is_null() { "nothing".to_owned() } else { show(found) };
            let want_text = match want.to_json() {
                Value::Null => "nothing".to_owned(),
                value => show(&value),
            };
            all.push(difference(path, want.location, &want_text, &found));
        }
    }
}

fn difference(path: &Path, location: Location, want: &str, found: &str) -> Difference {
    Difference { path: path.to_string(), location, want: want.to_owned(), found: found.to_owned() }
}

fn same_scalar(want: &Value, found: &Value) -> bool {
    match (want, found) {
        // Integers are compared as such: as fractions, large ones would be equal to their neighbours.
        (Value::Number(a), Value::Number(b)) => {
            a == b || ((a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64())
        }
        _ => want == found,
    }
}

/// Returns a value as JSON on one line, cut where it is long.
fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::read_documents;

    fn node(value: &Value) -> Node {
        read_documents("t", &value.to_string()).unwrap().remove(0)
    }

    fn found(want: &Value, found: &Value) -> Vec<String> {
        differences(&Path::parse("a").unwrap(), &node(want), Some(found))
            .into_iter()
            .map(|difference| format!("{}: {} / {}", difference.path, difference.want, difference.found))
            .collect()
    }

    #[test]
    fn every_field_that_differs_is_named_where_it_differs() {
        assert_eq!(
            found(
                &json!({"b": {"c": 1, "d": [1, {"e": "x"}], "gone": true}, "same": [], "none": null}),
                &json!({"b": {"c": 1.0, "d": [2, {"e": "y"}, 3], "a.b": 5}, "same": [], "null": null}),
            ),
            [
                "a.b.d[0]: 1 / 2",
                r#"a.b.d[1].e: "x" / "y""#,
                "a.b.d[2]: nothing / 3",
                "a.b.gone: true / nothing",
                r#"a.b["a.b"]: nothing / 5"#,
            ]
        );
        assert_eq!(found(&json!({}), &json!([])), ["a: {} / []"]);
        assert_eq!(found(&json!([1, 2]), &json!([1])), ["a[1]: 2 / nothing"]);
        assert_eq!(found(&json!("1"), &json!(1)), [r#"a: "1" / 1"#]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..3_i64).prop_map(Value::from),
            "[a-b]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        /// The checker is equality of the JSON values; there is no null and no fraction among them.
        #[test]
        fn nothing_differs_exactly_when_the_values_are_equal(want in values(), other in values()) {
            prop_assert_eq!(found(&want, &want), Vec::<String>::new());
            prop_assert_eq!(found(&want, &other).is_empty(), want == other);
        }
    }
}

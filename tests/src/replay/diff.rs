//! Comparison of JSON values: key order is free, numbers compare by value.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::Outcome;

/// Differences listed before the rest is only counted.
const MAX_LINES: usize = 40;
/// Characters of a value shown on a line.
const MAX_VALUE: usize = 400;

/// Returns the outcome of an answer: passed when it equals `expected`.
pub fn compare(expected: &Value, got: &Value) -> Outcome {
    Outcome::from_diff(diff(expected, got))
}

/// Returns a readable list of differences, one line per place, or `None` when the values are equal.
pub fn diff(expected: &Value, got: &Value) -> Option<String> {
    let mut lines = Vec::new();
    walk("", expected, got, &mut lines);
    if lines.is_empty() {
        return None;
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    let mut text = lines.join("\n");
    if more > 0 {
        let _ = write!(text, "\n... and {more} more differences");
    }
    Some(text)
}

/// Returns whether two numbers have the same value, whatever their notation.
pub fn same_number(a: &Number, b: &Number) -> bool {
    if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (a.as_u64(), b.as_u64()) {
        return a == b;
    }
    matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a.to_bits() == b.to_bits() || (a - b).abs() == 0.0)
}

/// Returns whether two values are equal by the rules of this module.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn walk(path: &str, expected: &Value, got: &Value, lines: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                let place = format!("{path}/{key}");
                match got.get(key) {
                    Some(other) => walk(&place, value, other, lines),
                    None => lines.push(format!("{place}: missing, expected {}", show(value))),
                }
            }
            for (key, value) in got.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                lines.push(format!("{path}/{key}: unexpected {}", show(value)));
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            for (index, pair) in expected.iter().zip(got).enumerate() {
                walk(&format!("{path}/{index}"), pair.0, pair.1, lines);
            }
            for (index, value) in expected.iter().enumerate().skip(got.len()) {
                lines.push(format!("{path}/{index}: missing, expected {}", show(value)));
            }
            for (index, value) in got.iter().enumerate().skip(expected.len()) {
                lines.push(format!("{path}/{index}: unexpected {}", show(value)));
            }
        }
        _ if same(expected, got) => {}
        _ => {
            let place = if path.is_empty() { "/" } else { path };
            lines.push(format!("{place}: expected {}, got {}", show(expected), show(got)));
        }
    }
}

fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        assert_eq!(diff(&json!({"a": 1}), &json!({"a": 1.0})), None);
        assert_eq!(diff(&json!(1.5), &json!(1)), Some("/: expected 1.5, got 1".into()));
    }

    #[test]
    fn names_every_place_that_differs() {
        let difference =
            diff(&json!({"a": [1, 2], "b": {"c": "x"}}), &json!({"a": [1], "b": {"c": "y"}, "d": null}));
        assert_eq!(
            difference.unwrap(),
            "/a/1: missing, expected 2\n/b/c: expected \"x\", got \"y\"\n/d: unexpected null"
        );
    }
}

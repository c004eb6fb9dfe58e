//! JSON text as Go writes it.

use serde::Serialize;

/// Returns compact JSON with `<`, `>`, `&` and the two line separators escaped, as Go does.
///
/// Annotations that hold JSON are compared as text, so every byte counts. Fields of typed
/// values keep their order; maps and unstructured values are sorted.
///
/// # Panics
/// When the value has a map with keys that are no text; wire types have none.
pub fn to_go_json<T: Serialize + ?Sized>(value: &T) -> String {
    let text = serde_json::to_string(value).expect("wire types and values always serialise");
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{8}', '\u{c}']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            // Outside of strings JSON has none of these characters.
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn escapes_what_go_escapes() {
        assert_eq!(
            to_go_json(&json!({"b": "<&>", "a": "ü\u{2028}"})),
            "{\"a\":\"ü\\u2028\",\"b\":\"\\u003c\\u0026\\u003e\"}"
        );
    }
}

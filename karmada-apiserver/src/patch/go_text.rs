//! Texts that clients know from the Go server: JSON syntax errors and printed values.

use serde_json::Value;

use crate::go_json::syntax_error;

/// Reads a JSON document; the error text is the one that a Go decoder gives.
///
/// # Errors
///
/// The first syntax error, for example `unexpected end of JSON input`.
pub fn decode_json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Valid for Go but not for serde_json: bad UTF-8, numbers out of range, deep nesting.
        syntax_error(bytes).unwrap_or_else(|| format!("json: {error}"))
    })
}

/// Prints a value as Go prints the decoded value with `%v`: `map[a:1 b:[x y]]`.
pub fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key}:{}", go_value(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Prints a value as Go prints the decoded value with `%#v`: `map[string]interface {}{"a":1}`.
pub(super) fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key:?}:{}", go_syntax(value)));
            format!("map[string]interface {{}}{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Names the JSON type of a value as Go's decoder does.
pub(super) fn go_json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_a_go_decoder_says() {
        let check = |text: &str, expected: &str| {
            assert_eq!(decode_json(text.as_bytes()), Err(expected.to_owned()), "{text}");
        };
        check("", "unexpected end of JSON input");
        check("{", "unexpected end of JSON input");
        check("not json", "invalid character 'o' in literal null (expecting 'u')");
        check("{a:1}", "invalid character 'a' looking for beginning of object key string");
        check("{\"a\" 1}", "invalid character '1' after object key");
        check("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair");
        check("[1 2]", "invalid character '2' after array element");
        check("{} x", "invalid character 'x' after top-level value");
        check("[1.x]", "invalid character 'x' after decimal point in numeric literal");
        check("x", "invalid character 'x' looking for beginning of value");
        check("\"a\nb\"", r"invalid character '\n' in string literal");
    }

    #[test]
    fn prints_values_as_go_does() {
        let value = json!({"b": [1, "x", null], "a": {"t": true}});
        assert_eq!(go_value(&value), "map[a:map[t:true] b:[1 x <nil>]]");
        assert_eq!(
            go_syntax(&value),
            r#"map[string]interface {}{"a":map[string]interface {}{"t":true}, "b":[]interface {}{1, "x", interface {}(nil)}}"#
        );
    }
}

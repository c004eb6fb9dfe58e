//! One problem with one field of an object.

use std::fmt;

use serde_json::{Value, json};

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldErrorKind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    TypeInvalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    Internal,
}

/// A problem with one field: a cause of a 422 answer.
///
/// Its `Display` is the field path and the message, as the cause's line in the `Status` message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FieldError {
    pub kind: FieldErrorKind,
    /// Path of the field, such as `spec.ports[0].name`; empty for the whole object.
    pub field: String,
    /// The message without the path, such as `Invalid value: "x": must be y`.
    pub message: String,
}

impl FieldErrorKind {
    /// Returns the `reason` of the cause in a `Status`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

impl FieldError {
    /// Reports a missing value; `detail` may be empty.
    pub fn required(field: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self::without_value(FieldErrorKind::Required, field, detail)
    }

    /// Reports something that may not be set or changed.
    pub fn forbidden(field: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self::without_value(FieldErrorKind::Forbidden, field, detail)
    }

    /// Reports a value that breaks a rule.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: impl AsRef<str>) -> Self {
        Self::with_value(FieldErrorKind::Invalid, field, value, detail)
    }

    /// Reports parts that do not go together; the whole is not shown.
    pub fn invalid_state(field: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self::without_value(FieldErrorKind::Invalid, field, detail)
    }

    /// Reports a value of the wrong type.
    pub fn type_invalid(field: impl Into<String>, value: &Value, detail: impl AsRef<str>) -> Self {
        Self::with_value(FieldErrorKind::TypeInvalid, field, value, detail)
    }

    /// Reports a second use of a value that has to be unique.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::with_value(FieldErrorKind::Duplicate, field, value, "")
    }

    /// Reports a reference to something that is not there.
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::with_value(FieldErrorKind::NotFound, field, value, "")
    }

    /// Reports a string that is not one of the `supported` ones.
    pub fn not_supported<S: AsRef<str>>(field: impl Into<String>, value: &Value, supported: &[S]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|s| quote(s.as_ref())).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        Self::with_value(FieldErrorKind::NotSupported, field, value, detail)
    }

    /// Reports a string or object of more than `limit` bytes.
    pub fn too_long(field: impl Into<String>, limit: usize) -> Self {
        Self::without_value(FieldErrorKind::TooLong, field, format!("may not be more than {limit} bytes"))
    }

    /// Reports a list of `actual` items where `limit` are allowed.
    pub fn too_many(field: impl Into<String>, actual: usize, limit: u64) -> Self {
        Self {
            kind: FieldErrorKind::TooMany,
            field: field.into(),
            message: format!("Too many: {actual}: must have at most {limit} items"),
        }
    }

    /// Returns the entry of `details.causes` of the answer.
    pub fn to_cause(&self) -> Value {
        let mut cause = json!({"reason": self.kind.reason(), "message": self.message});
        if !self.field.is_empty() {
            cause["field"] = Value::from(self.field.clone());
        }
        cause
    }

    /// Returns the `message` of the answer for an object that has these errors.
    pub fn status_message(kind: &str, name: &str, errors: &[Self]) -> String {
        // The real server's aggregate leaves out messages that it has already printed.
        let mut lines: Vec<String> = Vec::new();
        for error in errors {
            let line = error.to_string();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let list = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        format!("{kind} {} is invalid: {list}", quote(name))
    }

    fn without_value(kind: FieldErrorKind, field: impl Into<String>, detail: impl AsRef<str>) -> Self {
        let (title, detail) = (kind.title(), detail.as_ref());
        let message = if detail.is_empty() { title.to_owned() } else { format!("{title}: {detail}") };
        Self { kind, field: field.into(), message }
    }

    fn with_value(
        kind: FieldErrorKind,
        field: impl Into<String>,
        value: &Value,
        detail: impl AsRef<str>,
    ) -> Self {
        let (title, detail, value) = (kind.title(), detail.as_ref(), print_value(value));
        let message = if detail.is_empty() {
            format!("{title}: {value}")
        } else {
            format!("{title}: {value}: {detail}")
        };
        Self { kind, field: field.into(), message }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "<nil>" } else { &self.field };
        write!(f, "{field}: {}", self.message)
    }
}

/// Quotes a string as Go's `%q` does.
pub(crate) fn quote(text: &str) -> String {
    use fmt::Write as _;

    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{b}' => quoted.push_str("\\v"),
            c if c.is_ascii_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Prints a value as JSON, a label selector with its labels first as the real server's structure has them.
fn print_value(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Object(map) if map.contains_key("matchLabels") && map.contains_key("matchExpressions") => {
            let labels = map.iter().filter(|(key, _)| *key == "matchLabels");
            let rest = map.iter().filter(|(key, _)| *key != "matchLabels");
            let members =
                labels.chain(rest).map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_path_the_title_the_value_and_the_detail() {
        let error = FieldError::invalid("spec.replicas", &json!(-1), "must be greater than or equal to 0");
        assert_eq!(error.to_string(), "spec.replicas: Invalid value: -1: must be greater than or equal to 0");
        assert_eq!(error.to_cause()["reason"], "FieldValueInvalid");
    }

    #[test]
    fn prints_the_labels_of_a_selector_first() {
        let selector = json!({"matchExpressions": [{"key": "a"}], "matchLabels": {"b": "c"}});
        let error = FieldError::invalid("s", &selector, "x");
        assert_eq!(
            error.to_string(),
            r#"s: Invalid value: {"matchLabels":{"b":"c"},"matchExpressions":[{"key":"a"}]}: x"#
        );
    }

    #[test]
    fn lists_several_errors_in_brackets_and_equal_ones_once() {
        let a = FieldError::required("a", "");
        let b = FieldError::required("b", "why");
        assert_eq!(
            FieldError::status_message("Pod", "p", &[a.clone(), b, a]),
            "Pod \"p\" is invalid: [a: Required value, b: Required value: why]"
        );
    }
}

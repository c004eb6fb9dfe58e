//! What is wrong with a field.

use std::fmt;

use serde::Serialize;

use crate::object::to_go_json;

/// One mistake, with the path of its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The kind of mistake.
    pub type_: FieldErrorType,
    /// The path, such as `spec.placement.spreadConstraints[0]`.
    pub field: String,
    /// The value as it is printed, where the kind of mistake shows one.
    pub value: Option<String>,
    /// What is wrong; may be empty.
    pub detail: String,
}

/// Kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorType {
    /// A value is needed.
    Required,
    /// The value is not valid.
    Invalid,
    /// The value is none of those that are supported.
    NotSupported,
    /// The value is there twice.
    Duplicate,
    /// The field may not be set so.
    Forbidden,
    /// Fields contradict each other.
    TypeInvalid,
    /// The value is too long.
    TooLong,
}

impl FieldErrorType {
    /// Returns the reason as in the causes of a `Status`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::TooLong => "FieldValueTooLong",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
        }
    }
}

impl FieldError {
    pub(super) fn required(field: impl Into<String>, detail: &str) -> Self {
        Self { type_: FieldErrorType::Required, field: field.into(), value: None, detail: detail.to_owned() }
    }

    pub(super) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { type_: FieldErrorType::Forbidden, field: field.into(), value: None, detail: detail.to_owned() }
    }

    /// A value of another type than the field has.
    pub(super) fn unreadable(field: String, detail: String) -> Self {
        Self { type_: FieldErrorType::TypeInvalid, field, value: None, detail }
    }

    /// A text that is there twice.
    pub(super) fn duplicate(field: impl Into<String>, value: &str) -> Self {
        let (type_, value) = (FieldErrorType::Duplicate, Some(quote(value)));
        Self { type_, field: field.into(), value, detail: String::new() }
    }

    /// A text that is not valid.
    pub(super) fn invalid(field: impl Into<String>, value: &str, detail: impl Into<String>) -> Self {
        let value = Some(quote(value));
        Self { type_: FieldErrorType::Invalid, field: field.into(), value, detail: detail.into() }
    }

    /// Any other value that is not valid; it is shown as JSON.
    pub(super) fn invalid_value<T: Serialize + ?Sized>(
        field: impl Into<String>,
        value: &T,
        detail: impl Into<String>,
    ) -> Self {
        let value = Some(to_go_json(value));
        Self { type_: FieldErrorType::Invalid, field: field.into(), value, detail: detail.into() }
    }

    pub(super) fn not_supported(field: impl Into<String>, value: &str, supported: &[&str]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|text| quote(text)).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        Self { type_: FieldErrorType::NotSupported, field: field.into(), value: Some(quote(value)), detail }
    }

    /// The message without the field, as in the causes of a `Status`.
    pub fn body(&self) -> String {
        let mut text = self.type_.text().to_owned();
        if let Some(value) = &self.value {
            text = format!("{text}: {value}");
        }
        if !self.detail.is_empty() {
            text = format!("{text}: {}", self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// Returns one message for all errors, each said once.
pub fn aggregate(errors: &[FieldError]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [single] => single.clone(),
        _ => format!("[{}]", texts.join(", ")),
    }
}

/// Puts text in quotes as Go does.
pub(super) fn quote(text: &str) -> String {
    use fmt::Write as _;

    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_ascii_control() => {
                write!(quoted, "\\x{:02x}", control as u32).expect("writing to a string cannot fail");
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_messages_are_said_once() {
        let error = FieldError::invalid("a", "x", "bad");
        assert_eq!(aggregate(&[error.clone(), error.clone()]), "a: Invalid value: \"x\": bad");
        let other = FieldError::required("b", "");
        assert_eq!(aggregate(&[error, other]), "[a: Invalid value: \"x\": bad, b: Required value]");
    }
}

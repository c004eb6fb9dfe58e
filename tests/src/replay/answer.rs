//! Answers of the code under test, and their comparison with recorded ones.

use std::error::Error;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Outcome, diff};

/// An answer, or the text of an error.
pub type Answer = Result<Value, String>;

/// Returns the text of an error and its causes.
pub fn error(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Reads a typed value of the input; null counts as its default.
pub fn decode<T: DeserializeOwned + Default>(value: &Value) -> Result<T, String> {
    if value.is_null() { Ok(T::default()) } else { T::deserialize(value).map_err(error) }
}

/// Compares an answer: where an error is recorded any error is right.
pub fn compare(expected: &Value, answer: Answer) -> Outcome {
    compare_as(expected, answer, Value::clone)
}

/// Compares an answer after both sides went through `normalise`.
pub fn compare_as(expected: &Value, answer: Answer, normalise: impl Fn(&Value) -> Value) -> Outcome {
    match (expected.get("error"), answer) {
        (Some(_), Err(_)) => Outcome::Passed,
        (Some(error), Ok(answer)) => Outcome::Failed(format!("expected error {error}, got {answer}")),
        (None, Err(error)) => Outcome::Failed(format!("unexpected error: {error}")),
        (None, Ok(answer)) => Outcome::from_diff(diff(&normalise(expected), &normalise(&answer))),
    }
}

/// Returns a value without null members, at any depth: Go reads them as absent.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let present = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(present.map(|(key, member)| (key.clone(), without_nulls(member))).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Returns a value without nulls and empty objects, at any depth.
///
/// Objects that went through Go's types have them where others have nothing.
pub fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().map(|(key, member)| (key, without_empty(member)));
            let kept = kept.filter(|(_, member)| {
                !member.is_null() && member.as_object().is_none_or(|map| !map.is_empty())
            });
            Value::Object(kept.map(|(key, member)| (key.clone(), member)).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

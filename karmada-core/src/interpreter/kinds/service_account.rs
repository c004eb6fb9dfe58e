//! ServiceAccount.

use serde_json::Value;

use super::super::{InterpretError, fields};
use super::rules::Rules;
use crate::object::{PathError, set_nested};

pub(super) const RULES: Rules = Rules { retain: Some(retain), ..Rules::NONE };

/// Keeps the secrets that the member has added.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    for field in ["secrets", "imagePullSecrets"] {
        let wanted = references(&desired, field)?;
        let found = references(observed, field)?;
        if wanted.is_none() && found.is_none() {
            continue;
        }
        let mut merged = wanted.unwrap_or_default();
        for (name, reference) in found.unwrap_or_default() {
            if !merged.iter().any(|(known, _)| *known == name) {
                merged.push((name, reference));
            }
        }
        let merged = merged.into_iter().map(|(_, reference)| reference).collect();
        set_nested(&mut desired, &[field], Value::Array(merged))?;
    }
    Ok(desired)
}

fn references(object: &Value, field: &'static str) -> Result<Option<Vec<(String, Value)>>, PathError> {
    let Some(list) = fields::list(object, &[field])? else { return Ok(None) };
    let named = list.iter().map(|reference| match reference.get("name").and_then(Value::as_str) {
        Some(name) => Ok((name.to_owned(), reference.clone())),
        None => Err(PathError { path: format!(".{field}[].name"), expected: "string", actual: "other" }),
    });
    named.collect::<Result<_, _>>().map(Some)
}

//! How much memory the pods of a SparkApplication ask for.

use serde_json::Value;

use super::rules::Answer;
use super::templates::unreadable;
use super::values::{guarded, mismatch, to_number};
use crate::object::{Quantity, QuantityError};

/// Memory of a role that does not say, in MiB.
const DEFAULT_MEMORY: f64 = 1024.0;
/// The least memory besides the heap, in MiB.
const MINIMUM_OVERHEAD: f64 = 384.0;
const JVM_OVERHEAD_FACTOR: f64 = 0.1;
const OTHER_OVERHEAD_FACTOR: f64 = 0.4;

/// Returns the heap of a role and what it needs besides.
///
/// # Errors
/// When the application has no type, or an amount cannot be read.
pub(super) fn pod_memory(spec: &Value, role: &Value) -> Answer<Quantity> {
    let application_type = match guarded(spec, &["type"]) {
        Value::String(text) => text.to_lowercase(),
        other => return Err(mismatch(&["spec", "type"], "string", other).into()),
    };
    let memory = mebibytes(guarded(role, &["memory"]))?.unwrap_or(DEFAULT_MEMORY);
    let default = match application_type.as_str() {
        "java" | "scala" => JVM_OVERHEAD_FACTOR,
        _ => OTHER_OVERHEAD_FACTOR,
    };
    let factor = to_number(guarded(spec, &["memoryOverheadFactor"])).unwrap_or(default);
    let overhead = mebibytes(guarded(role, &["memoryOverhead"]))?;
    let overhead = overhead.unwrap_or_else(|| (factor * memory).max(MINIMUM_OVERHEAD));
    let quantity = |amount: f64| -> Result<Quantity, QuantityError> { format!("{amount}Mi").parse() };
    let sum = quantity(memory).and_then(|memory| Ok(memory + quantity(overhead)?));
    sum.map_err(unreadable)
}

/// Returns an amount as the JVM writes it, in MiB; a number alone counts bytes.
fn mebibytes(value: &Value) -> Answer<Option<f64>> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        other => return Err(mismatch(&["memory"], "string", other).into()),
    };
    let unit_start = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(unit_start);
    let scale = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 1.0 / 1024.0 / 1024.0,
        "k" => 1.0 / 1024.0,
        "m" => 1.0,
        "g" => 1024.0,
        "t" => 1024.0 * 1024.0,
        "p" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(mismatch(&["memory"], "amount of memory", value).into()),
    };
    match amount.parse::<f64>() {
        Ok(amount) => Ok(Some(amount * scale)),
        Err(_) => Err(mismatch(&["memory"], "amount of memory", value).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn adds_what_is_needed_besides_the_heap() {
        let memory = |spec: Value, role: Value| pod_memory(&spec, &role).unwrap().to_string();
        assert_eq!(memory(json!({"type": "Java"}), json!({"memory": "1g"})), "1408Mi");
        assert_eq!(memory(json!({"type": "Python"}), json!({})), "1503238553600m");
        assert_eq!(
            memory(json!({"type": "Scala"}), json!({"memory": "512m", "memoryOverhead": "1g"})),
            "1536Mi"
        );
        assert_eq!(
            memory(json!({"type": "R", "memoryOverheadFactor": "0.5"}), json!({"memory": "2g"})),
            "3Gi"
        );
        assert!(pod_memory(&json!({}), &json!({})).is_err());
    }
}

//! Quantities and semantic versions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::super::registry::Quantity;
use super::super::error::EvalError;
use super::super::value::{Semver, Value};
use super::{Answer, failed};

pub(super) fn call(name: &str, args: &[Value]) -> Answer {
    Some(match (name, args) {
        ("quantity", [Value::String(text)]) => Quantity::parse(text).map(Value::Quantity).ok_or_else(|| {
            EvalError::failed(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            )
        }),
        ("isQuantity", [Value::String(text)]) => Ok(Value::Bool(Quantity::parse(text).is_some())),
        ("semver", [Value::String(text)]) => version(text, false),
        ("semver", [Value::String(text), Value::Bool(normalize)]) => version(text, *normalize),
        ("isSemver", [Value::String(text)]) => Ok(Value::Bool(parse(text, false).is_some())),
        ("isSemver", [Value::String(text), Value::Bool(normalize)]) => {
            Ok(Value::Bool(parse(text, *normalize).is_some()))
        }
        (_, [Value::Quantity(quantity), rest @ ..]) => return of_quantity(name, *quantity, rest),
        ("major" | "minor" | "patch", [Value::Semver(version)]) => {
            let [major, minor, patch] = version.numbers;
            let number = match name {
                "major" => major,
                "minor" => minor,
                _ => patch,
            };
            i64::try_from(number).map(Value::Int).map_err(|_| EvalError::failed("integer overflow"))
        }
        (_, [Value::Semver(a), Value::Semver(b)]) => return comparison(name, compare(a, b)),
        _ => return None,
    })
}

fn comparison(name: &str, ordering: Ordering) -> Answer {
    Some(Ok(match name {
        "compareTo" => Value::Int(ordering as i64),
        "isGreaterThan" => Value::Bool(ordering.is_gt()),
        "isLessThan" => Value::Bool(ordering.is_lt()),
        _ => return None,
    }))
}

fn of_quantity(name: &str, quantity: Quantity, rest: &[Value]) -> Answer {
    Some(match (name, rest) {
        ("isInteger", []) => Ok(Value::Bool(quantity.as_integer().is_some())),
        ("asInteger", []) => match quantity.as_integer() {
            Some(value) => Ok(Value::Int(value)),
            None => failed("cannot convert value to integer"),
        },
        ("asApproximateFloat", []) => Ok(Value::Double(quantity.as_float())),
        ("sign", []) => {
            Ok(Value::Int(if quantity.is_zero() { 0 } else { 1 - 2 * i64::from(quantity.is_negative()) }))
        }
        ("add" | "sub", [other]) => {
            let other = match other {
                Value::Quantity(other) => *other,
                Value::Int(value) => Quantity::from_integer(*value),
                _ => return None,
            };
            let sum = if name == "add" { quantity.checked_add(other) } else { quantity.checked_sub(other) };
            sum.map(Value::Quantity).ok_or_else(|| EvalError::failed("quantity overflow"))
        }
        (_, [Value::Quantity(other)]) => return comparison(name, quantity.compare(*other)),
        _ => return None,
    })
}

fn version(text: &str, normalize: bool) -> Result<Value, EvalError> {
    match parse(text, normalize) {
        Some(version) => Ok(Value::Semver(Arc::new(version))),
        None => failed(format!("failed to parse semver {}", crate::registry::quote(text))),
    }
}

fn parse(text: &str, normalize: bool) -> Option<Semver> {
    let text = if normalize { text.strip_prefix('v').unwrap_or(text) } else { text };
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let valid = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if build.is_some_and(|build| !build.split('.').all(valid)) {
        return None;
    }
    let (core, prerelease) = text.split_once('-').map_or((text, None), |(core, rest)| (core, Some(rest)));
    let mut numbers = [0; 3];
    let parts: Vec<&str> = core.split('.').collect();
    if parts.len() > 3 || (parts.len() < 3 && !normalize) {
        return None;
    }
    for (slot, part) in numbers.iter_mut().zip(parts) {
        let leading_zero = part.len() > 1 && part.starts_with('0');
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) || (leading_zero && !normalize)
        {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    let prerelease: Vec<String> =
        prerelease.map(|rest| rest.split('.').map(str::to_owned).collect()).unwrap_or_default();
    let numeric_zero = |part: &str| {
        part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if prerelease.iter().any(|part| !valid(part) || numeric_zero(part)) {
        return None;
    }
    Some(Semver { numbers, prerelease })
}

fn compare(a: &Semver, b: &Semver) -> Ordering {
    let numbers = a.numbers.cmp(&b.numbers);
    if numbers.is_ne() {
        return numbers;
    }
    // A version without a pre-release is the later one.
    match (a.prerelease.is_empty(), b.prerelease.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    for (left, right) in a.prerelease.iter().zip(&b.prerelease) {
        let ordering = match (left.parse::<u64>(), right.parse::<u64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => left.cmp(right),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    a.prerelease.len().cmp(&b.prerelease.len())
}

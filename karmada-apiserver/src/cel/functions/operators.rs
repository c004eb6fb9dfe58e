//! Operators: comparison, arithmetic, membership, index.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::error::EvalError;
use super::super::eval::Budget;
use super::super::value::Value;
use super::{Answer, failed};

pub(super) fn call(name: &str, args: &[Value], budget: &mut Budget) -> Answer {
    Some(match (name, args) {
        ("_==_", [a, b]) => equal(a, b, budget).map(Value::Bool),
        ("_!=_", [a, b]) => equal(a, b, budget).map(|same| Value::Bool(!same)),
        ("_<_", [a, b]) => order(a, b, budget, Ordering::is_lt),
        ("_<=_", [a, b]) => order(a, b, budget, Ordering::is_le),
        ("_>_", [a, b]) => order(a, b, budget, Ordering::is_gt),
        ("_>=_", [a, b]) => order(a, b, budget, Ordering::is_ge),
        ("!_", [Value::Bool(value)]) => Ok(Value::Bool(!value)),
        ("-_", [Value::Int(value)]) => int(value.checked_neg()),
        ("-_", [Value::Double(value)]) => Ok(Value::Double(-value)),
        ("_+_", [a, b]) => return add(a, b, budget),
        ("_-_" | "_*_" | "_/_" | "_%_", [a, b]) => return arithmetic(name, a, b),
        ("@in", [item, container]) => is_in(item, container, budget),
        ("_[_]" | "_[?_]", [Value::Optional(None), _]) => Ok(Value::Optional(None)),
        ("_[_]" | "_[?_]", [Value::Optional(Some(inner)), key]) => optional_index(inner, key),
        ("_[_]", [container, key]) => index(container, key),
        ("_[?_]", [container, key]) => optional_index(container, key),
        _ => return None,
    })
}

/// Compares two values after paying for it.
pub(super) fn equal(a: &Value, b: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    let limit = budget.remaining().saturating_add(1);
    let (left, right) = (a.deep_size(limit), b.deep_size(limit));
    let quadratic = is_associative(a) || is_associative(b);
    let work = if quadratic { left.saturating_mul(right) } else { left.min(right) };
    budget.charge(work)?;
    Ok(a == b)
}

fn is_associative(value: &Value) -> bool {
    match value {
        Value::List(list) => list.is_associative() || list.items.iter().any(is_associative),
        Value::Map(entries) => entries.values().any(is_associative),
        _ => false,
    }
}

fn order(
    a: &Value,
    b: &Value,
    budget: &mut Budget,
    accept: fn(Ordering) -> bool,
) -> Result<Value, EvalError> {
    budget.charge(a.size().min(b.size()) / 10)?;
    match a.compare(b) {
        Some(ordering) => Ok(Value::Bool(accept(ordering))),
        // NaN is in no order with anything.
        None if matches!((a, b), (Value::Double(_), _) | (_, Value::Double(_))) => Ok(Value::Bool(false)),
        None => Err(EvalError::NoSuchOverload),
    }
}

fn int(result: Option<i64>) -> Result<Value, EvalError> {
    result.map(Value::Int).ok_or_else(|| EvalError::failed("integer overflow"))
}

fn uint(result: Option<u64>) -> Result<Value, EvalError> {
    result.map(Value::Uint).ok_or_else(|| EvalError::failed("unsigned integer overflow"))
}

fn add(a: &Value, b: &Value, budget: &mut Budget) -> Answer {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_add(*b)),
        (Value::Uint(a), Value::Uint(b)) => uint(a.checked_add(*b)),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::String(a), Value::String(b)) => {
            budget.charge((a.len() + b.len()) as u64 / 10).map(|()| Value::string(format!("{a}{b}")))
        }
        (Value::Bytes(a), Value::Bytes(b)) => budget
            .charge((a.len() + b.len()) as u64 / 10)
            .map(|()| Value::Bytes([&**a, &**b].concat().into())),
        (Value::List(a), Value::List(b)) => {
            let (left, right) = (a.items.len() as u64, b.items.len() as u64);
            let work = if a.is_associative() {
                equal_work(a.items.iter().chain(&b.items), budget.remaining()).saturating_mul(right.max(1))
            } else {
                left + right
            };
            budget.charge(work).map(|()| Value::List(Arc::new(a.join(b))))
        }
        (Value::Timestamp(time), Value::Duration(span)) | (Value::Duration(span), Value::Timestamp(time)) => {
            time.checked_add(*span).map(Value::Timestamp).map_err(|_| EvalError::failed("timestamp overflow"))
        }
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_add(*b)),
        _ => return None,
    })
}

fn equal_work<'a>(items: impl Iterator<Item = &'a Value>, limit: u64) -> u64 {
    let mut work = 0_u64;
    for item in items {
        work = work.saturating_add(item.deep_size(limit.saturating_add(1)));
        if work > limit {
            break;
        }
    }
    work
}

fn duration(result: Option<jiff::SignedDuration>) -> Result<Value, EvalError> {
    // Durations are 64-bit nanoseconds.
    result
        .filter(|span| i64::try_from(span.as_nanos()).is_ok())
        .map(Value::Duration)
        .ok_or_else(|| EvalError::failed("duration overflow"))
}

fn arithmetic(name: &str, a: &Value, b: &Value) -> Answer {
    let zero = |name: &str| if name == "_%_" { "modulus by zero" } else { "division by zero" };
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => match name {
            "_-_" => int(a.checked_sub(*b)),
            "_*_" => int(a.checked_mul(*b)),
            _ if *b == 0 => failed(zero(name)),
            "_/_" => int(a.checked_div(*b)),
            _ => int(a.checked_rem(*b)),
        },
        (Value::Uint(a), Value::Uint(b)) => match name {
            "_-_" => uint(a.checked_sub(*b)),
            "_*_" => uint(a.checked_mul(*b)),
            _ if *b == 0 => failed(zero(name)),
            "_/_" => uint(a.checked_div(*b)),
            _ => uint(a.checked_rem(*b)),
        },
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(match name {
            "_-_" => a - b,
            "_*_" => a * b,
            "_/_" => a / b,
            _ => return None,
        })),
        (Value::Timestamp(a), Value::Timestamp(b)) if name == "_-_" => duration(Some(a.duration_since(*b))),
        (Value::Timestamp(a), Value::Duration(b)) if name == "_-_" => {
            a.checked_sub(*b).map(Value::Timestamp).map_err(|_| EvalError::failed("timestamp overflow"))
        }
        (Value::Duration(a), Value::Duration(b)) if name == "_-_" => duration(a.checked_sub(*b)),
        _ => return None,
    })
}

fn is_in(item: &Value, container: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
    match container {
        Value::List(list) => {
            for candidate in &list.items {
                if equal(item, candidate, budget)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Value::Map(entries) => Ok(Value::Bool(item.as_key().is_some_and(|key| entries.contains_key(&key)))),
        _ => Err(EvalError::NoSuchOverload),
    }
}

fn position(key: &Value) -> Result<i64, EvalError> {
    match key {
        Value::Int(index) => Ok(*index),
        Value::Uint(index) => i64::try_from(*index).map_err(|_| EvalError::failed("integer overflow")),
        Value::Double(index) if index.fract() == 0.0 => Ok(*index as i64),
        _ => Err(EvalError::NoSuchOverload),
    }
}

fn index(container: &Value, key: &Value) -> Result<Value, EvalError> {
    match container {
        Value::List(list) => {
            let position = position(key)?;
            usize::try_from(position)
                .ok()
                .and_then(|index| list.items.get(index).cloned())
                .ok_or_else(|| EvalError::failed(format!("index out of bounds: {position}")))
        }
        Value::Map(entries) => key
            .as_key()
            .and_then(|key| entries.get(&key).cloned())
            .ok_or_else(|| EvalError::NoSuchKey(super::print::plain(key))),
        _ => Err(EvalError::NoSuchOverload),
    }
}

fn optional_index(container: &Value, key: &Value) -> Result<Value, EvalError> {
    let found = match container {
        Value::List(list) => {
            usize::try_from(position(key)?).ok().and_then(|index| list.items.get(index).cloned())
        }
        Value::Map(entries) => key.as_key().and_then(|key| entries.get(&key).cloned()),
        _ => return Err(EvalError::NoSuchOverload),
    };
    Ok(Value::Optional(found.map(Arc::new)))
}

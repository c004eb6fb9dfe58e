//! Lists, maps as collections, and sets.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::error::EvalError;
use super::super::eval::Budget;
use super::super::value::Value;
use super::operators::{self, equal};
use super::{Answer, failed};

pub(super) fn call(name: &str, args: &[Value], budget: &mut Budget) -> Answer {
    match (name, args) {
        ("size", [value @ (Value::Bytes(_) | Value::List(_) | Value::Map(_))]) => {
            return Some(Ok(Value::Int(value.size() as i64)));
        }
        ("lists.range", [Value::Int(count)]) => {
            return Some(
                budget
                    .charge(u64::try_from(*count).unwrap_or_default())
                    .map(|()| Value::list((0..*count).map(Value::Int).collect())),
            );
        }
        _ => {}
    }
    let [Value::List(list), rest @ ..] = args else { return None };
    let items = list.items.as_slice();
    if let Err(error) = budget.charge(items.len() as u64) {
        return Some(Err(error));
    }
    Some(match (name, rest) {
        ("isSorted", []) => is_sorted(items, budget).map(Value::Bool),
        ("sum", []) => sum(items),
        ("min", []) => extreme(items, "min", Ordering::is_lt, budget),
        ("max", []) => extreme(items, "max", Ordering::is_gt, budget),
        ("indexOf", [item]) => position(items, item, budget, false),
        ("lastIndexOf", [item]) => position(items, item, budget, true),
        ("slice", [Value::Int(start), Value::Int(end)]) => slice(items, *start, *end),
        ("flatten", []) => flatten(items, 1, budget).map(Value::list),
        ("flatten", [Value::Int(depth)]) if *depth < 0 => failed("level must be non-negative"),
        ("flatten", [Value::Int(depth)]) => flatten(items, *depth, budget).map(Value::list),
        ("distinct", []) => distinct(items, budget).map(Value::list),
        ("reverse", []) => Ok(Value::list(items.iter().rev().cloned().collect())),
        ("first", []) => Ok(Value::Optional(items.first().cloned().map(Arc::new))),
        ("last", []) => Ok(Value::Optional(items.last().cloned().map(Arc::new))),
        ("sort", []) => sort(items, budget),
        ("sets.contains", [Value::List(other)]) => contains_all(items, &other.items, budget).map(Value::Bool),
        ("sets.equivalent", [Value::List(other)]) => contains_all(items, &other.items, budget)
            .and_then(|whole| Ok(Value::Bool(whole && contains_all(&other.items, items, budget)?))),
        ("sets.intersects", [Value::List(other)]) => {
            let mut found = Ok(Value::Bool(false));
            for item in &other.items {
                match has(items, item, budget) {
                    Ok(true) => {
                        found = Ok(Value::Bool(true));
                        break;
                    }
                    Ok(false) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
            found
        }
        _ => return None,
    })
}

fn compare(a: &Value, b: &Value, budget: &mut Budget) -> Result<Ordering, EvalError> {
    budget.charge(a.size().min(b.size()) / 10)?;
    a.compare(b).ok_or(EvalError::NoSuchOverload)
}

fn is_sorted(items: &[Value], budget: &mut Budget) -> Result<bool, EvalError> {
    for pair in items.windows(2) {
        if compare(&pair[0], &pair[1], budget)?.is_gt() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sum(items: &[Value]) -> Result<Value, EvalError> {
    let Some(first) = items.first() else { return Ok(Value::Int(0)) };
    // Additions of numbers and durations need no budget of their own.
    let mut free = Budget::new(0);
    items[1..].iter().try_fold(first.clone(), |total, item| {
        operators::call("_+_", &[total, item.clone()], &mut free).unwrap_or(Err(EvalError::NoSuchOverload))
    })
}

fn extreme(
    items: &[Value],
    name: &str,
    better: fn(Ordering) -> bool,
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    let Some(mut best) = items.first() else { return failed(format!("{name} called on empty list")) };
    for item in &items[1..] {
        if better(compare(item, best, budget)?) {
            best = item;
        }
    }
    Ok(best.clone())
}

fn position(items: &[Value], item: &Value, budget: &mut Budget, last: bool) -> Result<Value, EvalError> {
    let mut found = -1;
    for (index, candidate) in items.iter().enumerate() {
        if equal(candidate, item, budget)? {
            found = index as i64;
            if !last {
                break;
            }
        }
    }
    Ok(Value::Int(found))
}

fn slice(items: &[Value], start: i64, end: i64) -> Result<Value, EvalError> {
    if start < 0 || end < 0 {
        return failed(format!("cannot slice({start}, {end}), negative indexes not supported"));
    }
    if start > end {
        return failed(format!(
            "cannot slice({start}, {end}), start index must be less than or equal to end index"
        ));
    }
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(start, end)| items.get(start..end)) {
        Some(part) => Ok(Value::list(part.to_vec())),
        None => failed(format!("cannot slice({start}, {end}), list is length {}", items.len())),
    }
}

fn flatten(items: &[Value], depth: i64, budget: &mut Budget) -> Result<Vec<Value>, EvalError> {
    let mut flat = Vec::new();
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => {
                budget.charge(inner.items.len() as u64 + 1)?;
                flat.extend(flatten(&inner.items, depth - 1, budget)?);
            }
            other => flat.push(other.clone()),
        }
    }
    Ok(flat)
}

fn distinct(items: &[Value], budget: &mut Budget) -> Result<Vec<Value>, EvalError> {
    let mut seen = Vec::new();
    for item in items {
        if !has(&seen, item, budget)? {
            seen.push(item.clone());
        }
    }
    Ok(seen)
}

fn sort(items: &[Value], budget: &mut Budget) -> Result<Value, EvalError> {
    let total: u64 = items.iter().map(|item| 1 + item.size() / 10).sum();
    budget.charge(total.saturating_mul(u64::from(items.len().max(1).ilog2()) + 1))?;
    let mut sorted = items.to_vec();
    let mut mixed = false;
    sorted.sort_by(|a, b| {
        a.compare(b).unwrap_or_else(|| {
            mixed = true;
            Ordering::Equal
        })
    });
    if mixed { failed("list elements must have the same type") } else { Ok(Value::list(sorted)) }
}

fn has(items: &[Value], item: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    for candidate in items {
        budget.charge(1)?;
        if equal(candidate, item, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn contains_all(items: &[Value], wanted: &[Value], budget: &mut Budget) -> Result<bool, EvalError> {
    for item in wanted {
        if !has(items, item, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

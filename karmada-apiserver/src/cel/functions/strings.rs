//! Strings and regular expressions. Positions count characters.

use std::fmt::Write as _;

use regex_lite::Regex;

use super::super::error::EvalError;
use super::super::eval::Budget;
use super::super::value::Value;
use super::{Answer, failed, print};

/// Digits behind the point that `format` prints at most.
const MAX_PRECISION: usize = 100;

pub(super) fn call(name: &str, args: &[Value], pattern: Option<&Regex>, budget: &mut Budget) -> Answer {
    if let ("join", [Value::List(list), separator @ ..]) = (name, args) {
        return join(&list.items, separator, budget);
    }
    let [Value::String(text), rest @ ..] = args else { return None };
    if let Err(error) = budget.charge(text.len() as u64 / 10) {
        return Some(Err(error));
    }
    Some(match (name, rest) {
        ("size", []) => Ok(Value::Int(text.chars().count() as i64)),
        ("contains", [Value::String(part)]) => {
            // Searching is linear in this implementation.
            budget.charge(part.len() as u64 / 10).map(|()| Value::Bool(text.contains(&**part)))
        }
        ("startsWith", [Value::String(part)]) => Ok(Value::Bool(text.starts_with(&**part))),
        ("endsWith", [Value::String(part)]) => Ok(Value::Bool(text.ends_with(&**part))),
        ("matches", [Value::String(source)]) => {
            with_pattern(pattern, source, text, budget, |regex| Value::Bool(regex.is_match(text)))
        }
        ("find", [Value::String(source)]) => with_pattern(pattern, source, text, budget, |regex| {
            Value::string(regex.find(text).map_or("", |found| found.as_str()))
        }),
        ("findAll", [Value::String(source), limit @ ..]) => {
            let limit = match limit {
                [Value::Int(limit)] if *limit >= 0 => usize::try_from(*limit).unwrap_or(usize::MAX),
                [] | [Value::Int(_)] => usize::MAX,
                _ => return None,
            };
            with_pattern(pattern, source, text, budget, |regex| {
                Value::list(
                    regex.find_iter(text).take(limit).map(|found| Value::string(found.as_str())).collect(),
                )
            })
        }
        ("charAt", [Value::Int(index)]) => char_at(text, *index),
        ("indexOf", [Value::String(part)]) => Ok(Value::Int(index_of(text, part, 0))),
        ("indexOf", [Value::String(part), Value::Int(start)]) => match offset(text, *start) {
            Some(_) => Ok(Value::Int(index_of(text, part, *start as usize))),
            None => failed(format!("index out of range: {start}")),
        },
        ("lastIndexOf", [Value::String(part)]) => Ok(Value::Int(last_index_of(text, part, usize::MAX))),
        ("lastIndexOf", [Value::String(part), Value::Int(limit)]) => match offset(text, *limit) {
            Some(_) => Ok(Value::Int(last_index_of(text, part, *limit as usize))),
            None => failed(format!("index out of range: {limit}")),
        },
        ("lowerAscii", []) => Ok(Value::string(text.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Value::string(text.to_ascii_uppercase())),
        ("trim", []) => Ok(Value::string(text.trim())),
        ("strings.quote", []) => Ok(Value::string(crate::registry::quote(text))),
        ("replace", [Value::String(old), Value::String(new)]) => replace(text, old, new, -1, budget),
        ("replace", [Value::String(old), Value::String(new), Value::Int(limit)]) => {
            replace(text, old, new, *limit, budget)
        }
        ("split", [Value::String(separator)]) => split(text, separator, -1, budget),
        ("split", [Value::String(separator), Value::Int(limit)]) => split(text, separator, *limit, budget),
        ("substring", [Value::Int(start)]) => substring(text, *start, None),
        ("substring", [Value::Int(start), Value::Int(end)]) => substring(text, *start, Some(*end)),
        ("format", [Value::List(list)]) => format(text, &list.items, budget).map(Value::string),
        _ => return None,
    })
}

fn with_pattern(
    compiled: Option<&Regex>,
    source: &str,
    text: &str,
    budget: &mut Budget,
    run: impl FnOnce(&Regex) -> Value,
) -> Result<Value, EvalError> {
    let work = (text.len() as u64 / 10 + 1).saturating_mul(source.len() as u64 / 4 + 1);
    budget.charge(work)?;
    if let Some(regex) = compiled {
        return Ok(run(regex));
    }
    // Compiling costs more than matching, and a repetition can make a small pattern large.
    budget.charge(1000)?;
    let regex =
        Regex::new(source).map_err(|error| EvalError::failed(format!("error parsing regexp: {error}")))?;
    Ok(run(&regex))
}

/// Returns the byte offset of a character; the end is a position too.
fn offset(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    text.char_indices().map(|(offset, _)| offset).chain([text.len()]).nth(index)
}

fn char_at(text: &str, index: i64) -> Result<Value, EvalError> {
    let Some(start) = offset(text, index) else { return failed(format!("index out of range: {index}")) };
    Ok(Value::string(text[start..].chars().next().map(String::from).unwrap_or_default()))
}

fn index_of(text: &str, part: &str, start: usize) -> i64 {
    let from = offset(text, start as i64).unwrap_or(text.len());
    text[from..].find(part).map_or(-1, |found| text[..from + found].chars().count() as i64)
}

/// Finds the last occurrence that starts at or before the limit.
fn last_index_of(text: &str, part: &str, limit: usize) -> i64 {
    let limit = i64::try_from(limit).ok().and_then(|limit| offset(text, limit)).unwrap_or(text.len());
    let end = limit.saturating_add(part.len()).min(text.len());
    let end = (end..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len());
    let mut found = text[..end].rfind(part);
    if let Some(start) = found
        && start > limit
    {
        found = text[..limit].rfind(part);
    }
    found.map_or(-1, |found| text[..found].chars().count() as i64)
}

fn substring(text: &str, start: i64, end: Option<i64>) -> Result<Value, EvalError> {
    let Some(from) = offset(text, start) else { return failed(format!("index out of range: {start}")) };
    let Some(end) = end else { return Ok(Value::string(&text[from..])) };
    let Some(to) = offset(text, end) else { return failed(format!("index out of range: {end}")) };
    if start > end {
        return failed(format!("invalid substring range. start: {start}, end: {end}"));
    }
    Ok(Value::string(&text[from..to]))
}

fn replace(text: &str, old: &str, new: &str, limit: i64, budget: &mut Budget) -> Result<Value, EvalError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() }.min(limit);
    let size = (text.len() as u64).saturating_add((count as u64).saturating_mul(new.len() as u64));
    budget.charge(size / 10)?;
    Ok(Value::string(text.replacen(old, new, limit)))
}

fn split(text: &str, separator: &str, limit: i64, budget: &mut Budget) -> Result<Value, EvalError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let parts: Vec<&str> = if separator.is_empty() {
        // Between all characters, not before the first.
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if parts.len() + 1 == limit {
                parts.push(rest);
                break;
            }
            let (first, tail) = rest.split_at(c.len_utf8());
            parts.push(first);
            rest = tail;
        }
        parts
    } else {
        text.splitn(limit, separator).collect()
    };
    budget.charge(parts.len() as u64)?;
    Ok(Value::list(parts.into_iter().map(Value::string).collect()))
}

fn join(items: &[Value], separator: &[Value], budget: &mut Budget) -> Answer {
    let separator = match separator {
        [] => "",
        [Value::String(separator)] => separator,
        _ => return None,
    };
    let mut size = 0_u64;
    for item in items {
        let Value::String(text) = item else { return Some(Err(EvalError::NoSuchOverload)) };
        size += text.len() as u64 + separator.len() as u64;
    }
    if let Err(error) = budget.charge(size / 10 + items.len() as u64) {
        return Some(Err(error));
    }
    let mut joined = String::with_capacity(usize::try_from(size).unwrap_or_default());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        if let Value::String(text) = item {
            joined.push_str(text);
        }
    }
    Some(Ok(Value::string(joined)))
}

/// Fills `%s` and its relatives.
fn format(text: &str, args: &[Value], budget: &mut Budget) -> Result<String, EvalError> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let mut precision = None;
        if chars.next_if_eq(&'.').is_some() {
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let read = digits.parse::<usize>().ok().filter(|precision| *precision <= MAX_PRECISION);
            precision = Some(read.ok_or_else(|| EvalError::failed("could not parse precision"))?);
        }
        let Some(verb) = chars.next() else {
            return Err(EvalError::failed("unexpected end of format string"));
        };
        let Some(arg) = args.next() else {
            return Err(EvalError::failed("index out of range for format arguments"));
        };
        budget.charge_deep(arg)?;
        let start = out.len();
        clause(&mut out, verb, arg, precision.unwrap_or(6))?;
        budget.charge((out.len() - start) as u64 / 10)?;
    }
    Ok(out)
}

fn clause(out: &mut String, verb: char, arg: &Value, precision: usize) -> Result<(), EvalError> {
    let written = match (verb, arg) {
        ('s', value) => out.write_str(&print::plain(value)),
        ('d', Value::Int(value)) => write!(out, "{value}"),
        ('d', Value::Uint(value)) => write!(out, "{value}"),
        ('d', Value::Double(value)) if value.fract() == 0.0 => write!(out, "{value:.0}"),
        ('f', Value::Double(value)) => write!(out, "{value:.precision$}"),
        ('f', Value::Int(value)) => write!(out, "{:.precision$}", *value as f64),
        ('e', Value::Double(value)) => {
            let text = format!("{value:.precision$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(out, "{mantissa}e{sign}{:02}", exponent.abs())
        }
        ('b', Value::Int(value)) => signed(out, *value, |n| format!("{n:b}")),
        ('b', Value::Uint(value)) => write!(out, "{value:b}"),
        ('b', Value::Bool(value)) => write!(out, "{}", u8::from(*value)),
        ('o', Value::Int(value)) => signed(out, *value, |n| format!("{n:o}")),
        ('o', Value::Uint(value)) => write!(out, "{value:o}"),
        ('x', Value::Int(value)) => signed(out, *value, |n| format!("{n:x}")),
        ('X', Value::Int(value)) => signed(out, *value, |n| format!("{n:X}")),
        ('x', Value::Uint(value)) => write!(out, "{value:x}"),
        ('X', Value::Uint(value)) => write!(out, "{value:X}"),
        ('x', Value::String(text)) => text.bytes().try_for_each(|byte| write!(out, "{byte:02x}")),
        ('X', Value::String(text)) => text.bytes().try_for_each(|byte| write!(out, "{byte:02X}")),
        ('x', Value::Bytes(data)) => data.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
        ('X', Value::Bytes(data)) => data.iter().try_for_each(|byte| write!(out, "{byte:02X}")),
        ('d' | 'f' | 'e' | 'b' | 'o' | 'x' | 'X', value) => {
            let found = value.type_of();
            return Err(EvalError::failed(format!(
                "error during formatting: clause %{verb} does not accept {found}"
            )));
        }
        _ => return Err(EvalError::failed(format!("unrecognized formatting clause \"{verb}\""))),
    };
    written.map_err(|_| EvalError::failed("could not format"))
}

fn signed(out: &mut String, value: i64, digits: fn(u64) -> String) -> std::fmt::Result {
    write!(out, "{}{}", if value < 0 { "-" } else { "" }, digits(value.unsigned_abs()))
}

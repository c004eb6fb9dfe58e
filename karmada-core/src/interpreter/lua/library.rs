//! The functions of the host that the prelude builds the library of scripts from.
//!
//! An error that a script may catch is returned as [`fail`] and raised by the prelude, with the script's line. An
//! error of Rust is a limit and ends the call.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use mlua::{Error, IntoLuaMulti, LightUserData, Lua, LuaString, MultiValue, Result, Table, Value};

use super::engine::Print;
use super::format::Argument;
use super::limits::{Budget, LimitError};
use super::objects::place_key;
use super::pattern::{Capture, Match, PatternError, first_match, first_text};
use super::{format, number, pattern};
use crate::object::Quantity;

/// Characters that make a text a pattern.
const SPECIAL: &[u8] = b"^$*+?.([%-";

/// Returns the table that the prelude is called with.
pub(super) fn host(lua: &Lua, budget: &Arc<Budget>, print: Option<Print>) -> Result<Table> {
    let host = lua.create_table()?;
    host.raw_set("fail", fail_key())?;
    host.raw_set("node", place_key())?;
    let with_budget = || Arc::clone(budget);

    let budget = with_budget();
    host.raw_set("charge", lua.create_function(move |_, steps: f64| charge(&budget, steps as u64))?)?;
    host.raw_set("number_text", lua.create_function(|_, value: f64| Ok(number::text(value)))?)?;
    host.raw_set("to_number", lua.create_function(to_number)?)?;
    host.raw_set("upper", lua.create_function(|lua, text: LuaString| change_case(lua, &text, upper))?)?;
    host.raw_set("lower", lua.create_function(|lua, text: LuaString| change_case(lua, &text, lower))?)?;
    let budget = with_budget();
    host.raw_set(
        "format",
        lua.create_function(move |lua, (layout, arguments): (LuaString, MultiValue)| {
            let arguments: Vec<Argument> = arguments.iter().map(argument).collect();
            let Some(text) = format::format(&layout.as_bytes(), &arguments) else {
                return fail(lua, "the formatted text is too long");
            };
            charge(&budget, text.len() as u64 / 16)?;
            lua.create_string(text)?.into_lua_multi(lua)
        })?,
    )?;
    let budget = with_budget();
    host.raw_set("find", lua.create_function(move |lua, arguments| find(lua, &budget, arguments))?)?;
    let budget = with_budget();
    host.raw_set(
        "match",
        lua.create_function(move |lua, arguments| find_captures(lua, &budget, arguments))?,
    )?;
    let budget = with_budget();
    host.raw_set(
        "gmatch_next",
        lua.create_function(move |lua, arguments| next_match(lua, &budget, arguments))?,
    )?;
    let budget = with_budget();
    host.raw_set("time", lua.create_function(move |lua, fields: MultiValue| time(lua, &budget, &fields))?)?;
    let budget = with_budget();
    host.raw_set(
        "date",
        lua.create_function(move |lua, (layout, at): (LuaString, Option<f64>)| {
            date(lua, &budget, &layout, at)
        })?,
    )?;
    if let Some(print) = print {
        let budget = with_budget();
        host.raw_set(
            "print",
            lua.create_function(move |_, line: LuaString| {
                charge(&budget, 100 + line.as_bytes().len() as u64)?;
                print(&line.to_string_lossy());
                Ok(())
            })?,
        )?;
    }
    host.raw_set("resource_add", lua.create_function(resource_add)?)?;
    host.raw_set("resource_quantity", lua.create_function(resource_quantity)?)?;
    Ok(host)
}

/// Returns what makes the prelude raise an error that a script may catch.
pub(super) fn fail(lua: &Lua, message: impl AsRef<str>) -> Result<MultiValue> {
    (fail_key(), message.as_ref()).into_lua_multi(lua)
}

fn fail_key() -> LightUserData {
    LightUserData(std::ptr::without_provenance_mut(2))
}

fn charge(budget: &Budget, steps: u64) -> Result<()> {
    budget.charge(steps).map_err(Error::external)
}

fn to_number(lua: &Lua, (text, base): (LuaString, Option<f64>)) -> Result<MultiValue> {
    let base = match base {
        None => None,
        Some(base) if (2.0..=36.0).contains(&base) => Some(base as u32),
        Some(_) => return Value::Nil.into_lua_multi(lua),
    };
    let text = text.as_bytes();
    std::str::from_utf8(&text).ok().and_then(|text| number::parse(text, base)).into_lua_multi(lua)
}

fn change_case(lua: &Lua, text: &LuaString, change: fn(char) -> char) -> Result<LuaString> {
    let text = text.as_bytes();
    if text.is_ascii() {
        return lua
            .create_string(text.iter().map(|byte| change(char::from(*byte)) as u8).collect::<Vec<u8>>());
    }
    match std::str::from_utf8(&text) {
        Ok(text) => lua.create_string(text.chars().map(change).collect::<String>()),
        Err(_) => lua.create_string(
            text.iter()
                .map(|byte| match change(char::from(*byte)) {
                    changed if byte.is_ascii() => changed as u8,
                    _ => *byte,
                })
                .collect::<Vec<u8>>(),
        ),
    }
}

/// Returns the one character that is the upper-case form, or the character itself.
fn upper(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_uppercase();
    }
    let mut forms = character.to_uppercase();
    match (forms.next(), forms.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

fn lower(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut forms = character.to_lowercase();
    match (forms.next(), forms.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

fn argument(value: &Value) -> Argument {
    match value {
        Value::Nil => Argument::Nil,
        Value::Boolean(boolean) => Argument::Boolean(*boolean),
        Value::Integer(integer) => Argument::Number(*integer as f64),
        Value::Number(number) => Argument::Number(*number),
        Value::String(text) => Argument::Text(text.as_bytes().to_vec()),
        other => Argument::Text(other.type_name().as_bytes().to_vec()),
    }
}

/// Returns the offset that a position of Lua means: counted from one, or from the end when negative.
fn offset(position: f64, length: usize) -> Option<usize> {
    let position = position as i64;
    let length = length as i64;
    let offset =
        if position > 0 { position - 1 } else { (length + position).max(0) * i64::from(position < 0) };
    usize::try_from(offset).ok().filter(|offset| *offset as i64 <= length)
}

/// Runs a search that takes steps, and charges them.
fn search<T>(
    lua: &Lua,
    budget: &Budget,
    run: impl FnOnce(&mut u64) -> std::result::Result<T, PatternError>,
) -> Result<std::result::Result<T, MultiValue>> {
    let before = budget.steps_left();
    let mut left = before;
    let found = run(&mut left);
    charge(budget, before - left)?;
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(PatternError::Steps) => Err(Error::external(LimitError::Steps(budget.limits().steps))),
        Err(error @ PatternError::Malformed(_)) => fail(lua, error.to_string()).map(Err),
    }
}

fn find(
    lua: &Lua,
    budget: &Budget,
    (subject, pattern, start, exact): (LuaString, LuaString, f64, bool),
) -> Result<MultiValue> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let Some(start) = offset(start, subject.len()) else { return Value::Nil.into_lua_multi(lua) };
    if exact || !pattern.iter().any(|byte| SPECIAL.contains(byte)) {
        return match search(lua, budget, |steps| first_text(&subject, &pattern, start, steps))? {
            Ok(Some(at)) => (at + 1, at + pattern.len()).into_lua_multi(lua),
            Ok(None) => Value::Nil.into_lua_multi(lua),
            Err(failure) => Ok(failure),
        };
    }
    match search(lua, budget, |steps| first_match(&subject, &pattern, start, steps))? {
        Ok(Some(found)) => {
            let mut values = (found.start + 1, found.end).into_lua_multi(lua)?;
            for capture in &found.captures {
                values.push_back(capture_value(lua, &subject, *capture)?);
            }
            Ok(values)
        }
        Ok(None) => Value::Nil.into_lua_multi(lua),
        Err(failure) => Ok(failure),
    }
}

/// Returns the captures of the first match; no match is no value, not even nil.
fn find_captures(
    lua: &Lua,
    budget: &Budget,
    (subject, pattern, start): (LuaString, LuaString, f64),
) -> Result<MultiValue> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let Some(start) = offset(start, subject.len()) else { return Ok(MultiValue::new()) };
    match search(lua, budget, |steps| first_match(&subject, &pattern, start, steps))? {
        Ok(Some(found)) => captures(lua, &subject, &found),
        Ok(None) => Ok(MultiValue::new()),
        Err(failure) => Ok(failure),
    }
}

/// Returns where the search goes on, and the captures of the next match.
fn next_match(
    lua: &Lua,
    budget: &Budget,
    (subject, pattern, start): (LuaString, LuaString, usize),
) -> Result<MultiValue> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    if start > subject.len() {
        return Value::Nil.into_lua_multi(lua);
    }
    match search(lua, budget, |steps| first_match(&subject, &pattern, start, steps))? {
        Ok(Some(found)) => {
            // An empty match would be found again.
            let next = if found.end == found.start { found.end + 1 } else { found.end };
            let mut values = captures(lua, &subject, &found)?;
            values.push_front(Value::Number(next as f64));
            Ok(values)
        }
        Ok(None) => Value::Nil.into_lua_multi(lua),
        Err(failure) => Ok(failure),
    }
}

fn captures(lua: &Lua, subject: &[u8], found: &Match) -> Result<MultiValue> {
    if found.captures.is_empty() {
        return lua.create_string(&subject[found.start..found.end])?.into_lua_multi(lua);
    }
    found.captures.iter().map(|capture| capture_value(lua, subject, *capture)).collect()
}

fn capture_value(lua: &Lua, subject: &[u8], capture: pattern::Capture) -> Result<Value> {
    match capture {
        Capture::Part(start, end) => Ok(Value::String(lua.create_string(&subject[start..end])?)),
        Capture::Position(at) => Ok(Value::Number(at as f64)),
    }
}

/// Returns the time in seconds: now, or of year, month, day, hour, minute and second.
fn time(lua: &Lua, budget: &Budget, fields: &MultiValue) -> Result<MultiValue> {
    if fields.is_empty() {
        return (budget.now().as_second() as f64).into_lua_multi(lua);
    }
    let numbers: Option<Vec<i64>> = fields
        .iter()
        .map(|field| match field {
            Value::Integer(integer) => Some(*integer),
            Value::Number(number) => Some(*number as i64),
            _ => None,
        })
        .collect();
    let seconds = numbers.and_then(|numbers| match numbers[..] {
        [year, month, day, hour, minute, second] => {
            let day_of =
                DateTime::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1, 0, 0, 0, 0).ok()?;
            let start = day_of.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
            let rest = [(day.checked_sub(1)?, 86_400), (hour, 3600), (minute, 60), (second, 1)];
            rest.iter().try_fold(start, |sum, (count, unit)| sum.checked_add(count.checked_mul(*unit)?))
        }
        _ => None,
    });
    match seconds {
        Some(seconds) => (seconds as f64).into_lua_multi(lua),
        None => fail(lua, "the fields year, month and day must be numbers of a date"),
    }
}

fn date(lua: &Lua, budget: &Budget, layout: &LuaString, at: Option<f64>) -> Result<MultiValue> {
    let at = match at {
        None => Ok(budget.now()),
        Some(seconds) => Timestamp::from_second(seconds as i64),
    };
    let Ok(at) = at else { return fail(lua, "the time is out of range") };
    let at = at.to_zoned(TimeZone::UTC);
    let layout = layout.to_string_lossy();
    let layout = layout.strip_prefix('!').unwrap_or(&layout);
    if layout.starts_with("*t") {
        let table = lua.create_table()?;
        let fields = [
            ("year", i64::from(at.year())),
            ("month", i64::from(at.month())),
            ("day", i64::from(at.day())),
            ("hour", i64::from(at.hour())),
            ("min", i64::from(at.minute())),
            ("sec", i64::from(at.second())),
            ("wday", i64::from(at.weekday().to_sunday_one_offset())),
            ("yday", i64::from(at.day_of_year())),
        ];
        for (name, value) in fields {
            table.raw_set(name, value)?;
        }
        table.raw_set("isdst", false)?;
        return table.into_lua_multi(lua);
    }
    match jiff::fmt::strtime::format(layout, &at) {
        Ok(text) => text.into_lua_multi(lua),
        Err(error) => fail(lua, format!("bad layout of a date: {error}")),
    }
}

/// Returns the sum of quantities; nil is zero.
fn resource_add(lua: &Lua, quantities: MultiValue) -> Result<MultiValue> {
    let mut sum = Quantity::ZERO;
    for (index, value) in quantities.iter().enumerate() {
        match quantity(value, index + 1, "resourceAdd") {
            Ok(quantity) => sum += quantity,
            Err(message) => return fail(lua, message),
        }
    }
    sum.to_string().into_lua_multi(lua)
}

/// Returns a quantity as a number; not exact.
fn resource_quantity(lua: &Lua, value: Value) -> Result<MultiValue> {
    match quantity(&value, 1, "getResourceQuantity") {
        Ok(quantity) => quantity.as_f64().into_lua_multi(lua),
        Err(message) => fail(lua, message),
    }
}

fn quantity(value: &Value, place: usize, function: &str) -> std::result::Result<Quantity, String> {
    match value {
        Value::Nil => Ok(Quantity::ZERO),
        Value::String(text) => {
            let text = text.to_string_lossy();
            text.parse().map_err(|error| format!("cannot parse '{text}': {error}"))
        }
        other => {
            let found = match other {
                Value::Integer(_) => "number",
                other => other.type_name(),
            };
            Err(format!("bad argument #{place} to {function} (string expected, got {found})"))
        }
    }
}

//! Results of scripts as JSON.

use std::collections::HashSet;
use std::ffi::c_void;

use mlua::{Table, Value};
use serde_json::{Map, Value as Json};

use super::ScriptError;
use super::number;
use super::objects::Objects;

/// Deepest nesting of a result; no object that was read from JSON is deeper.
const DEEPEST: usize = 128;
/// What a value costs beside its text, in bytes.
const VALUE_COST: usize = 16;

/// Writes results of one call as JSON.
pub(super) struct Encoder<'a, 'o> {
    objects: &'o Objects<'a>,
    seen: HashSet<*const c_void>,
    left: usize,
}

impl<'a, 'o> Encoder<'a, 'o> {
    /// Makes an encoder for results of so many bytes.
    pub(super) fn new(objects: &'o Objects<'a>, most: usize) -> Self {
        Self { objects, seen: HashSet::new(), left: most }
    }

    /// Returns a value as JSON; every empty table is an empty list.
    ///
    /// # Errors
    ///
    /// When a table is in it twice (and so in itself), has keys that are neither all texts nor 1, 2, 3 and so on, is
    /// nested too deeply, or when there is a function, or a number that JSON does not have.
    pub(super) fn encode(&mut self, value: &Value) -> Result<Json, ScriptError> {
        self.value(value, 0)
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<Json, ScriptError> {
        self.spend(VALUE_COST)?;
        match value {
            Value::Nil => Ok(Json::Null),
            Value::Boolean(boolean) => Ok(Json::Bool(*boolean)),
            Value::Integer(integer) => finite(*integer as f64),
            Value::Number(number) => finite(*number),
            Value::String(text) => {
                let text = text.as_bytes();
                self.spend(text.len())?;
                Ok(Json::String(readable(&text)))
            }
            Value::Table(table) => self.table(table, depth),
            other => Err(ScriptError::encode(format!("a {} cannot be in it", other.type_name()))),
        }
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<Json, ScriptError> {
        if depth >= DEEPEST {
            return Err(ScriptError::encode(format!("tables are nested more than {DEEPEST} deep")));
        }
        if !self.seen.insert(table.to_pointer()) {
            return Err(ScriptError::encode("the same table is in it twice, or in itself"));
        }
        if let Some(node) = self.objects.unfilled(table).map_err(|error| ScriptError::sandbox(&error))? {
            // Like any empty table, one that stands for an empty map is an empty list.
            let empty = node.as_object().is_some_and(Map::is_empty);
            return Ok(if empty { Json::Array(Vec::new()) } else { as_read(node) });
        }
        let mut fields = Map::new();
        let mut elements = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair.map_err(|error| ScriptError::sandbox(&error))?;
            match key {
                Value::String(key) if elements.is_empty() => {
                    let key = key.as_bytes();
                    self.spend(key.len())?;
                    let value = self.value(&value, depth + 1)?;
                    fields.insert(readable(&key), value);
                }
                Value::Integer(index) if fields.is_empty() => {
                    elements.push((index, self.value(&value, depth + 1)?));
                }
                Value::Number(_) if fields.is_empty() => {
                    return Err(ScriptError::encode("a list has a position that is no whole number"));
                }
                _ => return Err(ScriptError::encode("a table has keys of several types, or of a wrong one")),
            }
        }
        if !fields.is_empty() {
            return Ok(Json::Object(fields));
        }
        elements.sort_by_key(|(index, _)| *index);
        let complete = elements.iter().zip(1..).all(|((index, _), expected)| *index == expected);
        if !complete {
            return Err(ScriptError::encode("a list has holes"));
        }
        Ok(Json::Array(elements.into_iter().map(|(_, value)| value).collect()))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ScriptError> {
        self.left =
            self.left.checked_sub(bytes).ok_or_else(|| ScriptError::encode("the result is too large"))?;
        Ok(())
    }
}

/// Returns a number as JSON, which knows neither infinity nor what is no number.
fn finite(number: f64) -> Result<Json, ScriptError> {
    number::to_json(number)
        .ok_or_else(|| ScriptError::encode(format!("JSON has no number {}", number::text(number))))
}

/// Returns a part of an object as if it had gone through a script.
fn as_read(value: &Json) -> Json {
    match value {
        Json::Number(number) => {
            number.as_f64().and_then(number::to_json).unwrap_or_else(|| Json::Number(number.clone()))
        }
        Json::Array(list) => list.iter().filter(|value| !value.is_null()).map(as_read).collect(),
        Json::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), as_read(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Returns a text with a replacement character for every byte that is no UTF-8.
fn readable(text: &[u8]) -> String {
    let mut readable = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        readable.push_str(chunk.valid());
        readable.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    readable
}

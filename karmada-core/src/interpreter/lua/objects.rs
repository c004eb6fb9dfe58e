//! Objects as scripts see them.
//!
//! Most scripts read a few fields of an object. A map or list arrives as its place: a pointer without a target, that the
//! prelude turns into an empty table which knows its place. When that is first used, [`Objects::fill`] fills it, and
//! from then on it is a table like any other.

use std::cell::RefCell;

use mlua::{LightUserData, Lua, Table, Value};
use serde_json::Value as Json;

/// The objects of one call, and which of their maps and lists have a place.
#[derive(Default)]
pub(super) struct Objects<'a> {
    nodes: RefCell<Vec<&'a Json>>,
}

impl<'a> Objects<'a> {
    /// Returns a value for the prelude.
    pub(super) fn value(&self, lua: &Lua, value: &'a Json) -> mlua::Result<Value> {
        Ok(match value {
            Json::Null => Value::Nil,
            Json::Bool(boolean) => Value::Boolean(*boolean),
            Json::Number(number) => Value::Number(rounded(number)),
            Json::String(text) => Value::String(lua.create_string(text)?),
            Json::Array(_) | Json::Object(_) => Value::LightUserData(self.place(value)),
        })
    }

    /// Fills a table with the fields or elements of its place, and returns whether there are places among them.
    pub(super) fn fill(&self, place: LightUserData, table: &Table) -> mlua::Result<bool> {
        let mut places = false;
        match self.node(place) {
            Some(Json::Object(map)) => {
                for (key, value) in map {
                    places |= self.set(table, key.as_str(), value)?;
                }
            }
            Some(Json::Array(list)) => {
                // A list has no holes: null is left out.
                for (index, value) in list.iter().filter(|value| !value.is_null()).enumerate() {
                    places |= self.set(table, index + 1, value)?;
                }
            }
            _ => {}
        }
        Ok(places)
    }

    fn set(&self, table: &Table, key: impl mlua::IntoLua, value: &'a Json) -> mlua::Result<bool> {
        match value {
            Json::Null => return Ok(false),
            Json::Bool(boolean) => table.raw_set(key, *boolean)?,
            Json::Number(number) => table.raw_set(key, rounded(number))?,
            Json::String(text) => table.raw_set(key, text.as_str())?,
            Json::Array(_) | Json::Object(_) => {
                table.raw_set(key, self.place(value))?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns what a table stands for that was never filled.
    pub(super) fn unfilled(&self, table: &Table) -> mlua::Result<Option<&'a Json>> {
        match table.raw_get(place_key())? {
            Value::LightUserData(place) => Ok(self.node(place)),
            _ => Ok(None),
        }
    }

    fn place(&self, value: &'a Json) -> LightUserData {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(value);
        LightUserData(std::ptr::without_provenance_mut(nodes.len() - 1))
    }

    fn node(&self, place: LightUserData) -> Option<&'a Json> {
        self.nodes.borrow().get(place.0.addr()).copied()
    }
}

/// Returns a number as scripts have it: every number is a float, what has more than 53 bits is rounded.
fn rounded(number: &serde_json::Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

/// Returns a value for scripts that is filled at once: for small values that do not outlive the call to this.
pub(super) fn filled(lua: &Lua, value: &Json) -> mlua::Result<Value> {
    Ok(match value {
        Json::Null => Value::Nil,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => Value::Number(rounded(number)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(list) => {
            let table = lua.create_table_with_capacity(list.len(), 0)?;
            for (index, value) in list.iter().filter(|value| !value.is_null()).enumerate() {
                table.raw_set(index + 1, filled(lua, value)?)?;
            }
            Value::Table(table)
        }
        Json::Object(map) => {
            let table = lua.create_table_with_capacity(0, map.len())?;
            for (key, value) in map {
                table.raw_set(key.as_str(), filled(lua, value)?)?;
            }
            Value::Table(table)
        }
    })
}

/// Returns the key under which a table keeps its place; no script can make it.
pub(super) fn place_key() -> LightUserData {
    LightUserData(std::ptr::without_provenance_mut(1))
}

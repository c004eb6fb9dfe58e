//! Objects as scripts see them.
//!
//! Most scripts read a few fields of an object. A map or list arrives as an empty table that knows its place in the
//! object; the prelude fills it by [`Objects::fill`] when it is first used, and from then on it is a table like any
//! other.

use std::cell::RefCell;

use mlua::{LightUserData, Lua, Table, Value};
use serde_json::Value as Json;

/// The objects of one call, and which of their maps and lists scripts have tables of.
pub(super) struct Objects<'a> {
    lazy: Table,
    nodes: RefCell<Vec<&'a Json>>,
}

impl<'a> Objects<'a> {
    /// Starts without objects; tables that are not filled get the metatable `lazy`.
    pub(super) fn new(lazy: Table) -> Self {
        Self { lazy, nodes: RefCell::default() }
    }

    /// Returns a value for scripts.
    pub(super) fn value(&self, lua: &Lua, value: &'a Json) -> mlua::Result<Value> {
        Ok(match value {
            Json::Null => Value::Nil,
            Json::Bool(boolean) => Value::Boolean(*boolean),
            // Every number is a float; what has more than 53 bits is rounded.
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
            Json::String(text) => Value::String(lua.create_string(text)?),
            Json::Array(list) if list.is_empty() => Value::Table(lua.create_table()?),
            Json::Object(map) if map.is_empty() => Value::Table(lua.create_table()?),
            Json::Array(_) | Json::Object(_) => {
                let table = lua.create_table_with_capacity(0, 1)?;
                let mut nodes = self.nodes.borrow_mut();
                table.raw_set(place_key(), nodes.len())?;
                nodes.push(value);
                table.set_metatable(Some(self.lazy.clone()))?;
                Value::Table(table)
            }
        })
    }

    /// Fills a table with the fields or elements of its place.
    pub(super) fn fill(&self, lua: &Lua, place: usize, table: &Table) -> mlua::Result<()> {
        let node = self.nodes.borrow().get(place).copied();
        match node {
            Some(Json::Object(map)) => {
                for (key, value) in map {
                    if !value.is_null() {
                        table.raw_set(key.as_str(), self.value(lua, value)?)?;
                    }
                }
            }
            Some(Json::Array(list)) => {
                // A list has no holes: null is left out.
                for (index, value) in list.iter().filter(|value| !value.is_null()).enumerate() {
                    table.raw_set(index + 1, self.value(lua, value)?)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns what a table stands for that was never filled.
    pub(super) fn place_of(&self, table: &Table) -> mlua::Result<Option<&'a Json>> {
        let place: Option<usize> = table.raw_get(place_key())?;
        Ok(place.and_then(|place| self.nodes.borrow().get(place).copied()))
    }
}

/// Returns a value for scripts that is filled at once: for small values that do not outlive the call to this.
pub(super) fn filled(lua: &Lua, value: &Json) -> mlua::Result<Value> {
    Ok(match value {
        Json::Null => Value::Nil,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
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

//! Strategic merge patch: a merge patch that knows which lists merge, and by which key.
//!
//! Directives: `$patch` (`replace`, `delete`), `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>` and
//! `$retainKeys`. Lists are in [`super::strategic_list`].

use serde_json::{Map, Value};

use crate::registry::schema::Schema;

use super::PatchError;
use super::go_text::{go_json_type, go_value};
use super::strategic_list::{delete_from_list, merge_lists, reorder};

pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// Returns `object` changed by a strategic merge patch, with merge keys and strategies from `schema`.
///
/// # Errors
///
/// [`PatchError::Malformed`] when the patch is not an object, [`PatchError::Meaningless`] when a directive is unknown or
/// an item has no merge key.
pub fn strategic_merge_patch(object: &Value, patch: &Value, schema: &Schema) -> Result<Value, PatchError> {
    let empty = Map::new();
    let fields = object.as_object().unwrap_or(&empty);
    match patch {
        Value::Null => Ok(object.clone()),
        Value::Object(patch) => Ok(Value::Object(merge_maps(fields, patch, Some(schema))?)),
        other => Err(PatchError::Malformed(format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_json_type(other)
        ))),
    }
}

pub(super) fn meaningless<T>(text: String) -> Result<T, PatchError> {
    Err(PatchError::Meaningless(text))
}

/// Merges a patch into an object.
pub(super) fn merge_maps(
    original: &Map<String, Value>,
    patch: &Map<String, Value>,
    schema: Option<&Schema>,
) -> Result<Map<String, Value>, PatchError> {
    match patch.get(DIRECTIVE) {
        None => {}
        Some(Value::String(directive)) if directive == "replace" => {
            let mut replaced = patch.clone();
            replaced.remove(DIRECTIVE);
            return Ok(replaced);
        }
        Some(Value::String(directive)) if directive == "delete" => return Ok(Map::new()),
        Some(directive) => {
            let directive = go_value(directive);
            return meaningless(format!("unknown patch type: {directive} in map: {}", go_map(patch)));
        }
    }
    let mut merged = retain_keys(original, patch)?;
    let mut ordered: Vec<&str> = Vec::new();
    for (key, order) in patch {
        let Some(name) = key.strip_prefix(SET_ORDER) else { continue };
        ordered.push(name);
        let current = merged.get(name);
        let sent = patch.get(name);
        if current.is_none_or(Value::is_null) && sent.is_none_or(Value::is_null) {
            continue;
        }
        let (strategy_schema, current, sent) =
            (member(schema, name), as_list(current, name)?, as_list(sent, name)?);
        let order = as_list(Some(order), key)?;
        let list = reorder(current, sent, order, strategy_schema)?;
        merged.insert(name.to_owned(), Value::Array(list));
    }
    for (key, value) in patch {
        if key == RETAIN_KEYS || key.starts_with(SET_ORDER) || ordered.contains(&key.as_str()) {
            continue;
        }
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            if let Some(Value::Array(list)) = merged.get_mut(name) {
                delete_from_list(list, as_list(Some(value), key)?);
            }
            continue;
        }
        merge_member(&mut merged, key, value, member(schema, key))?;
    }
    Ok(merged)
}

fn merge_member(
    merged: &mut Map<String, Value>,
    key: &str,
    value: &Value,
    schema: Option<&Schema>,
) -> Result<(), PatchError> {
    if value.is_null() {
        merged.remove(key);
        return Ok(());
    }
    let result = match (merged.get(key), value) {
        (Some(Value::Object(original)), Value::Object(patch)) => {
            Value::Object(merge_maps(original, patch, schema)?)
        }
        (None, Value::Object(patch)) => Value::Object(merge_maps(&Map::new(), patch, schema)?),
        (Some(Value::Array(original)), Value::Array(patch)) if merges(schema) => {
            Value::Array(merge_lists(original, patch, schema)?)
        }
        (None, Value::Array(patch)) if merges(schema) => Value::Array(merge_lists(&[], patch, schema)?),
        _ => value.clone(),
    };
    merged.insert(key.to_owned(), result);
    Ok(())
}

/// Drops the members that a patch with `$retainKeys` does not keep.
fn retain_keys(
    original: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, PatchError> {
    let Some(kept) = patch.get(RETAIN_KEYS) else { return Ok(original.clone()) };
    let Value::Array(kept) = kept else {
        return meaningless(format!("invalid patch format of {RETAIN_KEYS}: {}", go_value(kept)));
    };
    let is_kept = |key: &String| kept.iter().any(|name| name.as_str() == Some(key));
    let stray = |key: &&String| {
        !key.starts_with('$') && !is_kept(key) && !patch.get(key.as_str()).is_some_and(Value::is_null)
    };
    if patch.keys().any(|key| stray(&key)) {
        return meaningless(format!(
            "{RETAIN_KEYS} list doesn't match the items in the patch: {}",
            go_map(patch)
        ));
    }
    Ok(original
        .iter()
        .filter(|(key, _)| is_kept(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect())
}

fn merges(schema: Option<&Schema>) -> bool {
    schema.is_some_and(|schema| schema.patch.merge)
}

/// Returns the schema of a member, if it is known.
fn member<'a>(schema: Option<&'a Schema>, name: &str) -> Option<&'a Schema> {
    let schema = schema?;
    schema.properties.get(name).or(schema.additional.as_ref()).map(AsRef::as_ref)
}

fn as_list<'a>(value: Option<&'a Value>, name: &str) -> Result<&'a [Value], PatchError> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => meaningless(format!("invalid patch format of {name}: {}", go_value(other))),
    }
}

pub(super) fn go_map(fields: &Map<String, Value>) -> String {
    go_value(&Value::Object(fields.clone()))
}

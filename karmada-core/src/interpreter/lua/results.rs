//! What the functions of scripts return, read as what it should be.

use std::collections::BTreeSet;

use mlua::Value;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::ScriptError;
pub(super) use super::encode::Encoder;
use crate::api::work::{Component, ReplicaRequirements, ResourceHealth};
use crate::interpreter::{DependentReference, empties};
use crate::object::Selector;

type Answer<T> = Result<T, ScriptError>;

/// Reads replicas, and what one needs or nil.
pub(super) fn replicas(
    encoder: &mut Encoder<'_, '_>,
    values: &[Value],
) -> Answer<(i64, Option<ReplicaRequirements>)> {
    const FUNCTION: &str = "GetReplicas";
    let replicas = match first(values) {
        Value::Integer(integer) => *integer as f64,
        Value::Number(number) => *number,
        other => return Err(unexpected(FUNCTION, "a number", other)),
    };
    // DEVIATION: upstream cuts what does not fit 32 bits to its lowest bits.
    let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&replicas.trunc());
    if !fits {
        return Err(ScriptError::Result {
            function: FUNCTION,
            expected: "a number of at most 32 bits",
            found: super::number::text(replicas),
        });
    }
    let requirements = match values.get(1).unwrap_or(&Value::Nil) {
        Value::Nil => None,
        table @ Value::Table(_) => Some(decode(map(encode(encoder, table, &[])?)?)?),
        other => return Err(unexpected(FUNCTION, "a table or nil as the requirements", other)),
    };
    Ok((replicas as i64, requirements))
}

/// Reads a list of components; nil is an empty one.
pub(super) fn components(encoder: &mut Encoder<'_, '_>, values: &[Value]) -> Answer<Vec<Component>> {
    match first(values) {
        Value::Nil => Ok(Vec::new()),
        table @ Value::Table(_) => {
            list_of_maps(encode(encoder, table, &[])?)?.into_iter().map(decode).collect()
        }
        other => Err(unexpected("GetComponents", "a table or nil", other)),
    }
}

/// Reads an object whose empty maps and lists are those of the references.
pub(super) fn object(
    encoder: &mut Encoder<'_, '_>,
    values: &[Value],
    function: &'static str,
    references: &[&Json],
) -> Answer<Json> {
    let object = map(encode(encoder, table(function, values)?, references)?)?;
    match object.get("kind").and_then(Json::as_str) {
        None | Some("") => Err(ScriptError::invalid("the object has no kind")),
        Some(_) => Ok(object),
    }
}

/// Reads a status.
pub(super) fn status(encoder: &mut Encoder<'_, '_>, values: &[Value]) -> Answer<Json> {
    let status = encode(encoder, table("ReflectStatus", values)?, &[])?;
    if status.as_array().is_some_and(Vec::is_empty) { map(status) } else { Ok(status) }
}

/// Reads whether an object is healthy.
pub(super) fn health(_: &mut Encoder<'_, '_>, values: &[Value]) -> Answer<ResourceHealth> {
    match first(values) {
        Value::Boolean(true) => Ok(ResourceHealth::Healthy),
        Value::Boolean(false) => Ok(ResourceHealth::Unhealthy),
        other => Err(unexpected("InterpretHealth", "a boolean", other)),
    }
}

/// Reads references to objects, each of which says what it means.
pub(super) fn dependencies(
    encoder: &mut Encoder<'_, '_>,
    values: &[Value],
) -> Answer<Vec<DependentReference>> {
    let references = list_of_maps(encode(encoder, table("GetDependencies", values)?, &[])?)?;
    references
        .into_iter()
        .enumerate()
        .map(|(index, reference)| {
            let reference = decode(reference)?;
            check(&reference)
                .map_err(|reason| ScriptError::invalid(format!("dependencies[{index}]: {reason}")))?;
            Ok(reference)
        })
        .collect()
}

/// Returns references in their order, those by name once.
pub(super) fn merged(mut references: Vec<DependentReference>) -> Vec<DependentReference> {
    let key = |reference: &DependentReference| {
        let DependentReference { api_version, kind, namespace, name, .. } = reference.clone();
        (api_version, kind, namespace, name)
    };
    let mut seen = BTreeSet::new();
    references.retain(|reference| reference.label_selector.is_some() || seen.insert(key(reference)));
    references.sort_by_cached_key(key);
    references
}

fn check(reference: &DependentReference) -> Result<(), String> {
    if reference.api_version.is_empty() {
        return Err("the apiVersion is missing".to_owned());
    }
    if reference.kind.is_empty() {
        return Err("the kind is missing".to_owned());
    }
    match &reference.label_selector {
        Some(selector) => {
            Selector::from_label_selector(selector).map(drop).map_err(|error| error.to_string())
        }
        None if reference.name.is_empty() => Err("there is neither a name nor a labelSelector".to_owned()),
        None => Ok(()),
    }
}

fn first(values: &[Value]) -> &Value {
    values.first().unwrap_or(&Value::Nil)
}

fn table<'v>(function: &'static str, values: &'v [Value]) -> Answer<&'v Value> {
    match first(values) {
        table @ Value::Table(_) => Ok(table),
        other => Err(unexpected(function, "a table", other)),
    }
}

fn unexpected(function: &'static str, expected: &'static str, found: &Value) -> ScriptError {
    let found = match found {
        Value::Integer(_) => "a number".to_owned(),
        Value::Nil => "nil".to_owned(),
        other => format!("a {}", other.type_name()),
    };
    ScriptError::Result { function, expected, found }
}

fn encode(encoder: &mut Encoder<'_, '_>, table: &Value, references: &[&Json]) -> Answer<Json> {
    let mut json = encoder.encode(table)?;
    empties::settle(&mut json, references);
    Ok(json)
}

/// Returns a map; an empty table is one.
fn map(json: Json) -> Answer<Json> {
    match json {
        Json::Object(_) => Ok(json),
        Json::Array(list) if list.is_empty() => Ok(Json::Object(Map::new())),
        _ => Err(ScriptError::invalid("a list is where fields should be")),
    }
}

fn list_of_maps(json: Json) -> Answer<Vec<Json>> {
    match json {
        Json::Array(list) => list.into_iter().map(map).collect(),
        _ => Err(ScriptError::invalid("fields are where a list should be")),
    }
}

fn decode<T: DeserializeOwned>(json: Json) -> Answer<T> {
    T::deserialize(json).map_err(|error| ScriptError::invalid(error.to_string()))
}

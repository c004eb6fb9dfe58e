//! What scripts ask about pod templates.

use mlua::{Table, Value};
use serde_json::{Value as Json, json};

use super::encode::Encoder;
use crate::interpreter::{NativeOptions, ObjectKind, empties, kinds};

/// The request for what one pod needs of a node.
const REQUIREMENTS: i64 = -1;

/// Answers a request about a pod template: what a pod needs of a node, or which objects it needs.
///
/// The kind that has nothing but replicas of a template answers for it. What is not there is null.
pub(super) fn answer(
    encoder: &mut Encoder<'_, '_>,
    request: &Value,
    template: &Table,
    namespace: &Value,
    options: NativeOptions,
) -> Result<Json, String> {
    let mut template = encoder.encode(&Value::Table(template.clone())).map_err(|error| error.to_string())?;
    empties::settle(&mut template, &[]);
    if template.as_array().is_some_and(Vec::is_empty) {
        template = json!({});
    }
    let namespace = match namespace {
        Value::String(namespace) => namespace.to_string_lossy(),
        _ => String::new(),
    };
    let object = json!({"metadata": {"namespace": namespace}, "spec": {"template": template}});
    let rules = kinds::rules(ObjectKind { api_version: "apps/v1", kind: "ReplicaSet" });
    let not_read = |error| format!("cannot read the pod template: {}", chain(&error));
    if request.as_i64() == Some(REQUIREMENTS) {
        let rule = rules.and_then(|rules| rules.replicas).expect("replica sets have replicas");
        let (_, requirements) = rule(&object, options).map_err(not_read)?;
        return Ok(json!(requirements));
    }
    let rule = rules.and_then(|rules| rules.dependencies).expect("replica sets have dependencies");
    let dependencies = rule(&object).map_err(not_read)?;
    Ok(if dependencies.is_empty() { Json::Null } else { json!(dependencies) })
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

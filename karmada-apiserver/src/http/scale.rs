//! The scale subresource: replicas of anything that has some.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::dispatch::Incoming;
use super::failure::{Cause, Failure};
use super::negotiate::{self, Form, Offer};
use super::options::WriteOptions;
use super::patch_body::{Language, Patch};
use super::respond::{value_response, warn};
use super::update::{Changed, check_names};
use super::{body, dispatch};
use crate::registry::prepare::{self, PrepareError};
use crate::registry::{FieldError, Registry, ScalePaths, UpdateTarget};

const DEFINITION: &str = "io.k8s.api.autoscaling.v1.Scale";

/// Answers a request about a scale.
pub(super) async fn answer(call: &mut Call<'_>, incoming: Incoming, verb: &str) -> Result<Response, Failure> {
    let negotiated =
        negotiate::negotiate(&incoming.headers, &incoming.query, Offer::objects(&call.resource))?;
    let paths = call.resource.scale.clone().ok_or_else(Failure::no_such_resource)?;
    let object = match verb {
        "get" => {
            let stored = call.existing()?;
            let object = call.read(&stored).await?;
            check_replicas_exist(call, &object, &paths)?;
            object
        }
        "update" => update(call, &incoming, &paths).await?,
        "patch" => patch(call, &incoming, &paths).await?,
        _ => return Err(Failure::method_not_allowed()),
    };
    let scale = scale_of(&object, &paths);
    let value = match negotiated.form {
        Form::Table(version) => table(&scale, &version, call.now),
        Form::PartialObject(version) => json!({"kind": "PartialObjectMetadata",
            "apiVersion": format!("meta.k8s.io/{version}"), "metadata": scale["metadata"]}),
        _ => scale,
    };
    Ok(warn(value_response(StatusCode::OK, negotiated.encoding, &value), &call.warnings))
}

/// A custom object without replicas has no scale.
fn check_replicas_exist(call: &Call<'_>, object: &Value, paths: &ScalePaths) -> Result<(), Failure> {
    if !call.resource.is_custom() || at(object, &paths.spec_replicas).is_some() {
        return Ok(());
    }
    let message = format!("the spec replicas field {:?} does not exist", paths.spec_replicas);
    let details = json!({"causes": [{"message": message}]});
    Err(Failure { details: Some(details), ..Failure::internal(message) })
}

/// Reads the scale of an object.
pub(super) fn scale_of(object: &Value, paths: &ScalePaths) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.pointer(&format!("/metadata/{key}")) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    let mut spec = Map::new();
    if let Some(replicas) =
        at(object, &paths.spec_replicas).and_then(Value::as_i64).filter(|replicas| *replicas != 0)
    {
        spec.insert("replicas".to_owned(), replicas.into());
    }
    let replicas = at(object, &paths.status_replicas).and_then(Value::as_i64).unwrap_or(0);
    let mut status = json!({"replicas": replicas});
    let selector = paths.label_selector.as_ref().and_then(|path| at(object, path)).map(selector_text);
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        status["selector"] = selector.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, key| value.get(key))
}

/// Prints a label selector as one text.
fn selector_text(selector: &Value) -> String {
    if let Some(text) = selector.as_str() {
        return text.to_owned();
    }
    let structured = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    let labels = if structured { selector.get("matchLabels") } else { Some(selector) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut parts: Vec<(String, String)> = labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={}", text(value))))
        .collect();
    let expressions = if structured { selector.get("matchExpressions") } else { None };
    for expression in expressions.and_then(Value::as_array).into_iter().flatten() {
        let key = text(&expression["key"]);
        let mut values: Vec<String> =
            expression["values"].as_array().into_iter().flatten().map(text).collect();
        values.sort();
        let values = values.join(",");
        let part = match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("Exists") => key.clone(),
            _ => format!("!{key}"),
        };
        parts.push((key, part));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(",")
}

async fn update(call: &mut Call<'_>, incoming: &Incoming, paths: &ScalePaths) -> Result<Value, Failure> {
    call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "UpdateOptions")?;
    let format = body::object_format(&incoming.headers, "Scale", &incoming.body)?;
    let mut scale = body::parse_object(&incoming.body, format, ("autoscaling/v1", "Scale"))?;
    check_type(call, &scale)?;
    if scale.get("metadata").is_none_or(Value::is_null) {
        scale["metadata"] = json!({});
    }
    check_names(call, &mut scale)?;
    let saved = call
        .change(UpdateTarget::Scale, |call, old| with_scale(call, old, &scale, paths).map(Changed::Raw))
        .await?;
    Ok(call.shown(saved).await?.value(&call.resource))
}

async fn patch(call: &mut Call<'_>, incoming: &Incoming, paths: &ScalePaths) -> Result<Value, Failure> {
    let patch = Patch::read(call, &incoming.headers, incoming.body.clone())?;
    call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "PatchOptions")?;
    let saved = if patch.language == Language::Apply {
        let scale = patch.configuration()?;
        check_type(call, &scale)?;
        call.existing()?;
        call.change(UpdateTarget::Scale, |call, old| {
            let mut applied = json!({"apiVersion": call.resource.api_version(), "kind": call.resource.kind,
                "metadata": {"name": call.name}});
            if let Some(replicas) = scale.pointer("/spec/replicas") {
                check_replicas(call, replicas)?;
                set(&mut applied, &paths.spec_replicas, Some(replicas.clone()));
            }
            let mut new = super::patch_body::applied_to(call, Some(old), &applied)
                .map_err(|failure| in_version_of_scales(failure, &call.resource.api_version()))?;
            call.forget_scale_times(&mut new);
            Ok(Changed::Applied(new))
        })
        .await?
    } else {
        let schema = Registry::definition(DEFINITION);
        call.change(UpdateTarget::Scale, |call, old| {
            let scale = patch.on_view(&scale_of(old, paths), &schema)?;
            with_scale(call, old, &scale, paths).map(Changed::Scaled)
        })
        .await?
    };
    Ok(call.shown(saved).await?.value(&call.resource))
}

/// A conflict about a scale is about its version, whatever the object's is.
fn in_version_of_scales(mut failure: Failure, own_version: &str) -> Failure {
    let translate = |text: &str| text.replace(&format!(" using {own_version}"), " using autoscaling/v1");
    let message = translate(&failure.message);
    let causes = failure.details.as_mut().and_then(|details| details["causes"].as_array_mut());
    for cause in causes.into_iter().flatten() {
        if let Some(message) = cause["message"].as_str().map(translate) {
            cause["message"] = message.into();
        }
    }
    Failure { message, ..failure }
}

/// Returns an object with the replicas, and the preconditions, of a scale.
fn with_scale(call: &Call<'_>, old: &Value, scale: &Value, paths: &ScalePaths) -> Result<Value, Failure> {
    let mut new = old.clone();
    let replicas = scale.pointer("/spec/replicas").filter(|value| !value.is_null()).cloned();
    let replicas = replicas.unwrap_or(json!(0));
    if !(call.resource.is_custom() && replicas.as_i64().is_some()) {
        check_replicas(call, &replicas)?;
    }
    let negative = replicas.as_i64().is_some_and(|number| number < 0);
    set(&mut new, &paths.spec_replicas, Some(replicas.clone()));
    if negative && call.resource.is_custom() {
        // The schema of the object has its say too.
        let mut errors = prepare::validate_custom(&call.resource, &new, Some(old));
        let detail = "should be a non-negative integer";
        errors.push(FieldError::invalid(paths.spec_replicas.as_str(), &replicas, detail));
        return Err(call.prepare_failure(PrepareError::Invalid(errors), &call.name));
    }
    for key in ["uid", "resourceVersion"] {
        let value = scale.pointer(&format!("/metadata/{key}")).filter(|value| !value.is_null());
        match (value, new.get_mut("metadata").and_then(Value::as_object_mut)) {
            (Some(value), Some(metadata)) => drop(metadata.insert(key.to_owned(), value.clone())),
            (None, Some(metadata)) => drop(metadata.remove(key)),
            _ => {}
        }
    }
    if new["metadata"].get("uid").is_none() {
        new["metadata"]["uid"] = old["metadata"]["uid"].clone();
    }
    Ok(new)
}

fn check_replicas(call: &Call<'_>, replicas: &Value) -> Result<(), Failure> {
    match replicas.as_i64() {
        Some(number) if number >= 0 => Ok(()),
        Some(number) => {
            let message = format!("Invalid value: {number}: must be greater than or equal to 0");
            let cause = Cause::new("FieldValueInvalid", "spec.replicas", message);
            Err(Failure::invalid("autoscaling", "Scale", &call.name, &[cause]))
        }
        None => {
            let found = match replicas {
                Value::String(_) => "string".to_owned(),
                Value::Bool(_) => "bool".to_owned(),
                Value::Number(number) => format!("number {number}"),
                Value::Array(_) => "array".to_owned(),
                _ => "object".to_owned(),
            };
            Err(Failure::bad_request(format!(
                "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal {found} into Go struct field ScaleSpec.spec.replicas of type int32"
            )))
        }
    }
}

/// Sets a value at a dotted path, making the objects on the way.
pub(super) fn set(object: &mut Value, path: &str, value: Option<Value>) {
    let mut parts: Vec<&str> = path.split('.').filter(|part| !part.is_empty()).collect();
    let Some(last) = parts.pop() else { return };
    let mut place = object;
    for part in parts {
        if !place.get(part).is_some_and(Value::is_object) {
            place[part] = json!({});
        }
        place = &mut place[part];
    }
    if let (Some(map), Some(value)) = (place.as_object_mut(), value) {
        map.insert(last.to_owned(), value);
    }
}

fn check_type(call: &Call<'_>, scale: &Value) -> Result<(), Failure> {
    let text = |key: &str| scale.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    if (kind.is_empty() || kind == "Scale") && (api_version.is_empty() || api_version == "autoscaling/v1") {
        return Ok(());
    }
    if call.resource.is_custom() {
        let (_, version) = api_version.split_once('/').unwrap_or(("", api_version));
        return Err(Failure::bad_request(format!(
            "no kind is registered for the type {version}.{kind} in scheme \
             \"k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go:781\""
        )));
    }
    dispatch::check_foreign_kind(call, "Scale", "autoscaling", (kind, api_version), scale)
}

fn table(scale: &Value, version: &str, now: jiff::Timestamp) -> Value {
    let column = |name: &str, kind: &str, description: &str| json!({"name": name, "type": kind, "format": "", "priority": 0, "description": description});
    let created = scale.pointer("/metadata/creationTimestamp").and_then(Value::as_str).unwrap_or_default();
    let age = created
        .parse::<jiff::Timestamp>()
        .map_or("<unknown>".to_owned(), |created| human_duration(now.duration_since(created).as_secs()));
    json!({"kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": {"resourceVersion": scale.pointer("/metadata/resourceVersion")},
        "columnDefinitions": [
            column("Name", "string", "Name must be unique within a namespace."),
            column("Desired", "integer", "Number of desired pods."),
            column("Available", "integer", "Number of observed pods."),
            column("Age", "string", "Time since the object was created.")],
        "rows": [{"cells": [scale.pointer("/metadata/name"),
                scale.pointer("/spec/replicas").cloned().unwrap_or(json!(0)),
                scale.pointer("/status/replicas"), age],
            "object": {"kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"),
                "metadata": scale["metadata"]}}]})
}

/// Prints seconds as ages are printed: two units where the first is small.
fn human_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let pair = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{small}") }
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_print_as_text() {
        let selector = json!({"matchLabels": {"b": "1"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]}, {"key": "c", "operator": "DoesNotExist"}]});
        assert_eq!(selector_text(&selector), "a in (x,y),b=1,!c");
        assert_eq!(selector_text(&json!({"app": "web"})), "app=web");
        assert_eq!(selector_text(&json!("x=y")), "x=y");
    }

    #[test]
    fn replicas_are_read_and_set_at_the_paths_of_the_resource() {
        let paths = ScalePaths {
            spec_replicas: ".spec.size".to_owned(),
            status_replicas: ".status.size".to_owned(),
            label_selector: None,
        };
        let mut object = json!({"metadata": {"name": "a"}, "status": {"size": 2}});
        set(&mut object, &paths.spec_replicas, Some(json!(3)));
        let scale = scale_of(&object, &paths);
        assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(3), &json!(2)));
    }
}

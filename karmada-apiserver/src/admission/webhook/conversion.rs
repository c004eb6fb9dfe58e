//! Objects of custom resources in another version, by the webhook of their definition.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::Limits;
use super::endpoint::Endpoint;
use super::response::check_type;
use crate::http::{Failure, to_version};
use crate::registry::{Conversion, Resource};
use crate::server::Inner;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER: usize = 64 << 20;
/// Objects that one review holds.
const BATCH: usize = 500;
const GROUP: &str = "apiextensions.k8s.io";
const KIND: &str = "ConversionReview";

/// Returns objects in a version of a resource, in order.
///
/// # Errors
/// When the conversion webhook fails, with the words of the real server.
pub(crate) async fn convert(
    server: &Inner,
    resource: &Arc<Resource>,
    wanted: &str,
    objects: Vec<Value>,
) -> Result<Vec<Value>, Failure> {
    let Some(conversion) = resource.conversion.as_ref() else {
        return Ok(objects.into_iter().map(|object| to_version(object, resource)).collect());
    };
    let mut converted: Vec<Option<Value>> = Vec::with_capacity(objects.len());
    let mut foreign: Vec<(usize, Value)> = Vec::new();
    for (index, object) in objects.into_iter().enumerate() {
        if object["apiVersion"] == wanted {
            converted.push(Some(object));
        } else {
            converted.push(None);
            foreign.push((index, object));
        }
    }
    while !foreign.is_empty() {
        let rest = foreign.split_off(foreign.len().min(BATCH));
        let batch = std::mem::replace(&mut foreign, rest);
        let (places, batch): (Vec<usize>, Vec<Value>) = batch.into_iter().unzip();
        let answers = call(server, conversion, (wanted, &resource.kind), batch).await?;
        for (place, answer) in places.into_iter().zip(answers) {
            converted[place] = Some(answer);
        }
    }
    Ok(converted.into_iter().flatten().collect())
}

/// Asks the webhook about some objects of other versions.
async fn call(
    server: &Inner,
    conversion: &Conversion,
    (wanted, kind): (&str, &str),
    objects: Vec<Value>,
) -> Result<Vec<Value>, Failure> {
    let first = objects.first().and_then(|object| object["apiVersion"].as_str()).unwrap_or_default();
    let failed = |why: &str| Failure::unknown(format!("conversion webhook for {first}, Kind={kind} {why}"));
    let version =
        if conversion.review_versions.iter().any(|version| version == "v1") { "v1" } else { "v1beta1" };
    let api_version = format!("{GROUP}/{version}");
    let uid = uuid::Uuid::new_v4().to_string();
    let review = json!({"kind": KIND, "apiVersion": api_version,
        "request": {"uid": uid, "desiredAPIVersion": wanted, "objects": objects},
        "response": {"uid": "", "convertedObjects": null, "result": {"metadata": {}}}});
    let endpoint = Endpoint::parse(&conversion.client_config);
    let limits = Limits { timeout: TIMEOUT, answer: ANSWER };
    let body = server
        .webhooks
        .client
        .post(&endpoint, &server.store, &review, limits)
        .await
        .map_err(|why| failed(&format!("failed: {why}")))?;
    let answers = read(&body, &api_version, &uid).map_err(|why| failed(&format!("failed: {why}")))?;
    if answers.len() != objects.len() {
        let counts = format!("returned {} objects, expected {}", answers.len(), objects.len());
        return Err(failed(&counts));
    }
    let mut converted = Vec::with_capacity(answers.len());
    for (index, (answer, original)) in answers.into_iter().zip(&objects).enumerate() {
        if !answer.is_object() {
            return Err(Failure::unknown(format!(
                "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                json_type(&answer)
            )));
        }
        check_kind(&answer, wanted, kind)
            .map_err(|why| failed(&format!("returned invalid object at index {index}: {why}")))?;
        converted.push(restore(answer, original).map_err(|why| failed(&why))?);
    }
    Ok(converted)
}

/// Returns the objects of an answer.
fn read(body: &Value, api_version: &str, uid: &str) -> Result<Vec<Value>, String> {
    if body.is_null() {
        return Err(format!("expected webhook response of {api_version}, Kind={KIND}, got /, Kind="));
    }
    check_type(body, api_version, KIND)?;
    let response =
        body.get("response").filter(|response| response.is_object()).ok_or("no response provided")?;
    let text = |pointer: &str| response.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/uid") != uid && !api_version.ends_with("beta1") {
        return Err(format!("expected response.uid={uid:?}, got {:?}", text("/uid")));
    }
    if text("/result/status") != "Success" {
        return Err(match text("/result/message") {
            "" => format!("response.result.status was '{}', not 'Success'", text("/result/status")),
            message => message.to_owned(),
        });
    }
    Ok(response["convertedObjects"].as_array().cloned().unwrap_or_default())
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_kind(object: &Value, api_version: &str, kind: &str) -> Result<(), String> {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    if text("apiVersion") != api_version {
        return Err(format!(
            "invalid groupVersion (expected {api_version}, received {})",
            text("apiVersion")
        ));
    }
    if text("kind") != kind {
        return Err(format!("invalid kind (expected {kind}, received {})", text("kind")));
    }
    Ok(())
}

/// Returns a converted object with the metadata of the original: only labels and annotations may differ.
fn restore(mut converted: Value, original: &Value) -> Result<Value, String> {
    let before = original["metadata"].as_object().cloned().unwrap_or_default();
    let after = match &converted["metadata"] {
        Value::Object(after) => after.clone(),
        Value::Null => Map::new(),
        other => {
            return Err(format!(
                "returned invalid metadata of type {} in converted object",
                json_type(other)
            ));
        }
    };
    let text = |map: &Map<String, Value>, key: &str| {
        map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    for (key, shown) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
        let (old, new) = (text(&before, key), text(&after, key));
        if old != new {
            return Err(format!("returned invalid object: must have the same {shown}: {old} != {new}"));
        }
    }
    let mut metadata = before;
    for key in ["labels", "annotations"] {
        match after.get(key) {
            None | Some(Value::Null) => drop(metadata.remove(key)),
            Some(Value::Object(texts)) => {
                if let Some((name, value)) = texts.iter().find(|(_, value)| !value.is_string()) {
                    let found = match value {
                        Value::Number(number) if number.is_f64() => "float64",
                        Value::Number(_) => "int64",
                        Value::Bool(_) => "bool",
                        Value::Array(_) => "[]interface {}",
                        Value::Null => "<nil>",
                        _ => "map[string]interface {}",
                    };
                    return Err(format!(
                        "returned invalid metadata: metadata.{key}[{name}] must be a string, but is {found} in \
                         converted object"
                    ));
                }
                metadata.insert(key.to_owned(), Value::Object(texts.clone()));
            }
            Some(_) => {
                return Err(format!(
                    "returned invalid metadata: metadata.{key} is not a map in converted object"
                ));
            }
        }
    }
    converted["metadata"] = Value::Object(metadata);
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_and_annotations_may_be_converted() {
        let original = json!({"metadata": {"name": "x", "uid": "u", "generation": 1, "labels": {"l": "1"}}});
        let converted = json!({"metadata": {"name": "x", "uid": "u", "generation": 9, "finalizers": ["a"],
            "annotations": {"a": "1"}}, "spec": {}});
        let restored = restore(converted, &original).unwrap();
        assert_eq!(
            restored,
            json!({"metadata": {"name": "x", "uid": "u", "generation": 1, "annotations": {"a": "1"}}, "spec": {}})
        );
        let rows = [
            (
                json!({"metadata": {"name": "z", "uid": "u"}}),
                "returned invalid object: must have the same name: x != z",
            ),
            (
                json!({"metadata": {"name": "x", "uid": "z"}}),
                "returned invalid object: must have the same UID: u != z",
            ),
            (json!({}), "returned invalid object: must have the same name: x != "),
            (
                json!({"metadata": {"name": "x", "uid": "u", "labels": {"n": 5}}}),
                "returned invalid metadata: metadata.labels[n] must be a string, but is int64 in converted object",
            ),
        ];
        for (converted, expected) in rows {
            assert_eq!(restore(converted, &original).unwrap_err(), expected);
        }
    }

    #[test]
    fn answers_that_are_none_are_told_apart() {
        let rows = [
            (
                json!(null),
                "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
            ),
            (json!({}), "no response provided"),
            (json!({"response": {"uid": "w"}}), "expected response.uid=\"u\", got \"w\""),
            (json!({"response": {"uid": "u", "result": {"status": "Failure", "message": "no"}}}), "no"),
            (json!({"response": {"uid": "u", "result": {}}}), "response.result.status was '', not 'Success'"),
        ];
        for (body, expected) in rows {
            assert_eq!(read(&body, "apiextensions.k8s.io/v1", "u").unwrap_err(), expected);
        }
    }
}

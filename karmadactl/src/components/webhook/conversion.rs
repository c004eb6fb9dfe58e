//! Conversion reviews: bindings in another version.

use karmada_core::api::work::v1alpha1::{ConversionError, convert};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::chain_line;

const API_VERSION: &str = "apiextensions.k8s.io/v1";
const KIND: &str = "ConversionReview";

/// A body that is no review.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConversionReviewError {
    #[error("the body is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("the body is no {KIND} of {API_VERSION}")]
    Kind,
    #[error("the review asks nothing that can be read")]
    Request(#[source] serde_json::Error),
}

#[derive(Debug, Deserialize)]
struct Request {
    uid: String,
    #[serde(rename = "desiredAPIVersion")]
    desired_api_version: String,
    objects: Vec<Value>,
}

/// Answers a conversion review: the whole review.
///
/// # Errors
/// When the body is none. That objects cannot be converted is an answer.
pub(super) fn answer(body: &[u8]) -> Result<Value, ConversionReviewError> {
    let mut review: Value = serde_json::from_slice(body).map_err(ConversionReviewError::Json)?;
    if review["apiVersion"] != API_VERSION || review["kind"] != KIND {
        return Err(ConversionReviewError::Kind);
    }
    let request = Request::deserialize(review["request"].take()).map_err(ConversionReviewError::Request)?;
    let mut response = match converted(request.objects, &request.desired_api_version) {
        Ok(objects) => json!({"convertedObjects": objects, "result": {"status": "Success"}}),
        Err(error) => json!({"result": {"status": "Failure", "message": chain_line(&error)}}),
    };
    response["uid"] = request.uid.into();
    Ok(json!({"apiVersion": API_VERSION, "kind": KIND, "response": response}))
}

/// Converts all objects. Their metadata stays as it is: API servers refuse anything else.
fn converted(objects: Vec<Value>, version: &str) -> Result<Vec<Value>, ConversionError> {
    let convert_one = |object: Value| {
        let metadata = object["metadata"].clone();
        let mut converted = convert(object, version)?;
        converted["metadata"] = metadata;
        Ok(converted)
    };
    objects.into_iter().map(convert_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(objects: &Value, version: &str) -> Value {
        let review = json!({
            "apiVersion": API_VERSION, "kind": KIND,
            "request": {"uid": "u", "desiredAPIVersion": version, "objects": objects},
        });
        answer(review.to_string().as_bytes()).unwrap()["response"].take()
    }

    #[test]
    fn bindings_change_their_version_and_keep_their_metadata() {
        let metadata = json!({
            "name": "b", "namespace": "a", "uid": "1", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "x", "operation": "Update", "apiVersion": "work.karmada.io/v1alpha2",
                "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}],
        });
        let binding = json!({
            "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding", "metadata": metadata,
            "spec": {"resource": {"apiVersion": "v1", "kind": "ConfigMap", "name": "c"}, "replicas": 2,
                "clusters": [{"name": "m1", "replicas": 2}]},
        });
        let old = ask(&json!([binding]), "work.karmada.io/v1alpha1");
        assert_eq!((&old["uid"], &old["result"]["status"]), (&json!("u"), &json!("Success")));
        let old = &old["convertedObjects"][0];
        assert_eq!((&old["spec"]["resource"]["replicas"], &old["metadata"]), (&json!(2), &metadata));
        let new = ask(&json!([old]), "work.karmada.io/v1alpha2");
        assert_eq!(new["convertedObjects"][0]["spec"]["clusters"], binding["spec"]["clusters"]);
    }

    #[test]
    fn what_cannot_be_converted_is_said() {
        let answer = ask(&json!([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}]), "v2");
        assert_eq!(answer["result"]["status"], "Failure");
        assert!(super::answer(b"{}").is_err() && super::answer(b"garbage").is_err());
    }
}

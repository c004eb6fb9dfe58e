//! What an answer means, and whether it is one.

use serde_json::Value;

use crate::api::config::{PatchType, ResourceInterpreterContext, ResourceInterpreterResponse};
use crate::api::work::{Component, ReplicaRequirements, ResourceHealth};
use crate::interpreter::DependentReference;

/// An answer that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The message is something else.
    #[error(
        "the answer is a {kind:?} of {api_version:?}, not a ResourceInterpreterContext of config.karmada.io/v1alpha1"
    )]
    OtherMessage {
        /// Its group and version.
        api_version: String,
        /// Its kind.
        kind: String,
    },
    /// The message has no answer.
    #[error("the answer has no response")]
    NoResponse,
    /// The answer is to another question.
    #[error("expected response.uid {expected:?}, got {found:?}")]
    OtherQuestion {
        /// That of the question.
        expected: String,
        /// That of the answer.
        found: String,
    },
    /// The webhook has no answer and does not say why.
    #[error("response.status is required when response.successful is false")]
    NoStatus,
    /// The webhook has no answer.
    #[error("the webhook refused with code {code}: {message}")]
    Refused {
        /// An HTTP status.
        code: i32,
        /// Its reason.
        message: String,
    },
    /// A field that the operation needs is missing.
    #[error("response.{field} is not set")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// The form of the patch is unknown.
    #[error("response.patchType is {found:?}, only JSONPatch is supported")]
    UnknownPatchType {
        /// What it is.
        found: String,
    },
    /// The patch is no JSON patch.
    #[error("response.patch is no JSON patch")]
    UnreadablePatch(#[source] serde_json::Error),
    /// The patch does not apply to the object.
    #[error("response.patch does not apply to the object")]
    Patch(#[source] json_patch::PatchError),
    /// The patch leaves something that is no object.
    #[error("response.patch leaves no object")]
    NoObject,
}

/// Returns the response of a message if it answers the question with this identifier.
pub(super) fn response_to(
    uid: &str,
    answer: ResourceInterpreterContext,
) -> Result<ResourceInterpreterResponse, AnswerError> {
    let ResourceInterpreterContext { api_version, kind, response, .. } = answer;
    let response = response.ok_or(AnswerError::NoResponse)?;
    if response.uid != uid {
        return Err(AnswerError::OtherQuestion { expected: uid.to_owned(), found: response.uid });
    }
    if api_version != ResourceInterpreterContext::API_VERSION || kind != ResourceInterpreterContext::KIND {
        return Err(AnswerError::OtherMessage { api_version, kind });
    }
    if !response.successful {
        let status = response.status.ok_or(AnswerError::NoStatus)?;
        return Err(AnswerError::Refused { code: status.code, message: status.message });
    }
    Ok(response)
}

/// Returns the replicas and what one needs.
pub(super) fn replicas(
    response: ResourceInterpreterResponse,
) -> Result<(i64, Option<ReplicaRequirements>), AnswerError> {
    let replicas = response.replicas.ok_or(AnswerError::Missing { field: "replicas" })?;
    Ok((i64::from(replicas), response.replica_requirements))
}

/// Returns the components; there may be none.
pub(super) fn components(response: ResourceInterpreterResponse) -> Vec<Component> {
    response.components
}

/// Returns what the object needs.
pub(super) fn dependencies(response: ResourceInterpreterResponse) -> Vec<DependentReference> {
    response.dependencies
}

/// Returns the collected status.
pub(super) fn raw_status(response: ResourceInterpreterResponse) -> Result<Value, AnswerError> {
    response.raw_status.ok_or(AnswerError::Missing { field: "rawStatus" })
}

/// Returns the health.
pub(super) fn health(response: &ResourceInterpreterResponse) -> Result<ResourceHealth, AnswerError> {
    let healthy = response.healthy.ok_or(AnswerError::Missing { field: "healthy" })?;
    Ok(if healthy { ResourceHealth::Healthy } else { ResourceHealth::Unhealthy })
}

/// Returns the object with the changes of the response; without a patch it stays as it is.
pub(super) fn patched(object: Value, response: ResourceInterpreterResponse) -> Result<Value, AnswerError> {
    let patch = response.patch.map(|patch| patch.0).unwrap_or_default();
    let patch_type = response.patch_type.unwrap_or_default();
    match (patch.is_empty(), patch_type) {
        (true, PatchType::Unset) => Ok(object),
        (true, _) => Err(AnswerError::Missing { field: "patch" }),
        (false, PatchType::Unset) => Err(AnswerError::Missing { field: "patchType" }),
        (false, PatchType::JsonPatch) => apply(object, &patch),
        (false, other) => Err(AnswerError::UnknownPatchType { found: other.to_string() }),
    }
}

fn apply(mut object: Value, patch: &[u8]) -> Result<Value, AnswerError> {
    let patch: json_patch::Patch = serde_json::from_slice(patch).map_err(AnswerError::UnreadablePatch)?;
    json_patch::patch(&mut object, &patch).map_err(AnswerError::Patch)?;
    if object.is_object() { Ok(object) } else { Err(AnswerError::NoObject) }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn answer(response: Value) -> ResourceInterpreterContext {
        serde_json::from_value(json!({
            "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterContext", "response": response,
        }))
        .unwrap()
    }

    #[rstest]
    #[case::nothing(json!(null), "the answer has no response")]
    #[case::another_question(json!({"uid": "2", "successful": true}), "expected response.uid \"1\", got \"2\"")]
    #[case::silent_refusal(
        json!({"uid": "1", "successful": false}),
        "response.status is required when response.successful is false"
    )]
    #[case::refusal(
        json!({"uid": "1", "status": {"code": 403, "message": "no"}}),
        "the webhook refused with code 403: no"
    )]
    fn an_answer_that_is_none_says_why(#[case] response: Value, #[case] message: &str) {
        assert_eq!(response_to("1", answer(response)).unwrap_err().to_string(), message);
    }

    #[test]
    fn an_answer_in_another_version_is_refused() {
        let mut other = answer(json!({"uid": "1", "successful": true}));
        assert!(response_to("1", other.clone()).is_ok());
        other.api_version = "config.karmada.io/v1".to_owned();
        assert!(matches!(response_to("1", other), Err(AnswerError::OtherMessage { .. })));
    }

    fn response(patch: Option<&str>, patch_type: Option<&str>) -> ResourceInterpreterResponse {
        ResourceInterpreterResponse {
            patch: patch.map(|patch| ByteString(patch.as_bytes().to_vec())),
            patch_type: patch_type.map(PatchType::from),
            ..Default::default()
        }
    }

    #[rstest]
    #[case::none(None, None, Ok(json!({"a": 1})))]
    #[case::empty(Some(""), None, Ok(json!({"a": 1})))]
    #[case::a_change(Some(r#"[{"op":"replace","path":"/a","value":2}]"#), Some("JSONPatch"), Ok(json!({"a": 2})))]
    #[case::no_type(Some("[]"), None, Err("response.patchType is not set"))]
    #[case::no_patch(None, Some("JSONPatch"), Err("response.patch is not set"))]
    #[case::merge_patch(
        Some("{}"),
        Some("MergePatch"),
        Err("response.patchType is \"MergePatch\", only JSONPatch is supported")
    )]
    #[case::no_json(Some("["), Some("JSONPatch"), Err("response.patch is no JSON patch"))]
    #[case::no_target(
        Some(r#"[{"op":"remove","path":"/b"}]"#),
        Some("JSONPatch"),
        Err("response.patch does not apply to the object")
    )]
    #[case::no_object(
        Some(r#"[{"op":"replace","path":"","value":[]}]"#),
        Some("JSONPatch"),
        Err("response.patch leaves no object")
    )]
    fn a_patch_comes_with_its_form_or_not_at_all(
        #[case] patch: Option<&str>,
        #[case] patch_type: Option<&str>,
        #[case] expected: Result<Value, &str>,
    ) {
        let found = patched(json!({"a": 1}), response(patch, patch_type)).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn what_an_operation_needs_must_be_there() {
        let nothing = ResourceInterpreterResponse::default;
        assert_eq!(replicas(nothing()).unwrap_err().to_string(), "response.replicas is not set");
        assert_eq!(raw_status(nothing()).unwrap_err().to_string(), "response.rawStatus is not set");
        assert_eq!(health(&nothing()).unwrap_err().to_string(), "response.healthy is not set");
        assert_eq!((components(nothing()), dependencies(nothing())), (vec![], vec![]));
    }
}

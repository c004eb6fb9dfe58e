//! The answer: what a webhook says about a review, and what is wrong with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::Value;

use super::configuration::Purpose;
use super::review::ReviewVersion;
use crate::http::Failure;

/// Where the real server's client says that kinds are registered.
const SCHEME: &str = "pkg/runtime/scheme.go:111";
const KIND: &str = "AdmissionReview";

/// What a webhook answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) allowed: bool,
    pub(super) status: Value,
    /// The text of a JSON patch.
    pub(super) patch: Vec<u8>,
    patch_type: Option<String>,
    pub(super) warnings: Vec<String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It cannot be read: as if the call had failed.
    Unreadable(String),
    /// It breaks the rules of reviews.
    Invalid(String),
}

impl Unusable {
    /// Returns the text that follows the name of the webhook.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Unreadable(why) => format!("failed to call webhook: {why}"),
            Self::Invalid(why) => format!("received invalid webhook response: {why}"),
        }
    }
}

/// Reads the answer to a review.
pub(super) fn read(
    body: &Value,
    version: ReviewVersion,
    purpose: Purpose,
    uid: &str,
) -> Result<Answer, Unusable> {
    check_type(body, &version.api_version(), KIND).map_err(Unusable::Unreadable)?;
    let response = match body.get("response") {
        None | Some(Value::Null) => {
            return Err(Unusable::Invalid("webhook response was absent".to_owned()));
        }
        Some(response @ Value::Object(_)) => response,
        Some(other) => {
            return Err(Unusable::Unreadable(mismatch(
                other,
                "AdmissionReview.response",
                &format!("{}.AdmissionResponse", version.word()),
            )));
        }
    };
    let answer = parse(response, version).map_err(Unusable::Unreadable)?;
    if version == ReviewVersion::V1 {
        let got = response["uid"].as_str().unwrap_or_default();
        if got != uid {
            return Err(Unusable::Invalid(format!("expected response.uid={uid:?}, got {got:?}")));
        }
        answer.check(purpose).map_err(|why| Unusable::Invalid(why.to_owned()))?;
    }
    Ok(answer)
}

/// Checks that a document is what was asked for; what it leaves out is taken as that.
pub(super) fn check_type(body: &Value, api_version: &str, kind: &str) -> Result<(), String> {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let found_version = if text("apiVersion").is_empty() { api_version } else { text("apiVersion") };
    let found_kind = if text("kind").is_empty() { kind } else { text("kind") };
    if (found_version, found_kind) == (api_version, kind) {
        return Ok(());
    }
    let short = |version: &str| version.rsplit('/').next().unwrap_or_default().to_owned();
    let group = api_version.split('/').next().unwrap_or_default();
    let is_review = found_kind == kind
        && (found_version == format!("{group}/v1") || found_version == format!("{group}/v1beta1"));
    let is_status = found_kind == "Status" && found_version == "v1";
    if is_review || is_status {
        return Err(format!(
            "converting ({}.{found_kind}) to ({}.{kind}): unknown conversion",
            short(found_version),
            short(api_version)
        ));
    }
    Err(format!("no kind {found_kind:?} is registered for version {found_version:?} in scheme \"{SCHEME}\""))
}

fn parse(response: &Value, version: ReviewVersion) -> Result<Answer, String> {
    let field = |key: &str| response.get(key).filter(|value| !value.is_null());
    let place = |key: &str| format!("AdmissionResponse.response.{key}");
    let text = |key: &str, kind: &str| match field(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(mismatch(other, &place(key), kind)),
    };
    text("uid", "types.UID")?;
    let allowed = match field("allowed") {
        None => false,
        Some(Value::Bool(allowed)) => *allowed,
        Some(other) => return Err(mismatch(other, &place("allowed"), "bool")),
    };
    let status = match field("status") {
        None => Value::Null,
        Some(status @ Value::Object(_)) => status.clone(),
        Some(other) => return Err(mismatch(other, &place("status"), "v1.Status")),
    };
    let patch = match text("patch", "[]uint8")? {
        None => Vec::new(),
        Some(patch) => STANDARD.decode(&patch).map_err(|error| {
            let offset = match error {
                base64::DecodeError::InvalidByte(offset, _)
                | base64::DecodeError::InvalidLastSymbol(offset, _) => offset,
                _ => patch.len(),
            };
            format!("illegal base64 data at input byte {offset}")
        })?,
    };
    let patch_type = text("patchType", &format!("{}.PatchType", version.word()))?;
    let warnings = match field("warnings") {
        None => Vec::new(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                item.as_str().map(str::to_owned).ok_or_else(|| mismatch(item, &place("warnings"), "string"))
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(mismatch(other, &place("warnings"), "[]string")),
    };
    let annotations = match field("auditAnnotations") {
        None => BTreeMap::new(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| match value.as_str() {
                Some(value) => Ok((key.clone(), value.to_owned())),
                None => Err(mismatch(value, &place("auditAnnotations"), "string")),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(mismatch(other, &place("auditAnnotations"), "map[string]string")),
    };
    Ok(Answer { allowed, status, patch, patch_type, warnings, annotations })
}

fn mismatch(found: &Value, place: &str, wanted: &str) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {found} into Go struct field {place} of type {wanted}")
}

impl Answer {
    fn check(&self, purpose: Purpose) -> Result<(), &'static str> {
        match (purpose, self.patch.is_empty(), self.patch_type.is_some()) {
            (Purpose::Validating, false, _) => Err("validating webhook may not return response.patch"),
            (Purpose::Validating, true, true) => Err("validating webhook may not return response.patchType"),
            (Purpose::Mutating, false, false) => {
                Err("webhook returned response.patch but not response.patchType")
            }
            (Purpose::Mutating, true, true) => {
                Err("webhook returned response.patchType but not response.patch")
            }
            _ => Ok(()),
        }
    }

    /// Returns the operations of the patch.
    ///
    /// # Errors
    /// The text that follows the name of the webhook.
    pub(super) fn operations(&self) -> Result<Vec<Value>, String> {
        if self.patch.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(kind) = self.patch_type.as_ref().filter(|kind| *kind != "JSONPatch") {
            return Err(format!("unsupported patch type {kind:?}"));
        }
        let undecodable = |why: String| format!("received undecodable patch in webhook response: {why}");
        let patch = crate::patch::decode_json(&self.patch).map_err(undecodable)?;
        let wrong = |found: &Value, wanted: &str| {
            let found = match found {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                _ => "object",
            };
            undecodable(format!("json: cannot unmarshal {found} into Go value of type jsonpatch.{wanted}"))
        };
        match patch {
            Value::Null => Ok(Vec::new()),
            Value::Array(operations) => {
                match operations.iter().find(|operation| !operation.is_object() && !operation.is_null()) {
                    Some(bad) => Err(wrong(bad, "Operation")),
                    None => Ok(operations),
                }
            }
            other => Err(wrong(&other, "Patch")),
        }
    }

    /// Returns the refusal that the answer is.
    pub(super) fn denial(&self, webhook: &str) -> Failure {
        denial(&format!("admission webhook {webhook:?}"), &self.status)
    }
}

/// Returns the refusal of a webhook with the status that it gave.
fn denial(who: &str, status: &Value) -> Failure {
    let text = |key: &str| status[key].as_str().unwrap_or_default();
    let (message, reason) = (text("message"), text("reason"));
    let message = match (message, reason) {
        ("", "") => format!("{who} denied the request without explanation"),
        ("", reason) => format!("{who} denied the request: {reason}"),
        (message, _) => format!("{who} denied the request: {message}"),
    };
    let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
    let code = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut failure = Failure::new(code, "", message);
    failure.reason = reason.to_owned().into();
    failure.details = status.get("details").filter(|details| details.is_object()).cloned();
    let retry = status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64);
    failure.retry_after =
        retry.and_then(|seconds| u32::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(response: Value) -> Result<Answer, String> {
        let body = json!({"apiVersion": "admission.k8s.io/v1", "kind": KIND, "response": response});
        read(&body, ReviewVersion::V1, Purpose::Validating, "u").map_err(|unusable| unusable.text())
    }

    #[test]
    fn unreadable_answers_are_failed_calls() {
        let rows = [
            (
                json!("x"),
                "failed to call webhook: json: cannot unmarshal string into Go struct field \
                          AdmissionReview.response of type v1.AdmissionResponse",
            ),
            (json!(null), "received invalid webhook response: webhook response was absent"),
            (
                json!({"allowed": true}),
                "received invalid webhook response: expected response.uid=\"u\", got \"\"",
            ),
            (
                json!({"uid": "u", "allowed": "yes"}),
                "failed to call webhook: json: cannot unmarshal string into Go \
                          struct field AdmissionResponse.response.allowed of type bool",
            ),
            (
                json!({"uid": "u", "status": "x"}),
                "failed to call webhook: json: cannot unmarshal string into Go struct \
                          field AdmissionResponse.response.status of type v1.Status",
            ),
            (
                json!({"uid": "u", "patch": "!!!"}),
                "failed to call webhook: illegal base64 data at input byte 0",
            ),
            (
                json!({"uid": "u", "patch": "W10="}),
                "received invalid webhook response: validating webhook may not return response.patch",
            ),
            (
                json!({"uid": "u", "patchType": "JSONPatch"}),
                "received invalid webhook response: validating webhook may not return response.patchType",
            ),
        ];
        for (response, expected) in rows {
            assert_eq!(answer(response.clone()).unwrap_err(), expected, "{response}");
        }
        assert!(answer(json!({"uid": "u", "allowed": true, "foo": 1})).unwrap().allowed);
    }

    #[test]
    fn other_documents_are_no_answers() {
        let rows = [
            (
                json!({"apiVersion": "v1", "kind": "Status"}),
                "converting (v1.Status) to (v1.AdmissionReview): unknown conversion",
            ),
            (
                json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": KIND}),
                "converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion",
            ),
            (
                json!({"apiVersion": "v1", "kind": "Pod"}),
                "no kind \"Pod\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\"",
            ),
        ];
        for (body, expected) in rows {
            assert_eq!(check_type(&body, "admission.k8s.io/v1", KIND).unwrap_err(), expected);
        }
        assert_eq!(check_type(&json!({}), "admission.k8s.io/v1", KIND), Ok(()));
    }

    #[test]
    fn refusals_have_a_code_of_an_error() {
        let rows = [
            (json!(null), 400, "", "w denied the request without explanation"),
            (json!({"code": 200, "message": "m"}), 400, "", "w denied the request: m"),
            (json!({"code": 600, "message": "m"}), 600, "", "w denied the request: m"),
            (json!({"code": 403, "reason": "Weird"}), 403, "Weird", "w denied the request: Weird"),
        ];
        for (status, code, reason, message) in rows {
            let failure = denial("w", &status);
            assert_eq!(
                (failure.code.as_u16(), &*failure.reason, failure.message.as_str()),
                (code, reason, message)
            );
        }
    }
}

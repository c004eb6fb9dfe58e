//! The question: an `AdmissionReview` as webhooks get it.

use serde_json::{Value, json};

use super::attributes::{Attributes, Kind};
use super::conditions::request_value;
use crate::registry::Resource;

/// A version of the review itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReviewVersion {
    V1,
    V1beta1,
}

/// What a webhook sees of a request: the objects in the version that its rules name.
pub(super) struct Shown<'a> {
    pub(super) resource: &'a Resource,
    pub(super) kind: Kind,
    pub(super) object: Option<&'a Value>,
    pub(super) old: Option<&'a Value>,
}

impl ReviewVersion {
    /// Returns the first version of a webhook's list that is known.
    pub(super) fn choose(versions: &Value) -> Self {
        let known = |version: &Value| match version.as_str() {
            Some("v1") => Some(Self::V1),
            Some("v1beta1") => Some(Self::V1beta1),
            _ => None,
        };
        versions.as_array().into_iter().flatten().find_map(known).unwrap_or(Self::V1)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1beta1 => "v1beta1",
        }
    }

    pub(super) fn api_version(self) -> String {
        format!("admission.k8s.io/{}", self.word())
    }
}

/// Returns the request of a review without what belongs to one call: what conditions see of it.
pub(super) fn request(attributes: &Attributes<'_>, shown: &Shown<'_>) -> Value {
    request_value(attributes, shown.resource, &shown.kind)
}

/// Returns a review.
pub(super) fn review(version: ReviewVersion, uid: &str, request: &Value, shown: &Shown<'_>) -> Value {
    let mut request = request.clone();
    request["uid"] = uid.into();
    request["object"] = shown.object.cloned().unwrap_or(Value::Null);
    request["oldObject"] = shown.old.cloned().unwrap_or(Value::Null);
    json!({"kind": "AdmissionReview", "apiVersion": version.api_version(), "request": request})
}

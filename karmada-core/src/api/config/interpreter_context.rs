//! What Karmada and an interpreter webhook say to each other.

use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::InterpreterOperation;
use crate::api::{
    LabelSelector,
    meta::is_zero,
    work::{AggregatedStatusItem, Component, ReplicaRequirements},
};

/// A question to a webhook, and its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInterpreterContext {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// The question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<ResourceInterpreterRequest>,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResourceInterpreterResponse>,
}

/// A question about a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInterpreterRequest {
    /// Tells questions apart; the answer repeats it.
    pub uid: String,
    /// The kind of the resource.
    pub kind: GroupVersionKind,
    /// Name of the resource.
    pub name: String,
    /// Namespace of the resource.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The question.
    pub operation: InterpreterOperation,
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    /// The member's object, for `Retain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_object: Option<Value>,
    /// The replicas, for `ReviseReplica`.
    #[serde(rename = "replicas", skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<i32>,
    /// The members' statuses, for `AggregateStatus`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aggregated_status: Vec<AggregatedStatusItem>,
}

/// A kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupVersionKind {
    /// Group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
}

/// An answer about a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInterpreterResponse {
    /// That of the question.
    pub uid: String,
    /// Whether there is an answer.
    pub successful: bool,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RequestStatus>,
    /// Changes to the object, as JSON patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<ByteString>,
    /// The form of `patch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<PatchType>,
    /// What one replica needs, for `InterpretReplica`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_requirements: Option<ReplicaRequirements>,
    /// The replicas, for `InterpretReplica`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// The components, for `InterpretComponent`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// What the object needs, for `InterpretDependency`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<DependentObjectReference>,
    /// The status, for `InterpretStatus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_status: Option<Value>,
    /// The health, for `InterpretHealth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
}

string_enum! {
    /// The form of a patch.
    PatchType as text {
        /// RFC 6902.
        JsonPatch = "JSONPatch",
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestStatus {
    /// A sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// An HTTP status.
    #[serde(skip_serializing_if = "is_zero")]
    pub code: i32,
}

/// Objects that an object needs: one by name, or several by labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DependentObjectReference {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
}

impl ResourceInterpreterContext {
    /// The name of this kind of message.
    pub const KIND: &'static str = "ResourceInterpreterContext";
    /// The version of the message.
    pub const API_VERSION: &'static str = "config.karmada.io/v1alpha1";
}

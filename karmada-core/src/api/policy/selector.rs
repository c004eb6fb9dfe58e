//! What a policy selects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::LabelSelector;

/// Selects resources by kind, and by name or labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceSelector {
    /// Group and version of the resource.
    pub api_version: String,
    /// Kind of the resource.
    pub kind: String,
    /// Namespace of the resource; empty selects every namespace the policy reaches.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of the resource; empty selects every name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Labels of the resource; ignored when a name is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
}

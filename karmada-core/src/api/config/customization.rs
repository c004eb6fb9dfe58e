//! Kind ResourceInterpreterCustomization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Scripts for one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInterpreterCustomizationSpec {
    /// The kind.
    pub target: CustomizationTarget,
    /// The scripts.
    pub customizations: CustomizationRules,
}

/// The kind that scripts are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomizationTarget {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
}

/// One script for each question about a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomizationRules {
    /// What of the member's object is kept on an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<LuaRule>,
    /// How many replicas are wanted, and what one needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_resource: Option<LuaRule>,
    /// Which components there are, and what they need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_resource: Option<LuaRule>,
    /// The same object with other replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_revision: Option<LuaRule>,
    /// The part of a member's status that is collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reflection: Option<LuaRule>,
    /// The status of the template, from those of the members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_aggregation: Option<LuaRule>,
    /// Whether a member's object is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_interpretation: Option<LuaRule>,
    /// Which objects the object needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency_interpretation: Option<LuaRule>,
}

/// A script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LuaRule {
    /// The script's text; it defines the function of its question.
    pub lua_script: String,
}

kind! {
    /// Explains a kind to Karmada by scripts.
    ResourceInterpreterCustomization, ClusterResourceScope, "config.karmada.io", "v1alpha1",
    "resourceinterpretercustomizations",
    spec = ResourceInterpreterCustomizationSpec
}

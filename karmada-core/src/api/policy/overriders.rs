//! The ways to change a resource for a cluster.

use std::collections::BTreeMap;

use crate::api::schema::{any_value, optional};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Changes to a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Overriders {
    /// JSON patch operations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plaintext: Vec<PlaintextOverrider>,
    /// Changes to image references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_overrider: Vec<ImageOverrider>,
    /// Changes to commands of containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command_overrider: Vec<CommandArgsOverrider>,
    /// Changes to arguments of containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args_overrider: Vec<CommandArgsOverrider>,
    /// Changes to labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_overrider: Vec<LabelAnnotationOverrider>,
    /// Changes to annotations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations_overrider: Vec<LabelAnnotationOverrider>,
    /// Changes inside fields that hold JSON or YAML text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub field_overrider: Vec<FieldOverrider>,
}

string_enum! {
    /// What an overrider does.
    OverriderOperator {
        /// Adds the value.
        Add = "add",
        /// Removes the value.
        Remove = "remove",
        /// Replaces the value.
        Replace = "replace",
    }
}

/// One JSON patch operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlaintextOverrider {
    /// JSON pointer.
    pub path: String,
    /// What to do.
    pub operator: OverriderOperator,
    /// The value; written also when it is null.
    #[schemars(schema_with = "any_value", skip_serializing_if = "optional")]
    pub value: Value,
}

/// A change to image references.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageOverrider {
    /// Where the image is; none means in every container of known workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate: Option<ImagePredicate>,
    /// The part of the reference.
    pub component: ImageComponent,
    /// What to do.
    pub operator: OverriderOperator,
    /// The value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// Where an image reference is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePredicate {
    /// JSON pointer.
    pub path: String,
}

string_enum! {
    /// The parts of an image reference.
    ImageComponent {
        /// Host and port.
        Registry = "Registry",
        /// The name.
        Repository = "Repository",
        /// The tag or digest.
        Tag = "Tag",
    }
}

/// A change to the command or the arguments of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CommandArgsOverrider {
    /// The container's name.
    pub container_name: String,
    /// What to do.
    #[schemars(extend("enum" = ["add", "remove"]))]
    pub operator: OverriderOperator,
    /// The words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<String>,
}

/// A change to labels or annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["operator", "value"]))]
pub struct LabelAnnotationOverrider {
    /// What to do.
    pub operator: OverriderOperator,
    /// Keys and values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub value: BTreeMap<String, String>,
}

/// Changes inside a field that holds JSON or YAML text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldOverrider {
    /// JSON pointer to the field.
    pub field_path: String,
    /// Operations on JSON text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<FieldPatchOperation>,
    /// Operations on YAML text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub yaml: Vec<FieldPatchOperation>,
}

/// One operation inside a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldPatchOperation {
    /// JSON pointer inside the field.
    pub sub_path: String,
    /// What to do.
    pub operator: OverriderOperator,
    /// The value; written also when it is null.
    #[schemars(schema_with = "any_value", skip_serializing_if = "optional")]
    pub value: Value,
}

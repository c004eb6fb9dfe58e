//! How fast an autoscaler moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::object::Quantity;

/// How fast to grow and to shrink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizontalPodAutoscalerBehavior {
    /// Rules for growing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<HPAScalingRules>,
    /// Rules for shrinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<HPAScalingRules>,
}

/// Rules for one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HPAScalingRules {
    /// How long older recommendations still count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stabilization_window_seconds: Option<i32>,
    /// Which of the policies counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select_policy: Option<ScalingPolicySelect>,
    /// The policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub policies: Vec<HPAScalingPolicy>,
    /// How far a metric may be off before anything happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Quantity>,
}

string_enum! {
    /// Which of several policies counts.
    ScalingPolicySelect as text {
        /// The one that allows the largest change.
        Max = "Max",
        /// The one that allows the smallest change.
        Min = "Min",
        /// None: no change in this direction.
        Disabled = "Disabled",
    }
}

/// A limit to change over a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HPAScalingPolicy {
    /// What `value` counts.
    #[serde(rename = "type")]
    pub type_: HPAScalingPolicyType,
    /// The largest change.
    pub value: i32,
    /// The period.
    pub period_seconds: i32,
}

string_enum! {
    /// What a scaling policy counts.
    HPAScalingPolicyType as text {
        /// Pods.
        Pods = "Pods",
        /// Percent of the pods there are.
        Percent = "Percent",
    }
}

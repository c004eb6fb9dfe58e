//! What happens when a cluster or an application fails.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to move a workload away from where it fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FailoverBehavior {
    /// When the application is unhealthy; none means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationFailoverBehavior>,
    /// When the cluster is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterFailoverBehavior>,
}

/// How to move an unhealthy application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationFailoverBehavior {
    /// When to move.
    pub decision_conditions: DecisionConditions,
    /// When the failing copy goes.
    #[serde(skip_serializing_if = "PurgeMode::is_unset")]
    #[schemars(extend("default" = "Gracefully", "enum" = ["Directly", "Gracefully", "Never"]))]
    pub purge_mode: PurgeMode,
    /// How long a graceful move may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<i32>,
    /// State that moves along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_preservation: Option<StatePreservation>,
}

/// When an application counts as failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DecisionConditions {
    /// How long it may stay unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 300))]
    pub toleration_seconds: Option<i32>,
}

/// How to move away from a failed cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFailoverBehavior {
    /// When the copy in the failed cluster goes.
    #[serde(skip_serializing_if = "PurgeMode::is_unset")]
    #[schemars(extend("default" = "Gracefully", "enum" = ["Directly", "Gracefully"]))]
    pub purge_mode: PurgeMode,
    /// State that moves along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_preservation: Option<StatePreservation>,
}

string_enum! {
    /// When the old copy of a moved workload is removed.
    PurgeMode as text {
        /// At once.
        Directly = "Directly",
        /// When the new copy is healthy, or the grace period is over.
        Gracefully = "Gracefully",
        /// Not by Karmada.
        Never = "Never",
        /// At once; the name of older versions.
        Immediately = "Immediately",
        /// Gracefully; the name of older versions.
        Graciously = "Graciously",
    }
}

/// State that is read from the old copy and given to the new one as labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StatePreservation {
    /// What to read.
    pub rules: Vec<StatePreservationRule>,
}

/// One piece of state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StatePreservationRule {
    /// The label that carries it.
    pub alias_label_name: String,
    /// Where it is in the status.
    pub json_path: String,
}

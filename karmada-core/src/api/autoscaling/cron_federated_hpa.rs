//! Kind CronFederatedHPA.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CrossVersionObjectReference;

/// What is scaled, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CronFederatedHPASpec {
    /// What is scaled: a workload or a FederatedHPA.
    pub scale_target_ref: CrossVersionObjectReference,
    /// When, and to what.
    pub rules: Vec<CronFederatedHPARule>,
}

/// One schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CronFederatedHPARule {
    /// The rule's name.
    #[schemars(length(min = 1, max = 32))]
    pub name: String,
    /// When, as a cron expression.
    pub schedule: String,
    /// The replicas of a workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_replicas: Option<i32>,
    /// The least replicas of a FederatedHPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_min_replicas: Option<i32>,
    /// The most replicas of a FederatedHPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_max_replicas: Option<i32>,
    /// Whether the rule rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub suspend: Option<bool>,
    /// The zone of the schedule; none means the controller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How many successes are remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32), extend("default" = 3))]
    pub successful_history_limit: Option<i32>,
    /// How many failures are remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 32), extend("default" = 3))]
    pub failed_history_limit: Option<i32>,
}

/// What the rules did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CronFederatedHPAStatus {
    /// One entry for each rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub execution_histories: Vec<ExecutionHistory>,
}

/// What one rule did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutionHistory {
    /// The rule.
    pub rule_name: String,
    /// When it acts next; none when it is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_execution_time: Option<Time>,
    /// Successes, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub successful_executions: Vec<SuccessfulExecution>,
    /// Failures, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_executions: Vec<FailedExecution>,
}

/// A rule was carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["executionTime", "scheduleTime"]))]
pub struct SuccessfulExecution {
    /// When it was due; writers always set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_time: Option<Time>,
    /// When it was done; writers always set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<Time>,
    /// The replicas that were set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_replicas: Option<i32>,
    /// The most replicas that were set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_max_replicas: Option<i32>,
    /// The least replicas that were set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_min_replicas: Option<i32>,
}

/// A rule could not be carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["executionTime", "message", "scheduleTime"]))]
pub struct FailedExecution {
    /// When it was due; writers always set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_time: Option<Time>,
    /// When it was tried; writers always set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<Time>,
    /// What went wrong.
    pub message: String,
}

kind! {
    /// Scales a workload at given times.
    CronFederatedHPA, NamespaceResourceScope, "autoscaling.karmada.io", "v1alpha1", "cronfederatedhpas",
    spec = CronFederatedHPASpec, status = CronFederatedHPAStatus
}

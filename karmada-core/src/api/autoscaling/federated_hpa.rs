//! Kind FederatedHPA.

use crate::api::schema::optional;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CrossVersionObjectReference, HorizontalPodAutoscalerBehavior, MetricSpec, MetricStatus};
use crate::api::meta::is_zero;

/// What is scaled, between which bounds, and by which metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FederatedHPASpec {
    /// What is scaled.
    pub scale_target_ref: CrossVersionObjectReference,
    /// The least replicas over all clusters; none means one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<i32>,
    /// The most replicas over all clusters.
    pub max_replicas: i32,
    /// The metrics; the one that asks for the most replicas wins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricSpec>,
    /// How fast to move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behavior: Option<HorizontalPodAutoscalerBehavior>,
}

/// What an autoscaler saw and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizontalPodAutoscalerStatus {
    /// The generation that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the replicas were last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_time: Option<Time>,
    /// The replicas there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub current_replicas: i32,
    /// The replicas that are wanted.
    pub desired_replicas: i32,
    /// The metrics; written also when there are none.
    #[schemars(skip_serializing_if = "optional", extend("x-kubernetes-list-type" = "atomic"))]
    pub current_metrics: Option<Vec<MetricStatus>>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<HorizontalPodAutoscalerCondition>,
}

/// One aspect of an autoscaler's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizontalPodAutoscalerCondition {
    /// What the condition is about.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When `status` last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
    /// A word for machines.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

kind! {
    /// Scales a workload over all its clusters by metrics.
    FederatedHPA, NamespaceResourceScope, "autoscaling.karmada.io", "v1alpha1", "federatedhpas",
    spec = FederatedHPASpec, status = HorizontalPodAutoscalerStatus
}

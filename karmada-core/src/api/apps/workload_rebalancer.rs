//! Kind WorkloadRebalancer.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::meta::is_zero;

/// What is scheduled again from scratch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRebalancerSpec {
    /// The workloads.
    #[schemars(length(min = 1))]
    pub workloads: Vec<ObjectReference>,
    /// How long the finished object stays; none means for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds_after_finished: Option<i32>,
}

/// Names a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace; empty for cluster-scoped resources.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// What became of the workloads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRebalancerStatus {
    /// One entry for each workload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_workloads: Vec<ObservedWorkload>,
    /// The generation that was looked at.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// When nothing was left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_time: Option<Time>,
}

/// What became of one workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObservedWorkload {
    /// The workload.
    pub workload: ObjectReference,
    /// How it went.
    #[serde(skip_serializing_if = "RebalanceResult::is_unset")]
    pub result: RebalanceResult,
    /// Why it failed.
    #[serde(skip_serializing_if = "RebalanceFailedReason::is_unset")]
    pub reason: RebalanceFailedReason,
}

string_enum! {
    /// How asking for a new schedule went.
    RebalanceResult as text {
        /// It was asked for.
        Successful = "Successful",
        /// It could not be asked for.
        Failed = "Failed",
    }
}

string_enum! {
    /// Why a new schedule could not be asked for.
    RebalanceFailedReason as text {
        /// The workload has no binding.
        ReferencedBindingNotFound = "ReferencedBindingNotFound",
    }
}

kind! {
    /// Asks for a new schedule of workloads, once.
    WorkloadRebalancer, ClusterResourceScope, "apps.karmada.io", "v1alpha1", "workloadrebalancers",
    spec = WorkloadRebalancerSpec, status = WorkloadRebalancerStatus
}

//! The spec and status that both bindings share.

use std::collections::BTreeMap;

use crate::api::schema::{REASON_PATTERN, any_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{
    Condition, NodeSelector, ResourceList, Toleration,
    meta::is_zero,
    policy::{ConflictResolution, FailoverBehavior, Placement, PurgeMode, Suspension},
};

/// A template, how it may be placed, and where it was placed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceBindingSpec {
    /// The template.
    pub resource: ObjectReference,
    /// Whether dependencies are propagated too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub propagate_deps: bool,
    /// What one replica needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_requirements: Option<ReplicaRequirements>,
    /// How many replicas there are in all.
    #[serde(skip_serializing_if = "is_zero")]
    pub replicas: i32,
    /// The parts of a workload with several pod templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// The clusters the scheduler chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<TargetCluster>,
    /// Clusters that the workload is leaving.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub graceful_eviction_tasks: Vec<GracefulEvictionTask>,
    /// Bindings that need this one as a dependency, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_by: Vec<BindingSnapshot>,
    /// How the workload may be placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// The scheduler in charge.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scheduler_name: String,
    /// What to do when a cluster or the application fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverBehavior>,
    /// What to do with objects that are in the member already.
    #[serde(skip_serializing_if = "ConflictResolution::is_unset")]
    #[schemars(extend("default" = "Abort"))]
    pub conflict_resolution: ConflictResolution,
    /// When a new schedule from scratch was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reschedule_triggered_at: Option<Time>,
    /// What is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<BindingSuspension>,
    /// Whether members keep the objects when the template is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve_resources_on_deletion: Option<bool>,
    /// The place in the scheduling queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_priority: Option<BindingSchedulePriority>,
    /// The groups of workloads it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_affinity_groups: Option<WorkloadAffinityGroups>,
}

impl ResourceBindingSpec {
    /// Returns true when the resource runs pods: it has replicas, requirements or components.
    pub fn is_workload(&self) -> bool {
        self.replicas > 0 || self.replica_requirements.is_some() || !self.components.is_empty()
    }

    /// Returns true when the scheduler is told to leave the binding alone.
    pub fn is_scheduling_suspended(&self) -> bool {
        self.suspension.as_ref().and_then(|suspension| suspension.scheduling) == Some(true)
    }
}

/// A reference to a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for cluster-scoped resources.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Resource version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
}

/// What one replica needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaRequirements {
    /// What it needs of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_claim: Option<NodeClaim>,
    /// The resources it asks for.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub resource_request: ResourceList,
    /// The namespace its quota is in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its priority class.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority_class_name: String,
}

/// What a replica needs of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeClaim {
    /// Required node affinity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_node_affinity: Option<NodeSelector>,
    /// Labels of the node.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Tolerated taints of the node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
}

/// One part of a workload with several pod templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Component {
    /// The part's name.
    #[schemars(length(max = 32))]
    pub name: String,
    /// Its replicas.
    pub replicas: i32,
    /// What one replica needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_requirements: Option<ComponentRequirements>,
}

/// What one replica of a component needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ComponentRequirements {
    /// What it needs of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_claim: Option<NodeClaim>,
    /// The resources it asks for.
    #[serde(skip_serializing_if = "ResourceList::is_empty")]
    pub resource_request: ResourceList,
    /// Its priority class.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority_class_name: String,
}

/// A chosen cluster and its share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetCluster {
    /// The cluster.
    pub name: String,
    /// Its replicas.
    #[serde(skip_serializing_if = "is_zero")]
    pub replicas: i32,
    /// Its replicas of each component.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<TargetComponent>,
}

/// A cluster's share of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetComponent {
    /// The component.
    pub name: String,
    /// Its replicas.
    pub replicas: i32,
}

/// A cluster that a workload is leaving.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GracefulEvictionTask {
    /// The cluster.
    pub from_cluster: String,
    /// When the old copy goes.
    #[serde(skip_serializing_if = "PurgeMode::is_unset")]
    #[schemars(extend("enum" = ["Directly", "Gracefully", "Never"]))]
    pub purge_mode: PurgeMode,
    /// The replicas it had there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Why, as a word.
    #[schemars(length(min = 1, max = 32), regex(pattern = REASON_PATTERN))]
    pub reason: String,
    /// Why, as a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub message: String,
    /// Who asked.
    pub producer: String,
    /// How long to wait for the new copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<i32>,
    /// Whether the old copy stays until someone confirms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppress_deletion: Option<bool>,
    /// State that moves along, as labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub preserved_label_state: BTreeMap<String, String>,
    /// When the task was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Time>,
    /// Where the workload was before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters_before_failover: Vec<String>,
}

/// Where a binding that depends on this one was placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingSnapshot {
    /// Namespace of the binding.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of the binding.
    pub name: String,
    /// Its clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<TargetCluster>,
}

/// What is held back for a binding: the policy's part and the scheduler's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingSuspension {
    /// What the policy holds back.
    #[serde(flatten)]
    pub policy: Suspension,
    /// Whether scheduling is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<bool>,
}

/// The place in the scheduling queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingSchedulePriority {
    /// Higher comes first.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0))]
    pub priority: i32,
}

/// The groups a workload belongs to, each as `<label key>=<label value>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadAffinityGroups {
    /// The group that shares clusters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub affinity_group: String,
    /// The group that avoids each other.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub anti_affinity_group: String,
}

/// What was observed of a binding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceBindingStatus {
    /// The generation the scheduler last looked at.
    #[serde(skip_serializing_if = "is_zero")]
    pub scheduler_observed_generation: i64,
    /// The affinity group that is in use.
    #[serde(rename = "schedulerObservingAffinityName", skip_serializing_if = "String::is_empty")]
    pub scheduler_observed_affinity_name: String,
    /// When the binding was last scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scheduled_time: Option<Time>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The status in every cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aggregated_status: Vec<AggregatedStatusItem>,
}

/// The status in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AggregatedStatusItem {
    /// The cluster.
    pub cluster_name: String,
    /// The status of the member's object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub status: Option<Value>,
    /// Whether the object is in the member as wanted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub applied_message: String,
    /// How it is doing.
    #[serde(skip_serializing_if = "ResourceHealth::is_unset")]
    pub health: ResourceHealth,
}

string_enum! {
    /// How an object is doing.
    ResourceHealth {
        /// Well.
        Healthy = "Healthy",
        /// Not well.
        Unhealthy = "Unhealthy",
        /// Nobody knows.
        Unknown = "Unknown",
    }
}

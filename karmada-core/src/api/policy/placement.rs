//! Where resources go and how replicas are shared.

use crate::api::schema::integer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{LabelSelector, SelectorRequirement, Toleration};

/// Rules for choosing clusters and sharing replicas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Placement {
    /// The clusters that may be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_affinity: Option<ClusterAffinity>,
    /// Groups of clusters, tried in order; excludes `clusterAffinity`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_affinities: Vec<ClusterAffinityTerm>,
    /// Taints of clusters that are tolerated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_tolerations: Vec<Toleration>,
    /// How many groups of clusters to spread over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spread_constraints: Vec<SpreadConstraint>,
    /// How replicas are shared; none means duplicated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_scheduling: Option<ReplicaSchedulingStrategy>,
    /// Which workloads should share clusters or avoid each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_affinity: Option<WorkloadAffinity>,
}

/// A filter on clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterAffinity {
    /// Labels of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Provider, region and zone of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_selector: Option<FieldSelector>,
    /// Names of clusters; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_names: Vec<String>,
    /// Names of clusters that are never chosen.
    #[serde(rename = "exclude", skip_serializing_if = "Vec::is_empty")]
    pub exclude_clusters: Vec<String>,
}

/// A filter on the fields `provider`, `region` and `zone`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldSelector {
    /// Requirements; all must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<SelectorRequirement>,
}

/// A named group of clusters with the groups it may overflow into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterAffinityTerm {
    /// The group's name.
    #[schemars(length(min = 1, max = 32))]
    pub affinity_name: String,
    /// The group's clusters.
    #[serde(flatten)]
    pub affinity: ClusterAffinity,
    /// Groups that take what this group has no room for, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overflow_affinities: Vec<AffinityTerm>,
}

/// A named group of clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AffinityTerm {
    /// The group's name.
    #[schemars(length(min = 1, max = 32))]
    pub affinity_name: String,
    /// The group's clusters.
    #[serde(flatten)]
    pub affinity: ClusterAffinity,
}

string_enum! {
    /// The cluster property by which groups are formed.
    SpreadField {
        /// Every cluster is a group.
        Cluster = "cluster",
        /// Clusters of one region are a group.
        Region = "region",
        /// Clusters of one zone are a group.
        Zone = "zone",
        /// Clusters of one provider are a group.
        Provider = "provider",
    }
}

/// How many groups of clusters must and may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SpreadConstraint {
    /// The property that forms groups.
    #[serde(skip_serializing_if = "SpreadField::is_unset")]
    pub spread_by_field: SpreadField,
    /// The label that forms groups; declared but without effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub spread_by_label: String,
    /// The most groups to use; zero means no limit.
    #[serde(skip_serializing_if = "crate::api::meta::is_zero")]
    #[schemars(schema_with = "integer")]
    pub max_groups: i64,
    /// The least groups to use.
    #[serde(skip_serializing_if = "crate::api::meta::is_zero")]
    #[schemars(schema_with = "integer")]
    pub min_groups: i64,
}

string_enum! {
    /// Whether every cluster gets all replicas or a share.
    ReplicaSchedulingType {
        /// Every cluster gets all replicas.
        Duplicated = "Duplicated",
        /// Replicas are shared between clusters.
        Divided = "Divided",
    }
}

string_enum! {
    /// How replicas are shared.
    DivisionPreference {
        /// Into as few clusters as possible.
        Aggregated = "Aggregated",
        /// By weight.
        Weighted = "Weighted",
    }
}

string_enum! {
    /// What a dynamic weight is computed from.
    DynamicWeightFactor {
        /// The replicas a cluster has room for.
        AvailableReplicas = "AvailableReplicas",
    }
}

/// How replicas are shared between clusters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSchedulingStrategy {
    /// Duplicated or divided.
    #[serde(skip_serializing_if = "ReplicaSchedulingType::is_unset")]
    #[schemars(extend("default" = "Divided"))]
    pub replica_scheduling_type: ReplicaSchedulingType,
    /// Aggregated or weighted, when divided.
    #[serde(skip_serializing_if = "DivisionPreference::is_unset")]
    pub replica_division_preference: DivisionPreference,
    /// The weights, when weighted; none means equal weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_preference: Option<ClusterPreferences>,
}

/// Weights of clusters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterPreferences {
    /// Fixed weights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub static_weight_list: Vec<StaticClusterWeight>,
    /// A weight computed from the cluster; wins over fixed weights.
    #[serde(skip_serializing_if = "DynamicWeightFactor::is_unset")]
    pub dynamic_weight: DynamicWeightFactor,
}

/// The weight of the clusters an affinity selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StaticClusterWeight {
    /// The clusters.
    pub target_cluster: ClusterAffinity,
    /// Their weight.
    #[schemars(range(min = 1))]
    pub weight: i64,
}

/// Which workloads should share clusters or avoid each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadAffinity {
    /// Workloads of a group share clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<WorkloadAffinityTerm>,
    /// Workloads of a group avoid each other's clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<WorkloadAffinityTerm>,
}

/// Groups workloads by a label of theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadAffinityTerm {
    /// The label key; workloads with equal values form a group.
    pub group_by_label_key: String,
}

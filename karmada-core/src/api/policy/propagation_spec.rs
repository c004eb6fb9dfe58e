//! The spec that both propagation policies share.

use crate::api::reserved::DEFAULT_SCHEDULER_NAME;
use crate::api::schema::optional;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FailoverBehavior, Placement, ResourceSelector};

/// Which resources to propagate, where, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PropagationSpec {
    /// What is selected.
    #[schemars(length(min = 1))]
    pub resource_selectors: Vec<ResourceSelector>,
    /// Deprecated, without effect.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub association: bool,
    /// Whether dependencies are propagated too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub propagate_deps: bool,
    /// Where.
    #[schemars(skip_serializing_if = "optional")]
    pub placement: Placement,
    /// The explicit priority; none counts as zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 0))]
    pub priority: Option<i32>,
    /// Whether the policy takes resources from lower policies.
    #[serde(skip_serializing_if = "Preemption::is_unset")]
    #[schemars(extend("default" = "Never"))]
    pub preemption: Preemption,
    /// Override policies that must exist before anything is propagated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependent_overrides: Vec<String>,
    /// The scheduler in charge.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("default" = DEFAULT_SCHEDULER_NAME))]
    pub scheduler_name: String,
    /// What to do when a cluster or the application fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverBehavior>,
    /// What to do with objects that are in the member already.
    #[serde(skip_serializing_if = "ConflictResolution::is_unset")]
    #[schemars(extend("default" = "Abort"))]
    pub conflict_resolution: ConflictResolution,
    /// When a change of the policy takes effect.
    #[serde(skip_serializing_if = "ActivationPreference::is_unset")]
    pub activation_preference: ActivationPreference,
    /// What is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// Whether members keep the objects when the template is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve_resources_on_deletion: Option<bool>,
    /// The place in the scheduling queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_priority: Option<SchedulePriority>,
}

string_enum! {
    /// Whether a policy takes resources from lower policies.
    Preemption {
        /// It does.
        Always = "Always",
        /// It does not.
        Never = "Never",
    }
}

string_enum! {
    /// What to do with an object that is in the member already and not Karmada's.
    ConflictResolution {
        /// Leave it and report.
        Abort = "Abort",
        /// Take it over.
        Overwrite = "Overwrite",
    }
}

string_enum! {
    /// When a change of the policy takes effect; unset means at once.
    ActivationPreference {
        /// When the template changes next.
        Lazy = "Lazy",
    }
}

/// What a policy holds back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Suspension {
    /// No cluster gets changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatching: Option<bool>,
    /// These clusters get no changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatching_on_clusters: Option<SuspendClusters>,
}

/// Clusters that get no changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SuspendClusters {
    /// Their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_names: Vec<String>,
}

/// Where the scheduling priority comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SchedulePriority {
    /// The kind of priority class.
    #[schemars(extend("enum" = ["KubePriorityClass"]))]
    pub priority_class_source: PriorityClassSource,
    /// Its name.
    pub priority_class_name: String,
}

string_enum! {
    /// Kinds of priority classes.
    PriorityClassSource as text {
        /// `PriorityClass` of the control plane.
        KubePriorityClass = "KubePriorityClass",
        /// The class of the pod template; not supported.
        PodPriorityClass = "PodPriorityClass",
        /// A class of Karmada's own; not supported.
        FederatedPriorityClass = "FederatedPriorityClass",
    }
}

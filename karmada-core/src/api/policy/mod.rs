//! Group `policy.karmada.io`: which resources go where, and how they differ there.

mod cluster_override_policy;
mod cluster_propagation_policy;
mod cluster_taint_policy;
pub mod constants;
mod failover;
mod federated_resource_quota;
mod override_policy;
mod overriders;
mod placement;
mod propagation_policy;
mod propagation_spec;
mod selector;

pub use cluster_override_policy::ClusterOverridePolicy;
pub use cluster_propagation_policy::ClusterPropagationPolicy;
pub use cluster_taint_policy::{ClusterTaintPolicy, ClusterTaintPolicySpec, MatchCondition, PolicyTaint};
pub use failover::{
    ApplicationFailoverBehavior, ClusterFailoverBehavior, DecisionConditions, FailoverBehavior, PurgeMode,
    StatePreservation, StatePreservationRule,
};
pub use federated_resource_quota::{
    ClusterQuotaStatus, FederatedResourceQuota, FederatedResourceQuotaSpec, FederatedResourceQuotaStatus,
    StaticClusterAssignment,
};
pub use override_policy::{OverridePolicy, OverrideSpec, RuleWithCluster};
pub use overriders::{
    CommandArgsOverrider, FieldOverrider, FieldPatchOperation, ImageComponent, ImageOverrider,
    ImagePredicate, LabelAnnotationOverrider, OverriderOperator, Overriders, PlaintextOverrider,
};
pub use placement::{
    AffinityTerm, ClusterAffinity, ClusterAffinityTerm, ClusterPreferences, DivisionPreference,
    DynamicWeightFactor, FieldSelector, Placement, ReplicaSchedulingStrategy, ReplicaSchedulingType,
    SpreadConstraint, SpreadField, StaticClusterWeight, WorkloadAffinity, WorkloadAffinityTerm,
};
pub use propagation_policy::PropagationPolicy;
pub use propagation_spec::{
    ActivationPreference, ConflictResolution, Preemption, PriorityClassSource, PropagationSpec,
    SchedulePriority, SuspendClusters, Suspension,
};
pub use selector::ResourceSelector;

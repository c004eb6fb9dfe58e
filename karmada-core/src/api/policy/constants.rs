//! Labels, annotations, finalizers and reasons of the policy group.

/// The group's name.
pub const GROUP: &str = "policy.karmada.io";

/// Label: permanent id of a PropagationPolicy, on itself and on what it claims.
pub const PROPAGATION_POLICY_ID_LABEL: &str = "propagationpolicy.karmada.io/permanent-id";
/// Label: permanent id of a ClusterPropagationPolicy, on itself and on what it claims.
pub const CLUSTER_PROPAGATION_POLICY_ID_LABEL: &str = "clusterpropagationpolicy.karmada.io/permanent-id";

/// Annotation: namespace of the PropagationPolicy that claims the object.
pub const PROPAGATION_POLICY_NAMESPACE_ANNOTATION: &str = "propagationpolicy.karmada.io/namespace";
/// Annotation: name of the PropagationPolicy that claims the object.
pub const PROPAGATION_POLICY_NAME_ANNOTATION: &str = "propagationpolicy.karmada.io/name";
/// Annotation: name of the ClusterPropagationPolicy that claims the object.
pub const CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION: &str = "clusterpropagationpolicy.karmada.io/name";
/// Annotation of a binding: the placement that was last scheduled, as JSON.
pub const APPLIED_PLACEMENT_ANNOTATION: &str = "policy.karmada.io/applied-placement";
/// Annotation of a Work: the OverridePolicies that were applied, as JSON.
pub const APPLIED_OVERRIDES_ANNOTATION: &str = "policy.karmada.io/applied-overrides";
/// Annotation of a Work: the ClusterOverridePolicies that were applied, as JSON.
pub const APPLIED_CLUSTER_OVERRIDES_ANNOTATION: &str = "policy.karmada.io/applied-cluster-overrides";

/// Label of a Work: namespace of the FederatedResourceQuota.
pub const FEDERATED_RESOURCE_QUOTA_NAMESPACE_LABEL: &str = "federatedresourcequota.karmada.io/namespace";
/// Label of a Work: name of the FederatedResourceQuota.
pub const FEDERATED_RESOURCE_QUOTA_NAME_LABEL: &str = "federatedresourcequota.karmada.io/name";

/// Finalizer of a PropagationPolicy.
pub const PROPAGATION_POLICY_FINALIZER: &str = "karmada.io/propagation-policy-controller";
/// Finalizer of a ClusterPropagationPolicy.
pub const CLUSTER_PROPAGATION_POLICY_FINALIZER: &str = "karmada.io/cluster-propagation-policy-controller";

/// Event: the policy was applied to the template.
pub const APPLY_POLICY_SUCCEED: &str = "ApplyPolicySucceed";
/// Event: the policy could not be applied to the template.
pub const APPLY_POLICY_FAILED: &str = "ApplyPolicyFailed";
/// Event: override policies were applied.
pub const APPLY_OVERRIDE_POLICY_SUCCEED: &str = "ApplyOverridePolicySucceed";
/// Event: override policies could not be applied.
pub const APPLY_OVERRIDE_POLICY_FAILED: &str = "ApplyOverridePolicyFailed";
/// Event: a policy took the template from another one.
pub const PREEMPT_POLICY_SUCCEED: &str = "PreemptPolicySucceed";
/// Event: a policy could not take the template from another one.
pub const PREEMPT_POLICY_FAILED: &str = "PreemptPolicyFailed";
/// Event: the replicas of the template were read.
pub const GET_REPLICAS_SUCCEED: &str = "GetReplicasSucceed";
/// Event: the replicas of the template could not be read.
pub const GET_REPLICAS_FAILED: &str = "GetReplicasFailed";
/// Event: the components of the template were read.
pub const GET_COMPONENTS_SUCCEED: &str = "GetComponentsSucceed";
/// Event: the components of the template could not be read.
pub const GET_COMPONENTS_FAILED: &str = "GetComponentsFailed";
/// Event: the dependencies of the template were read.
pub const GET_DEPENDENCIES_SUCCEED: &str = "GetDependenciesSucceed";
/// Event: the dependencies of the template could not be read.
pub const GET_DEPENDENCIES_FAILED: &str = "GetDependenciesFailed";
/// Event: the use of a quota over all clusters was added up.
pub const COLLECT_OVERALL_STATUS_SUCCEED: &str = "CollectOverallStatusSucceed";
/// Event: the use of a quota over all clusters could not be added up.
pub const COLLECT_OVERALL_STATUS_FAILED: &str = "CollectOverallStatusFailed";

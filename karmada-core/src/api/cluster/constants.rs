//! Taints, finalizers, conditions, secret keys and reasons of the cluster group.

/// The group's name.
pub const GROUP: &str = "cluster.karmada.io";
/// Group of the kind as which an aggregated API server keeps Clusters; nothing of it is propagated.
pub const STORAGE_GROUP: &str = "storage.karmada.io";

/// Taint of a cordoned cluster.
pub const TAINT_UNSCHEDULABLE: &str = "cluster.karmada.io/unschedulable";
/// Taint of a cluster that is not ready.
pub const TAINT_NOT_READY: &str = "cluster.karmada.io/not-ready";
/// Taint of a cluster that cannot be reached.
pub const TAINT_UNREACHABLE: &str = "cluster.karmada.io/unreachable";
/// Effect: nothing new is scheduled.
pub const EFFECT_NO_SCHEDULE: &str = "NoSchedule";
/// Effect: nothing new is scheduled if it can be avoided.
pub const EFFECT_PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";
/// Effect: what is there has to leave.
pub const EFFECT_NO_EXECUTE: &str = "NoExecute";

/// Finalizer of a Cluster.
pub const CLUSTER_FINALIZER: &str = "karmada.io/cluster-controller";

/// Condition: the cluster is healthy and ready.
pub const CONDITION_READY: &str = "Ready";
/// Condition: the list of APIs in the status is complete.
pub const CONDITION_COMPLETE_API_ENABLEMENTS: &str = "CompleteAPIEnablements";
/// Condition: service names resolve in the cluster.
pub const CONDITION_SERVICE_DOMAIN_NAME_RESOLUTION_READY: &str = "ServiceDomainNameResolutionReady";

/// Key of the token in the secret of a cluster.
pub const SECRET_TOKEN_KEY: &str = "token";
/// Key of the certificate authority in the secret of a cluster.
pub const SECRET_CA_DATA_KEY: &str = "caBundle";

/// The longest name a cluster may have.
pub const CLUSTER_NAME_MAX_LENGTH: usize = 48;

/// Event: the execution namespace was made.
pub const CREATE_EXECUTION_SPACE_SUCCEED: &str = "CreateExecutionSpaceSucceed";
/// Event: the execution namespace could not be made.
pub const CREATE_EXECUTION_SPACE_FAILED: &str = "CreateExecutionSpaceFailed";
/// Event: the execution namespace was removed.
pub const REMOVE_EXECUTION_SPACE_SUCCEED: &str = "RemoveExecutionSpaceSucceed";
/// Event: the execution namespace could not be removed.
pub const REMOVE_EXECUTION_SPACE_FAILED: &str = "RemoveExecutionSpaceFailed";
/// Event: the cluster's taints were changed.
pub const TAINT_CLUSTER_SUCCEED: &str = "TaintClusterSucceed";
/// Event: the cluster's taints could not be changed.
pub const TAINT_CLUSTER_FAILED: &str = "TaintClusterFailed";
/// Event: the impersonation rules are in the member.
pub const SYNC_IMPERSONATION_CONFIG_SUCCEED: &str = "SyncImpersonationConfigSucceed";
/// Event: the impersonation rules could not be written to the member.
pub const SYNC_IMPERSONATION_CONFIG_FAILED: &str = "SyncImpersonationConfigFailed";

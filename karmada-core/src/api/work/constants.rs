//! Labels, annotations, finalizers, conditions and reasons of the work group.

/// The group's name.
pub const GROUP: &str = "work.karmada.io";

/// Label: permanent id of a ResourceBinding, on itself, its Works and their manifests.
pub const RESOURCE_BINDING_ID_LABEL: &str = "resourcebinding.karmada.io/permanent-id";
/// Label: permanent id of a ClusterResourceBinding, on itself, its Works and their manifests.
pub const CLUSTER_RESOURCE_BINDING_ID_LABEL: &str = "clusterresourcebinding.karmada.io/permanent-id";
/// Label: permanent id of a Work, on itself and its manifests.
pub const WORK_ID_LABEL: &str = "work.karmada.io/permanent-id";
/// Label of a binding that a controller owns instead of a policy.
pub const BINDING_MANAGED_BY_LABEL: &str = "binding.karmada.io/managed-by";
/// Prefix of the labels of an attached binding; a hash of the independent binding follows.
pub const DEPENDED_BY_LABEL_PREFIX: &str = "resourcebinding.karmada.io/depended-by-";
/// Value of `managed-by` and `claimed-by` labels: the kind MultiClusterService.
pub const MANAGED_BY_MULTI_CLUSTER_SERVICE: &str = "MultiClusterService";

/// Annotation: what to do with objects that are in the member already.
pub const CONFLICT_RESOLUTION_ANNOTATION: &str = "work.karmada.io/conflict-resolution";
/// Value of the conflict resolution annotation: take the object over.
pub const CONFLICT_RESOLUTION_OVERWRITE: &str = "overwrite";
/// Value of the conflict resolution annotation: leave the object and report.
pub const CONFLICT_RESOLUTION_ABORT: &str = "abort";
/// Annotation of a manifest: namespace of its Work.
pub const WORK_NAMESPACE_ANNOTATION: &str = "work.karmada.io/namespace";
/// Annotation of a manifest: name of its Work.
pub const WORK_NAME_ANNOTATION: &str = "work.karmada.io/name";
/// Annotation: namespace of the ResourceBinding.
pub const RESOURCE_BINDING_NAMESPACE_ANNOTATION: &str = "resourcebinding.karmada.io/namespace";
/// Annotation: name of the ResourceBinding.
pub const RESOURCE_BINDING_NAME_ANNOTATION: &str = "resourcebinding.karmada.io/name";
/// Annotation: name of the ClusterResourceBinding.
pub const CLUSTER_RESOURCE_BINDING_NAME_ANNOTATION: &str = "clusterresourcebinding.karmada.io/name";
/// Annotation of a ResourceBinding: its dependencies, as a JSON list.
pub const DEPENDENCIES_ANNOTATION: &str = "resourcebinding.karmada.io/dependencies";

/// Finalizer of a Work.
pub const EXECUTION_FINALIZER: &str = "karmada.io/execution-controller";
/// Finalizer of a ResourceBinding.
pub const BINDING_FINALIZER: &str = "karmada.io/binding-controller";
/// Finalizer of a ClusterResourceBinding.
pub const CLUSTER_RESOURCE_BINDING_FINALIZER: &str = "karmada.io/cluster-resource-binding-controller";
/// Finalizer of a ResourceBinding with dependencies.
pub const DEPENDENCIES_DISTRIBUTOR_FINALIZER: &str = "karmada.io/binding-dependencies-distributor";

/// Condition of a binding: it has been scheduled.
pub const CONDITION_SCHEDULED: &str = "Scheduled";
/// Condition of a binding: all its Works are applied.
pub const CONDITION_FULLY_APPLIED: &str = "FullyApplied";
/// Condition of a Work: its manifests are applied.
pub const CONDITION_APPLIED: &str = "Applied";
/// Condition of a Work: its manifests are being applied.
pub const CONDITION_PROGRESSING: &str = "Progressing";
/// Condition of a Work: its objects exist.
pub const CONDITION_AVAILABLE: &str = "Available";
/// Condition of a Work: its objects differ from its manifests.
pub const CONDITION_DEGRADED: &str = "Degraded";
/// Condition of a Work: it is dispatched, or held back.
pub const CONDITION_DISPATCHING: &str = "Dispatching";

/// Reason of `Scheduled`: it went well.
pub const REASON_SUCCESS: &str = "Success";
/// Reason of `Scheduled`: the scheduler failed.
pub const REASON_SCHEDULER_ERROR: &str = "SchedulerError";
/// Reason of `Scheduled`: every cluster was refused.
pub const REASON_NO_CLUSTER_FIT: &str = "NoClusterFit";
/// Reason of `Scheduled`: there is not enough room.
pub const REASON_UNSCHEDULABLE: &str = "Unschedulable";
/// Reason of `Scheduled`: a quota was exceeded.
pub const REASON_QUOTA_EXCEEDED: &str = "QuotaExceeded";
/// Reason of `FullyApplied`: it is.
pub const REASON_FULLY_APPLIED_SUCCESS: &str = "FullyAppliedSuccess";
/// Reason of `FullyApplied`: it is not.
pub const REASON_FULLY_APPLIED_FAILED: &str = "FullyAppliedFailed";

/// Reason of `Applied`: they are.
pub const REASON_APPLIED_SUCCESSFUL: &str = "AppliedSuccessful";
/// Reason of `Applied`: they are not.
pub const REASON_APPLIED_FAILED: &str = "AppliedFailed";
/// Reason of `Dispatching`: it is dispatched.
pub const REASON_DISPATCHING: &str = "Dispatching";
/// Reason of `Dispatching`: it is held back.
pub const REASON_SUSPEND_DISPATCHING: &str = "SuspendDispatching";

/// Event: the binding was scheduled.
pub const SCHEDULE_BINDING_SUCCEED: &str = "ScheduleBindingSucceed";
/// Event: the binding could not be scheduled.
pub const SCHEDULE_BINDING_FAILED: &str = "ScheduleBindingFailed";
/// Event: the binding was descheduled.
pub const DESCHEDULE_BINDING_SUCCEED: &str = "DescheduleBindingSucceed";
/// Event: the binding could not be descheduled.
pub const DESCHEDULE_BINDING_FAILED: &str = "DescheduleBindingFailed";
/// Event: a workload left a cluster.
pub const EVICT_WORKLOAD_FROM_CLUSTER_SUCCEED: &str = "EvictWorkloadFromClusterSucceed";
/// Event: a workload could not leave a cluster.
pub const EVICT_WORKLOAD_FROM_CLUSTER_FAILED: &str = "EvictWorkloadFromClusterFailed";
/// Event: the Works of the binding are up to date.
pub const SYNC_WORK_SUCCEED: &str = "SyncWorkSucceed";
/// Event: the Works of the binding could not be updated.
pub const SYNC_WORK_FAILED: &str = "SyncWorkFailed";
/// Event: Works could not be removed.
pub const CLEANUP_WORK_FAILED: &str = "CleanupWorkFailed";
/// Event: the status was aggregated.
pub const AGGREGATE_STATUS_SUCCEED: &str = "AggregateStatusSucceed";
/// Event: the status could not be aggregated.
pub const AGGREGATE_STATUS_FAILED: &str = "AggregateStatusFailed";
/// Event: dependencies follow the schedule result.
pub const SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_SUCCEED: &str = "SyncScheduleResultToDependenciesSucceed";
/// Event: dependencies could not follow the schedule result.
pub const SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_FAILED: &str = "SyncScheduleResultToDependenciesFailed";
/// Event: bindings disagree about a dependency.
pub const DEPENDENCY_POLICY_CONFLICT: &str = "DependencyPolicyConflict";
/// Event: the manifests of a Work are in the member.
pub const SYNC_SUCCEED: &str = "SyncSucceed";
/// Event: the manifests of a Work could not be written to the member.
pub const SYNC_FAILED: &str = "SyncFailed";
/// Event: dispatching of a Work was suspended or resumed.
pub const WORK_DISPATCHING: &str = "WorkDispatching";
/// Event: the member's status was read.
pub const REFLECT_STATUS_SUCCEED: &str = "ReflectStatusSucceed";
/// Event: the member's status could not be read.
pub const REFLECT_STATUS_FAILED: &str = "ReflectStatusFailed";
/// Event: the health of the member's object was judged.
pub const INTERPRET_HEALTH_SUCCEED: &str = "InterpretHealthSucceed";
/// Event: the health of the member's object could not be judged.
pub const INTERPRET_HEALTH_FAILED: &str = "InterpretHealthFailed";

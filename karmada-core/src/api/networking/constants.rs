//! Labels, annotations, finalizers, conditions and reasons of the networking group.

/// The group's name.
pub const GROUP: &str = "networking.karmada.io";

/// Label: permanent id of a MultiClusterService, on itself, its Service, its binding and its Works.
pub const MULTI_CLUSTER_SERVICE_ID_LABEL: &str = "multiclusterservice.karmada.io/permanent-id";
/// Label of a Work, annotation of a Service and a binding: namespace of the MultiClusterService.
pub const MULTI_CLUSTER_SERVICE_NAMESPACE_LABEL: &str = "multiclusterservice.karmada.io/namespace";
/// Label of a Work, annotation of a Service and a binding: name of the MultiClusterService.
pub const MULTI_CLUSTER_SERVICE_NAME_LABEL: &str = "multiclusterservice.karmada.io/name";
/// Annotation of a dispatched EndpointSlice and its Work: the cluster it comes from.
pub const ENDPOINT_SLICE_PROVISION_CLUSTER_ANNOTATION: &str = "endpointslice.karmada.io/provision-cluster";

/// Finalizer of a MultiClusterService.
pub const MULTI_CLUSTER_SERVICE_FINALIZER: &str = "karmada.io/multiclusterservice-controller";
/// Finalizer reserved for a MultiClusterService.
pub const ENDPOINT_SLICE_COLLECT_FINALIZER: &str = "karmada.io/mcs-endpointslice-collect-controller";
/// Finalizer of a Work with a collected EndpointSlice.
pub const ENDPOINT_SLICE_DISPATCH_FINALIZER: &str = "karmada.io/mcs-endpointslice-dispatch-controller";

/// Condition: the Service is in the clusters.
pub const CONDITION_SERVICE_APPLIED: &str = "ServiceApplied";
/// Condition: the EndpointSlices are in the clusters that call.
pub const CONDITION_ENDPOINT_SLICE_DISPATCHED: &str = "EndpointSliceDispatched";
/// Reason of `ServiceApplied`: it is.
pub const REASON_SERVICE_APPLIED_SUCCEED: &str = "ServiceAppliedSucceed";
/// Reason of `ServiceApplied`: it is not.
pub const REASON_SERVICE_APPLIED_FAILED: &str = "ServiceAppliedFailed";
/// Reason of `EndpointSliceDispatched`: they are.
pub const REASON_ENDPOINT_SLICE_DISPATCHED_SUCCEED: &str = "EndpointSliceDispatchedSucceed";
/// Reason of `EndpointSliceDispatched`: they are not.
pub const REASON_ENDPOINT_SLICE_DISPATCHED_FAILED: &str = "EndpointSliceDispatchedFailed";

/// Event: the Service was bound to its clusters.
pub const SYNC_SERVICE_SUCCEED: &str = "SyncServiceSucceed";
/// Event: the Service could not be bound to its clusters.
pub const SYNC_SERVICE_FAILED: &str = "SyncServiceFailed";
/// Event: an EndpointSlice was given to the clusters that call.
pub const DISPATCH_ENDPOINT_SLICE_SUCCEED: &str = "DispatchEndpointSliceSucceed";
/// Event: an EndpointSlice could not be given to the clusters that call.
pub const DISPATCH_ENDPOINT_SLICE_FAILED: &str = "DispatchEndpointSliceFailed";
/// Event: a named cluster does not exist.
pub const CLUSTER_NOT_FOUND: &str = "ClusterNotFound";
/// Event: a cluster does not serve EndpointSlices.
pub const API_INCOMPATIBLE: &str = "APIIncompatible";

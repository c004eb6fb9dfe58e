//! Labels, finalizers and reasons of the multi-cluster services group.

/// The group's name.
pub const GROUP: &str = "multicluster.x-k8s.io";

/// Label of the Work of an EndpointSlice: namespace of the service.
pub const ENDPOINT_SLICE_NAMESPACE_LABEL: &str = "endpointslice.karmada.io/namespace";
/// Label of the Work of an EndpointSlice: name of the service.
pub const ENDPOINT_SLICE_NAME_LABEL: &str = "endpointslice.karmada.io/name";
/// Label of the Work of an EndpointSlice: the kinds that need it, joined by dots.
pub const ENDPOINT_SLICE_MANAGED_BY_LABEL: &str = "endpointslice.karmada.io/managed-by";

/// Finalizer of the Work of an EndpointSlice.
pub const ENDPOINT_SLICE_FINALIZER: &str = "karmada.io/endpointslice-controller";

/// Event: the derived Service is up to date.
pub const SYNC_DERIVED_SERVICE_SUCCEED: &str = "SyncDerivedServiceSucceed";
/// Event: the derived Service could not be updated.
pub const SYNC_DERIVED_SERVICE_FAILED: &str = "SyncDerivedServiceFailed";

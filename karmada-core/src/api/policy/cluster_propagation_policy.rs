//! Kind ClusterPropagationPolicy.

use super::PropagationSpec;

kind! {
    /// Propagates cluster-scoped resources and resources of any namespace.
    ClusterPropagationPolicy, ClusterResourceScope, "policy.karmada.io", "v1alpha1", "clusterpropagationpolicies",
    spec = PropagationSpec
}

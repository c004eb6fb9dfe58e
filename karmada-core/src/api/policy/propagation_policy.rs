//! Kind PropagationPolicy.

use super::PropagationSpec;

kind! {
    /// Propagates resources of its namespace.
    PropagationPolicy, NamespaceResourceScope, "policy.karmada.io", "v1alpha1", "propagationpolicies",
    spec = PropagationSpec
}

//! Kind ClusterOverridePolicy.

use super::OverrideSpec;

kind! {
    /// Changes cluster-scoped resources and resources of any namespace for some clusters.
    ClusterOverridePolicy, ClusterResourceScope, "policy.karmada.io", "v1alpha1", "clusteroverridepolicies",
    spec = OverrideSpec
}

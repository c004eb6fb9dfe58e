//! Kind ResourceBinding.

use super::{ResourceBindingSpec, ResourceBindingStatus};

kind! {
    /// Binds a namespaced template to clusters.
    ResourceBinding, NamespaceResourceScope, "work.karmada.io", "v1alpha2", "resourcebindings",
    spec = ResourceBindingSpec, status = ResourceBindingStatus
}

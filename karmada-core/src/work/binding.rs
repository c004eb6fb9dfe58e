//! Both kinds of bindings as one.

use kube::core::ObjectMeta;

use crate::api::work::constants::{
    CLUSTER_RESOURCE_BINDING_ID_LABEL, CLUSTER_RESOURCE_BINDING_NAME_ANNOTATION, RESOURCE_BINDING_ID_LABEL,
    RESOURCE_BINDING_NAME_ANNOTATION, RESOURCE_BINDING_NAMESPACE_ANNOTATION,
};
use crate::api::work::{ClusterResourceBinding, ResourceBinding, ResourceBindingSpec, ResourceBindingStatus};

/// Whether a binding is namespaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingScope {
    /// A ResourceBinding.
    Namespaced,
    /// A ClusterResourceBinding.
    Cluster,
}

/// A binding of either kind.
#[derive(Clone, Copy, Debug)]
pub struct BindingInput<'a> {
    /// Its kind.
    pub scope: BindingScope,
    /// Its metadata.
    pub metadata: &'a ObjectMeta,
    /// Its spec.
    pub spec: &'a ResourceBindingSpec,
    /// Its status.
    pub status: Option<&'a ResourceBindingStatus>,
}

impl<'a> From<&'a ResourceBinding> for BindingInput<'a> {
    fn from(binding: &'a ResourceBinding) -> Self {
        let ResourceBinding { metadata, spec, status } = binding;
        Self { scope: BindingScope::Namespaced, metadata, spec, status: status.as_ref() }
    }
}

impl<'a> From<&'a ClusterResourceBinding> for BindingInput<'a> {
    fn from(binding: &'a ClusterResourceBinding) -> Self {
        let ClusterResourceBinding { metadata, spec, status } = binding;
        Self { scope: BindingScope::Cluster, metadata, spec, status: status.as_ref() }
    }
}

impl<'a> BindingInput<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> &'a str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Returns kind and name, as events say them.
    pub(super) fn title(&self) -> String {
        match self.scope {
            BindingScope::Namespaced => format!("ResourceBinding({}/{})", self.namespace(), self.name()),
            BindingScope::Cluster => format!("ClusterResourceBinding({})", self.name()),
        }
    }

    /// Returns the label by which the binding's Works are found, empty before admission has set it.
    pub fn id_label(&self) -> (&'static str, &'a str) {
        let key = match self.scope {
            BindingScope::Namespaced => RESOURCE_BINDING_ID_LABEL,
            BindingScope::Cluster => CLUSTER_RESOURCE_BINDING_ID_LABEL,
        };
        let labels = self.metadata.labels.as_ref();
        (key, labels.and_then(|labels| labels.get(key)).map(String::as_str).unwrap_or_default())
    }

    /// Returns the annotations that name the binding.
    pub(super) fn name_annotations(&self) -> Vec<(&'static str, &'a str)> {
        match self.scope {
            BindingScope::Namespaced => vec![
                (RESOURCE_BINDING_NAMESPACE_ANNOTATION, self.namespace()),
                (RESOURCE_BINDING_NAME_ANNOTATION, self.name()),
            ],
            BindingScope::Cluster => vec![(CLUSTER_RESOURCE_BINDING_NAME_ANNOTATION, self.name())],
        }
    }
}

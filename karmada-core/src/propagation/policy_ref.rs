//! Either kind of propagation policy.

use std::{collections::BTreeMap, fmt, sync::Arc};

use kube::core::ObjectMeta;

use crate::api::policy::{
    ClusterPropagationPolicy, PropagationPolicy, PropagationSpec,
    constants::{
        CLUSTER_PROPAGATION_POLICY_FINALIZER, CLUSTER_PROPAGATION_POLICY_ID_LABEL,
        CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION, PROPAGATION_POLICY_FINALIZER,
        PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_NAME_ANNOTATION,
        PROPAGATION_POLICY_NAMESPACE_ANNOTATION,
    },
};

/// A policy of a namespace or of the whole control plane; cheap to clone.
///
/// It prints as in events: `policy(namespace/name)` or `cluster policy(name)`.
#[derive(Clone, Debug)]
pub enum PolicyRef {
    /// A PropagationPolicy.
    Namespaced(Arc<PropagationPolicy>),
    /// A ClusterPropagationPolicy.
    Cluster(Arc<ClusterPropagationPolicy>),
}

impl PolicyRef {
    /// Returns the spec.
    pub fn spec(&self) -> &PropagationSpec {
        match self {
            Self::Namespaced(policy) => &policy.spec,
            Self::Cluster(policy) => &policy.spec,
        }
    }

    /// Returns the metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Namespaced(policy) => &policy.metadata,
            Self::Cluster(policy) => &policy.metadata,
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }

    /// Returns the namespace, empty for a cluster-wide policy.
    pub fn namespace(&self) -> &str {
        self.metadata().namespace.as_deref().unwrap_or_default()
    }

    /// Returns the permanent id, empty when the policy has none.
    pub fn id(&self) -> &str {
        let labels = self.metadata().labels.as_ref();
        labels.and_then(|labels| labels.get(self.id_label())).map_or("", String::as_str)
    }

    /// Returns the label that carries the permanent id.
    pub fn id_label(&self) -> &'static str {
        match self {
            Self::Namespaced(_) => PROPAGATION_POLICY_ID_LABEL,
            Self::Cluster(_) => CLUSTER_PROPAGATION_POLICY_ID_LABEL,
        }
    }

    /// Returns the finalizer of this kind of policy.
    pub fn finalizer(&self) -> &'static str {
        match self {
            Self::Namespaced(_) => PROPAGATION_POLICY_FINALIZER,
            Self::Cluster(_) => CLUSTER_PROPAGATION_POLICY_FINALIZER,
        }
    }

    /// Returns true when deletion of the policy has begun.
    pub fn is_terminating(&self) -> bool {
        self.metadata().deletion_timestamp.is_some()
    }

    /// Returns the explicit priority; none counts as zero.
    pub fn priority(&self) -> i32 {
        self.spec().priority.unwrap_or_default()
    }

    /// Returns the labels of what the policy claims.
    pub fn claim_labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(self.id_label().to_owned(), self.id().to_owned())])
    }

    /// Returns the annotations of what the policy claims.
    pub fn claim_annotations(&self) -> BTreeMap<String, String> {
        let name = self.name().to_owned();
        match self {
            Self::Namespaced(_) => BTreeMap::from([
                (PROPAGATION_POLICY_NAMESPACE_ANNOTATION.to_owned(), self.namespace().to_owned()),
                (PROPAGATION_POLICY_NAME_ANNOTATION.to_owned(), name),
            ]),
            Self::Cluster(_) => {
                BTreeMap::from([(CLUSTER_PROPAGATION_POLICY_NAME_ANNOTATION.to_owned(), name)])
            }
        }
    }
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespaced(_) => write!(f, "policy({}/{})", self.namespace(), self.name()),
            Self::Cluster(_) => write!(f, "cluster policy({})", self.name()),
        }
    }
}

impl From<Arc<PropagationPolicy>> for PolicyRef {
    fn from(policy: Arc<PropagationPolicy>) -> Self {
        Self::Namespaced(policy)
    }
}

impl From<Arc<ClusterPropagationPolicy>> for PolicyRef {
    fn from(policy: Arc<ClusterPropagationPolicy>) -> Self {
        Self::Cluster(policy)
    }
}

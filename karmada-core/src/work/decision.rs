//! What is to be done for a binding.

use super::{Event, PruneError};
use crate::api::work::Work;
use crate::interpreter::InterpretError;
use crate::overriding::OverrideError;

/// What is to be done for a binding.
#[derive(Debug, Default)]
pub struct WorksDecision {
    /// Works that no cluster should have any more.
    pub orphans: Vec<OrphanWork>,
    /// Whether everything else waits until the Works of evicted clusters are gone: look again in 5 seconds.
    pub waits_for_purge: bool,
    /// Works to write, by cluster; Works that are as they should be are not listed.
    pub writes: Vec<WorkWrite>,
    /// Clusters for which there is no Work, and why.
    pub failures: Vec<ClusterFailure>,
    /// Events about overrides and about the result.
    pub events: Vec<Event>,
}

/// A Work to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrphanWork {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl OrphanWork {
    /// Names a Work.
    pub fn of(work: &Work) -> Self {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        Self { namespace: text(&work.metadata.namespace), name: text(&work.metadata.name) }
    }
}

/// A Work to write, whole.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkWrite {
    /// There is none yet.
    Create(Box<Work>),
    /// It differs; the resource version is the one it was computed from.
    Update(Box<Work>),
}

impl WorkWrite {
    /// Returns the Work as it should be.
    pub fn work(&self) -> &Work {
        match self {
            Self::Create(work) | Self::Update(work) => work,
        }
    }
}

/// A cluster that gets no Work.
#[derive(Debug)]
pub struct ClusterFailure {
    /// The cluster.
    pub cluster: String,
    /// Why.
    pub error: WorkError,
}

/// A Work cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The cluster is not known.
    #[error("clusters.cluster.karmada.io {name:?} not found")]
    ClusterNotFound {
        /// The cluster.
        name: String,
    },
    /// The replicas cannot be set.
    #[error("failed to revise replicas for cluster {cluster}")]
    Revise {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: InterpretError,
    },
    /// The override policies do not apply.
    #[error("failed to apply overrides for cluster {cluster}")]
    Override {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: OverrideError,
    },
    /// The manifest cannot be pruned.
    #[error("failed to prune the manifest for cluster {cluster}")]
    Prune {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: PruneError,
    },
    /// The Work is being deleted; its successor has to wait.
    #[error("work {namespace}/{name} is being deleted")]
    Terminating {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

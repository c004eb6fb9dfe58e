//! What the simulation says about one resource.

use std::fmt;

use serde_json::Value;

use super::{ManifestError, Note};
use crate::{
    api::work::TargetCluster,
    propagation::{Binding, PropagationError, TemplateKey},
    scheduling::{Attempt, ClusterIndex, ScheduleError, Trigger},
};

/// What becomes of one resource.
#[derive(Debug)]
pub struct Record {
    /// The position of the resource in the input.
    pub object: usize,
    /// Its kind and name; the namespace is filled in.
    pub key: TemplateKey,
    /// The policy that propagates it.
    pub policy: Option<PolicyName>,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why the scheduler looked at it; none when an earlier result stands or nobody scheduled it.
    pub trigger: Option<Trigger>,
    /// What the scheduler tried, one attempt per affinity group, with a verdict on every cluster.
    pub attempts: Vec<Attempt>,
    /// The workloads that need it and take it along to their clusters.
    pub required_by: Vec<TemplateKey>,
    /// Which override policies change it, and where; clusters where none does are left out.
    pub overrides: Vec<OverrideUse>,
    /// What else there is to know.
    pub notes: Vec<Note>,
    /// The position of the template in the world.
    pub(super) template: usize,
    /// The template with the claim of its policy; none when it is as in the input.
    pub(super) claimed: Option<Value>,
    pub(super) destination: Destination,
    /// The clusters of the earlier result.
    pub(super) held: Vec<TargetCluster>,
}

/// Where a resource goes.
#[derive(Debug)]
pub(super) enum Destination {
    Nowhere,
    /// To the clusters of its binding.
    Binding(Box<Binding>),
    /// To these clusters, without a binding.
    Clusters(Vec<TargetCluster>),
}

/// What becomes of a resource.
#[derive(Debug)]
pub enum Outcome {
    /// It has clusters.
    Placed(Mode),
    /// A policy propagates it, but the scheduler finds no clusters for it.
    NotScheduled(Obstacle),
    /// Nobody propagates it.
    NotPropagated(Reason),
    /// It cannot be propagated.
    Failed(PropagationError),
}

/// How a resource is spread over its clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every cluster gets all replicas.
    Duplicated,
    /// The replicas are shared out.
    Divided,
    /// It has no replicas: every cluster gets a copy.
    Copied,
    /// It goes where the workloads that need it go.
    Following,
    /// It goes to every member, without a policy.
    Everywhere,
}

/// Why the scheduler finds no clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No clusters fit.
    NoFit(ScheduleError),
    /// Its policy names a scheduler that is not simulated.
    OtherScheduler {
        /// The scheduler.
        name: String,
    },
    /// Scheduling is suspended.
    Suspended,
}

/// Why nobody propagates a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No policy selects it, and nothing that is propagated needs it.
    NoPolicy,
    /// Workloads that have no clusters need it.
    NothingToFollow,
    /// Objects of its namespace are never propagated.
    NamespaceSkipped {
        /// The namespace.
        namespace: String,
    },
    /// Objects of its API are never propagated.
    ApiSkipped,
    /// It is being deleted.
    Deleted,
    /// A controller, not a policy, propagates it.
    ClaimedByController,
}

/// Names a propagation policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyName {
    /// Its position in the input.
    pub object: usize,
    /// Its namespace; empty for a ClusterPropagationPolicy.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Override policies that change a resource in some clusters.
#[derive(Debug)]
pub struct OverrideUse {
    /// The clusters, as in the snapshot of the world.
    pub clusters: Vec<ClusterIndex>,
    /// The policies, in the order in which they are listed on the object.
    pub policies: Vec<OverrideName>,
    /// Why they do not apply.
    pub error: Option<ManifestError>,
}

/// Names an override policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverrideName {
    /// Its position in the input.
    pub object: usize,
    /// Its namespace; empty for a ClusterOverridePolicy.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Record {
    /// Returns the clusters it goes to, each once, in the order in which they are stored.
    ///
    /// A resource that cannot be scheduled may still have clusters: those it had before, and those
    /// of workloads that need it.
    pub fn targets(&self) -> impl Iterator<Item = &TargetCluster> {
        let (binding, listed) = match &self.destination {
            Destination::Nowhere => (None, [].as_slice()),
            Destination::Binding(binding) => (Some(binding.spec()), [].as_slice()),
            Destination::Clusters(clusters) => (None, clusters.as_slice()),
        };
        // Snapshots of workloads that need it list only clusters that are new.
        let following = binding.into_iter().flat_map(|spec| &spec.required_by);
        let bound = binding.into_iter().flat_map(|spec| &spec.clusters);
        bound.chain(following.flat_map(|snapshot| &snapshot.clusters)).chain(listed)
    }

    /// Returns the clusters that it had before, by an earlier result in the input.
    pub fn before(&self) -> &[TargetCluster] {
        &self.held
    }

    /// Returns true when it could not be placed as its policy wants, or could not be changed as its
    /// override policies want.
    pub fn is_failure(&self) -> bool {
        matches!(self.outcome, Outcome::NotScheduled(_) | Outcome::Failed(_))
            || self.overrides.iter().any(|change| change.error.is_some())
    }

    /// Returns the replicas it wants in all; none for resources without replicas.
    pub fn replicas(&self) -> Option<i32> {
        match &self.destination {
            Destination::Binding(binding) if binding.spec().is_workload() => Some(binding.spec().replicas),
            _ => None,
        }
    }

    /// Returns the binding that the control plane would have for it.
    pub fn binding(&self) -> Option<&Binding> {
        match &self.destination {
            Destination::Binding(binding) => Some(binding),
            _ => None,
        }
    }
}

impl PolicyName {
    /// Returns its kind.
    pub fn kind(&self) -> &'static str {
        if self.namespace.is_empty() { "ClusterPropagationPolicy" } else { "PropagationPolicy" }
    }
}

impl OverrideName {
    /// Returns its kind.
    pub fn kind(&self) -> &'static str {
        if self.namespace.is_empty() { "ClusterOverridePolicy" } else { "OverridePolicy" }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFit(error) => error.fmt(f),
            Self::OtherScheduler { name } => {
                write!(f, "the scheduler {name} decides, which is not simulated")
            }
            Self::Suspended => f.write_str("scheduling is suspended"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPolicy => f.write_str("no policy selects it"),
            Self::NothingToFollow => f.write_str("the workloads that need it have no clusters"),
            Self::NamespaceSkipped { namespace } => {
                write!(f, "objects of namespace {namespace} are never propagated")
            }
            Self::ApiSkipped => f.write_str("objects of its kind are never propagated"),
            Self::Deleted => f.write_str("it is being deleted"),
            Self::ClaimedByController => f.write_str("a controller propagates it"),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicated => "Duplicated",
            Self::Divided => "Divided",
            Self::Copied => "Copied",
            Self::Following => "Following",
            Self::Everywhere => "Everywhere",
        })
    }
}

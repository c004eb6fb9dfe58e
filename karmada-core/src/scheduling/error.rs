//! Why a binding could not be scheduled.

/// Why a binding could not be scheduled.
///
/// The text is what users of upstream see in the condition and the event of a binding, so it
/// keeps upstream's words and is complete by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Every cluster was refused.
    #[error("0/{total} clusters are available: {}.", reasons_text(reasons))]
    NoClusterFit {
        /// The number of clusters, with those that are being deleted.
        total: usize,
        /// How many clusters were refused for which reason, sorted by the text.
        reasons: Vec<(usize, String)>,
    },
    /// There are fewer clusters than the cluster constraint wants.
    #[error(
        "failed to select clusters: the number of feasible clusters is less than spreadConstraint.MinGroups"
    )]
    TooFewClusters,
    /// There are fewer regions than the region constraint wants.
    #[error(
        "failed to select clusters: the number of feasible region is less than spreadConstraint.MinGroups"
    )]
    TooFewRegions,
    /// No allowed set of regions has the clusters that the cluster constraint wants.
    #[error(
        "failed to select clusters: the number of clusters is less than the cluster spreadConstraint.MinGroups"
    )]
    TooFewClustersInRegions,
    /// The clusters that may be selected have too little room together.
    #[error("failed to select clusters: no enough resource when selecting {selected} clusters")]
    TooLittleRoom {
        /// How many clusters may be selected.
        selected: usize,
    },
    /// The constraints spread neither by cluster nor by region.
    #[error("failed to select clusters: just support cluster and region spread constraint")]
    UnsupportedConstraint,
    /// The constraints leave no cluster.
    #[error("failed to assign replicas: no clusters available to schedule")]
    NoClusterSelected,
    /// The way to share replicas is not known.
    #[error(
        "failed to assign replicas: unsupported replica scheduling strategy, replicaSchedulingType: {scheduling_type}, replicaDivisionPreference: {preference}, please try another scheduling strategy"
    )]
    UnsupportedStrategy {
        /// The placement's `replicaSchedulingType`.
        scheduling_type: String,
        /// The placement's `replicaDivisionPreference`.
        preference: String,
    },
    /// The selected clusters have too little room for the replicas.
    #[error(
        "failed to assign replicas: failed to {step}: Clusters available replicas {available} are not enough to schedule."
    )]
    NotEnoughReplicas {
        /// What was tried.
        step: DivisionStep,
        /// The room of all selected clusters.
        available: i64,
    },
    /// The group and all it may overflow into have too little room for the replicas.
    #[error("failed to assign replicas: Clusters available replicas are not enough to schedule.")]
    NotEnoughOverflow,
}

/// A way to divide replicas over clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DivisionStep {
    /// Adding replicas to what is there.
    ScaleUp,
    /// Taking replicas away from what is there.
    ScaleDown,
    /// From scratch.
    Fresh,
}

impl std::fmt::Display for DivisionStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ScaleUp => "scale up",
            Self::ScaleDown => "scale down",
            Self::Fresh => "do fresh scale",
        })
    }
}

/// What a failure means for the binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleErrorKind {
    /// No cluster fits: the old clusters are taken away, and nothing is tried again by itself.
    NoFit,
    /// Too little room: tried again after a while.
    Unschedulable,
    /// Anything else: tried again soon.
    Other,
}

impl ScheduleError {
    /// Returns what the failure means for the binding.
    pub fn kind(&self) -> ScheduleErrorKind {
        match self {
            Self::NoClusterFit { .. } => ScheduleErrorKind::NoFit,
            Self::NotEnoughReplicas { .. } | Self::NotEnoughOverflow => ScheduleErrorKind::Unschedulable,
            _ => ScheduleErrorKind::Other,
        }
    }
}

fn reasons_text(reasons: &[(usize, String)]) -> String {
    if reasons.is_empty() {
        return "no cluster exists".to_owned();
    }
    let texts: Vec<String> = reasons.iter().map(|(count, reason)| format!("{count} {reason}")).collect();
    texts.join(", ")
}

//! What an estimate is limited by.

/// What the number of replicas that fit into a cluster is limited by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Nothing was counted, or nothing is limited: all replicas fit.
    #[default]
    None,
    /// The cluster has not reported what it has.
    NotReported,
    /// How many more pods the cluster allows.
    Pods,
    /// A resource; its place among those the workload asks for, sorted by name.
    Resource(u16),
    /// A resource that the cluster does not have; its place among those the workload asks for.
    MissingResource(u16),
    /// What fits on single nodes, by the grades of the cluster's nodes.
    Nodes,
    /// The answer of an accurate estimator.
    Estimator,
}

/// An estimate that gets lower with every limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    pub(super) replicas: i64,
    pub(super) limit: Limit,
}

impl Estimate {
    pub(super) fn new(replicas: i64, limit: Limit) -> Self {
        Self { replicas, limit }
    }

    /// Takes the lower of two estimates; of equals the first.
    pub(super) fn at_most(self, replicas: i64, limit: Limit) -> Self {
        if replicas < self.replicas { Self { replicas, limit } } else { self }
    }
}

/// Returns the place of a resource as a limit holds it.
pub(super) fn place(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

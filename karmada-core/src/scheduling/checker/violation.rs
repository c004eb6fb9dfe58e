//! What a result can do wrong.

use crate::scheduling::Plugin;

/// A promise that a result does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// There is not one verdict per cluster, in the order of names.
    VerdictsMissing,
    /// A cluster is in the result twice.
    ClusterTwice(String),
    /// A cluster in the result does not exist.
    ClusterUnknown(String),
    /// A cluster in the result must not have the workload.
    ClusterRefused(String),
    /// Other plugins stand against a cluster than its verdict says.
    RefusalsWrong {
        /// The cluster.
        cluster: String,
        /// The plugins that stand against it.
        wanted: Vec<Plugin>,
        /// The plugins of the verdict.
        got: Vec<Plugin>,
    },
    /// A cluster has other room than its verdict says.
    EstimateWrong {
        /// The cluster.
        cluster: String,
        /// The room.
        wanted: i64,
        /// The estimate of the verdict.
        got: i64,
    },
    /// A cluster has another share in its verdict than in the result.
    VerdictWrong(String),
    /// Divided replicas do not add up.
    ReplicasWrong {
        /// The sum of the result.
        assigned: i64,
        /// The replicas of the binding.
        wanted: i64,
    },
    /// A cluster does not have all replicas, though they are duplicated.
    CopyIncomplete(String),
    /// A cluster that may have a copy has none, though nothing limits their number.
    CopyMissing(String),
    /// More or fewer clusters than a constraint allows.
    ClusterCountWrong {
        /// The clusters that were selected.
        selected: usize,
        /// The least and the most that are allowed.
        allowed: (i64, i64),
    },
    /// More or fewer regions than a constraint allows.
    RegionCountWrong {
        /// The regions of the selected clusters.
        selected: usize,
        /// The least and the most that are allowed.
        allowed: (i64, i64),
    },
    /// A cluster got more new replicas than there is room for.
    NoRoom(String),
    /// A tier got replicas though one before it has room.
    OverflowTooEarly(String),
    /// A result without a replica has counts of components that are not the binding's.
    ComponentsWrong(String),
    /// A division does not hand out what it says, or not by weight.
    DivisionUnfair,
    /// It failed though it could be done.
    FailedWithoutNeed,
    /// Something was placed though no cluster may have it.
    PlacedWithoutCluster,
}

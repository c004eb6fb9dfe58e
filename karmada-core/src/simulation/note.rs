//! What else there is to know about a resource.

use std::fmt;

use crate::{interpreter::DependentReference, propagation::TemplateKey};

/// Something to know about what becomes of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Too little room: only some replicas would fit.
    Room {
        /// How many would fit.
        fitting: i64,
        /// How many are wanted.
        wanted: i64,
    },
    /// It stays where it is, as no better place was found.
    Kept,
    /// No policy selects it any more; it stays where its binding has it.
    PolicyGone,
    /// It was placed before, for an older object of its name; that placement does not count.
    BindingOfOlderObject,
    /// Members get no changes while dispatching is suspended.
    DispatchingSuspended {
        /// The clusters; empty means all.
        clusters: Vec<String>,
    },
    /// It is leaving a cluster, which keeps it until the new places are healthy.
    Leaving {
        /// The cluster.
        cluster: String,
    },
    /// It needs an object that is not in the input.
    MissingDependency(DependentReference),
    /// What it needs cannot be read.
    UnreadableDependencies {
        /// Why.
        message: String,
    },
    /// The binding that it would get as a dependency is another object's.
    NameTaken {
        /// The other object.
        holder: TemplateKey,
    },
    /// The policies of the workloads that need it disagree.
    PoliciesDisagree {
        /// In what.
        message: String,
    },
    /// A policy took it from another one.
    Preempted {
        /// Who from whom.
        message: String,
    },
    /// A cluster of its earlier result is not in the input.
    UnknownCluster {
        /// The cluster.
        cluster: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room { fitting: 0, wanted } => write!(f, "none of {wanted} replicas fits"),
            Self::Room { fitting, wanted } => {
                write!(f, "{} of {wanted} replicas fit nowhere", wanted - fitting)
            }
            Self::Kept => f.write_str("stays where it is"),
            Self::PolicyGone => f.write_str("no policy selects it any more; it stays where it is"),
            Self::BindingOfOlderObject => {
                f.write_str("its binding is that of an older object of the same name and does not count")
            }
            Self::DispatchingSuspended { clusters } if clusters.is_empty() => {
                f.write_str("dispatching is suspended: members get no changes")
            }
            Self::DispatchingSuspended { clusters } => {
                write!(f, "dispatching is suspended: no changes for {}", clusters.join(", "))
            }
            Self::Leaving { cluster } => write!(f, "is leaving {cluster}"),
            Self::MissingDependency(reference) => {
                let DependentReference { kind, namespace, name, .. } = reference;
                write!(f, "needs {kind} {namespace}/{name}, which is not in the input")
            }
            Self::UnreadableDependencies { message } => {
                write!(f, "what it needs cannot be read: {message}")
            }
            Self::NameTaken { holder } => {
                write!(f, "cannot follow: its binding would have the name of that of {holder}")
            }
            Self::PoliciesDisagree { message } | Self::Preempted { message } => f.write_str(message),
            Self::UnknownCluster { cluster } => write!(f, "cluster {cluster} is not in the input"),
        }
    }
}

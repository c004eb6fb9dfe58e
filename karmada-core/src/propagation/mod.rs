//! The detector: which policy propagates a template, and the binding it makes.

mod affinity;

pub use affinity::{ClusterFacts, CompiledAffinity, cluster_matches};

//! Group `remedy.karmada.io`: what to do about conditions of clusters.

pub mod constants;
#[expect(clippy::module_inception, reason = "one file per kind, and the kind is named like its group")]
mod remedy;

pub use remedy::{
    ClusterAffinity, ClusterConditionOperator, ClusterConditionRequirement, DecisionMatch, Remedy,
    RemedyAction, RemedySpec,
};

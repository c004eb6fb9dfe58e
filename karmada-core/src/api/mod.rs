//! Karmada's wire types, constants and CustomResourceDefinitions.
//!
//! One folder per API group, one file per kind. Names, JSON fields and their order are
//! upstream's. Fields follow Go's `omitempty` habits: a plain `String`, `Vec`, map, `bool` or
//! integer is left out of the JSON when it is empty or zero, an `Option` when it is `None`.
//! Enumerations are open: a value that is not known decodes as `Other`, so one strange object
//! never breaks the list it is in.

#[macro_use]
mod kind;
#[macro_use]
mod string_enum;

pub mod apps;
pub mod autoscaling;
pub mod cluster;
pub mod config;
mod crds;
pub mod features;
mod meta;
pub mod multicluster;
pub mod networking;
pub mod policy;
pub mod remedy;
pub mod reserved;
mod schema;
pub mod work;

pub use crds::{crds, generate_crds};
pub use features::{Feature, FeatureGateError, FeatureGates};
pub use meta::{
    Condition, LabelSelector, NodeSelector, NodeSelectorTerm, ResourceList, SelectorRequirement, Toleration,
};

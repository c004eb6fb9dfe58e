//! How many replicas fit into a cluster, from what the cluster reports about itself.

mod assumed;
mod capacity;
mod components;
mod demand;
mod general;
mod limit;
mod models;

pub(super) use assumed::Footprint;
pub use assumed::{AssumedWorkload, AssumedWorkloads};
pub(super) use capacity::Capacity;
pub(super) use general::{Estimator, places_component_sets};
pub use limit::Limit;

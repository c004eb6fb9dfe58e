//! Dividing replicas over the selected clusters; one file per strategy.

mod aggregated;
mod components;
mod dispense;
mod divide;
mod duplicated;
mod dynamic;
mod go_sort;
mod overflow;
mod static_weight;
mod strategy;

pub use dispense::dispense_replicas;
pub(super) use dispense::priority;
pub(super) use divide::assign_replicas;

//! What the scheduler does with a binding: when to schedule it, and what to write.

mod applied_placement;
mod binding;
mod decision;
mod queue;
mod triggers;

pub use binding::{
    BindingInput, PlacedBinding, PlacementResult, place_binding, quota_exceeded, reconcile_binding,
};
pub use decision::{Attempt, BindingChange, BindingDecision, BindingEvent, EventKind, Retry, StatusChange};
pub use queue::{is_affected_by_cluster, is_in_charge};
pub use triggers::{Trigger, needs_scheduling};

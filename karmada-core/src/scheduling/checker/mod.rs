//! An independent check of scheduling results.
//!
//! It works from Cluster objects and the binding alone, and shares no code with the scheduler
//! but the types: what a placement promises is written down here a second time, slowly and
//! plainly. Tests run it on everything they schedule.

mod eligibility;
mod placement;
mod room;
mod violation;

pub use placement::{PlacementCheck, check_placement};
pub use violation::Violation;

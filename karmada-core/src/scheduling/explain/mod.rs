//! Decisions in plain English: what every cluster got and why, and what would have to change.
//!
//! Nothing here runs while scheduling. [`Decision::explain`](super::Decision::explain) looks at
//! a decision together with the input it was made from, and makes sentences when they are read.

mod cluster;
mod explanation;
mod mismatch;
mod obstacle;
mod room;
mod selection;
mod share;
#[cfg(test)]
mod tests;
mod words;

pub use cluster::{ClusterExplanation, Outcome, RefusalExplanation, ScorePart};
pub use explanation::Explanation;
pub use obstacle::Obstacle;
pub use room::RoomExplanation;
pub use share::{Rounding, ShareExplanation};

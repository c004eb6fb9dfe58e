//! The way of one object from template to members: what is there, what is stuck, and why.
//!
//! [`Facts::read`] asks the control plane, [`Report::of`] judges, [`render`] prints. Only the first needs a server.

mod facts;
mod judge;
mod render;
mod report;

pub use facts::{Facts, Subject, find_subjects};
pub use render::render;
pub use report::{BindingState, ClusterState, PolicyState, Problem, Report, Verdict, Warning};

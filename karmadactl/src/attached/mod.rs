//! The control loops over an API server that somebody else runs.
//!
//! [`prepare`] gives such a server Karmada's kinds; [`election::run`] runs the loops there, one process at a time;
//! [`once::converge`] runs them until there is nothing left to do. [`observe`] serves health and metrics.

pub mod election;
pub mod observe;
pub mod once;
pub mod prepare;

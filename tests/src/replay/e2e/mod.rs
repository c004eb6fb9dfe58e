//! Replays end to end scenarios against an embedded control plane and embedded members, or real ones ([`real`]).
//!
//! Members are driven by the control plane or by agents ([`run_pulled`]); [`takeover`] lets our loops take over from upstream.
//!
//! [`scenario`] runs the steps, [`client`] speaks JSON to one API server, [`state`] reads objects and [`normalise`]
//! brings them into the form of the recording, [`expectation`] compares.

mod agents;
mod archive;
mod baseline;
pub mod client;
pub mod expectation;
pub mod fleet;
mod footprint;
pub mod journal;
mod listing;
pub mod normalise;
mod program;
mod real;
mod recorded;
pub mod scenario;
pub mod start;
pub mod state;
pub mod steps;
pub mod switch;
pub mod takeover;

pub use fleet::Fleet;
pub use real::RealScenarios;
pub use scenario::{run, run_pulled};

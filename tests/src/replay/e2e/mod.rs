//! Replays end to end scenarios against an embedded control plane and embedded members, or real ones ([`real`]).
//!
//! [`scenario`] runs the steps, [`client`] speaks JSON to one API server, [`state`] reads objects and [`normalise`]
//! brings them into the form of the recording, [`expectation`] compares.

mod baseline;
pub mod client;
pub mod expectation;
pub mod fleet;
pub mod normalise;
mod program;
mod real;
pub mod scenario;
pub mod start;
pub mod state;
pub mod steps;
pub mod switch;

pub use fleet::Fleet;
pub use real::RealScenarios;
pub use scenario::run;

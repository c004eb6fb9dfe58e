//! What the tests of the workspace share: vector replay, end to end and fault tests.
//!
//! [`replay`] runs recorded cases against this implementation. Start reading there.

pub mod availability;
pub mod convergence;
pub mod faults;
pub mod kubectl;
pub mod linearizability;
pub mod ports;
pub mod process;
pub mod random;
pub mod replay;
pub mod rig;
pub mod writes;

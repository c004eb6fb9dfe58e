//! Push-mode registration: joining a member cluster to the control plane and taking it out again.
//!
//! Joining leaves credentials in both clusters (see [`footprint`]) and ends with the Cluster
//! object, so a join that failed in the middle is repeated by joining again. Unjoining removes
//! the Cluster first and the credentials in the member last, for the same reason.

pub mod footprint;
mod register;
mod remove;

pub use register::{JoinError, JoinOptions, JoinOutcome, Mode, join_cluster};
pub(crate) use register::{Side, Tokens, ensure_error, identity, prepare_member};
pub use remove::{Removal, UnjoinError, UnjoinOptions, UnjoinOutcome, UnjoinStep, unjoin_cluster};

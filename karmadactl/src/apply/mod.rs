//! Applying objects: created when they are missing, changed as far as the file says something new.
//!
//! [`apply_object`] takes one object to the server; [`policy_for`] makes the policy that carries it to members.

mod object;
mod policy;

pub use object::{Applied, ApplyMode, Outcome, apply_object};
pub(crate) use policy::go_kind;
pub use policy::{PolicyFor, policy_for};

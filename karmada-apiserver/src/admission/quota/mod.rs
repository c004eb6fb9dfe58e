//! ResourceQuotas: what a namespace may hold, and what it uses.

mod reserve;
mod scope;
mod usage;

pub(crate) use scope::matches;
pub(crate) use usage::{count_name, usage};

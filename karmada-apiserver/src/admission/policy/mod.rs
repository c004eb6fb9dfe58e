//! Admission policies: rules about requests as expressions, kept in the cluster.
//!
//! [`Policies`] keeps the compiled policies with their bindings; [`validate`] judges a request by those that match it.

mod compiled;
mod evaluate;
mod params;
mod snapshot;
#[cfg(test)]
mod tests;

pub(crate) use evaluate::validate;
pub(crate) use snapshot::{Policies, may_refuse};

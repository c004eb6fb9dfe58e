//! Taking an object of a member over into the control plane.
//!
//! [`template`] and [`policy`] say what is created, [`promote`] creates it.

mod plan;
mod run;

pub use plan::{PolicyOptions, TemplateError, policy, template};
pub use run::{Dependency, PolicyWish, PromoteError, PromoteRequest, Promoted, Step, ToldBy, promote};

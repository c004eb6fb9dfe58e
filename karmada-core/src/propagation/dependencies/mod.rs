//! Dependencies follow the schedule result of what needs them.
//!
//! The binding that asks for its dependencies is the *independent* one; each dependency gets an
//! *attached* binding, which has no placement of its own and goes where the bindings that refer to
//! it go. Start at [`wanted_dependencies`] and [`reconcile_dependencies`].

mod attached;
mod decision;
mod index;
mod lookup;
mod reconcile;
mod text;
mod wanted;

pub use decision::{AttachedEvent, AttachedWrite, DependenciesDecision, DependenciesError};
pub use index::DependencyIndex;
pub use lookup::{DependencyLookup, DependencyObject};
pub use reconcile::{DependenciesInput, reconcile_dependencies};
pub use wanted::{WantedDependencies, interpret_failed_event, wanted_dependencies};

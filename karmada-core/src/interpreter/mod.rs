//! Resource semantics: what replicas, status, health and dependencies mean for each kind.
//!
//! [`Interpreter`] asks its layers in order; the first one that has the operation for the kind answers, and an
//! error of it is the answer too. [`NativeInterpreter`] is the last layer: Kubernetes' built-in kinds, one file each;
//! [`ThirdPartyInterpreter`] above it has the kinds of well-known projects.

mod chain;
mod dependency;
mod empties;
mod error;
mod fields;
mod kinds;
pub mod lua;
mod native;
#[cfg(test)]
mod native_fuzz;
mod operation;
mod thirdparty;
pub mod webhook;

pub use chain::{Interpreter, ResourceInterpreter};
pub use dependency::DependentReference;
pub use error::InterpretError;
pub use native::{NativeInterpreter, NativeOptions};
pub use operation::{ObjectKind, Operation};
pub use thirdparty::ThirdPartyInterpreter;

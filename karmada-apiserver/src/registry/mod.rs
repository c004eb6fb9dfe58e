//! The kinds the server knows: a built-in table, CRDs, and their compiled schemas.
//!
//! [`Registry`] is a value: a change of a CRD makes a new one that shares everything else. [`prepare`] takes an object
//! through the rules of its [`Resource`] before it is stored, [`table`] prints objects as the server-side columns of
//! `kubectl get`, [`Registry::discovery`] answers the discovery and OpenAPI paths.

mod body;
mod built_in;
mod catalog;
pub mod crd;
mod definitions;
mod discovery;
mod field_error;
mod format;
mod kinds;
mod metadata;
mod names;
pub mod prepare;
mod quantity;
mod resource;
pub mod schema;
pub mod structural;
pub mod table;
mod trail;
mod typed;
pub mod validate;
mod wire;

pub use body::{Body, Problem};
pub use catalog::Registry;
pub use discovery::Document;
pub(crate) use field_error::quote;
pub use field_error::{FieldError, FieldErrorKind};
pub(crate) use format::matches as check_format;
pub(crate) use kinds::AUTOSCALER_METRICS;
pub(crate) use names::problems as name_problems;
pub use prepare::{
    FieldValidation, Lookup, Persistence, PrepareContext, PrepareError, UpdateTarget, Warnings,
    prepare_create, prepare_update,
};
pub(crate) use quantity::Quantity;
pub use resource::{Column, Conversion, LazySchema, Origin, Resource, ScalePaths, Subresource};
pub use schema::{ListType, Schema};
pub use table::{IncludeObject, table};
pub use typed::Mismatch;

//! How a patch or an applied object becomes the new object, and who owns which field.
//!
//! Pure functions on JSON values and compiled schemas: [`json_patch`], [`merge_patch`], [`strategic_merge_patch`] and
//! server-side [`apply`] with [`managed_fields`]. Nothing here stores, validates or defaults an object.

pub mod apply;
mod compare;
pub mod error;
pub mod field_name;
pub mod field_path;
pub mod field_set;
mod go_text;
mod json;
pub mod managed_fields;
mod managers;
mod merge;
mod merge_typed;
mod remove;
mod renewal;
mod reset;
mod scale_owners;
mod strategic;
mod strategic_list;
pub mod target;
#[cfg(test)]
mod testing;
mod typed;
mod validate;
mod zero;

pub use apply::{ApplyError, ApplyOptions, Conflict, Force};
pub use error::PatchError;
pub use field_set::FieldSet;
pub use go_text::{decode_json, go_value};
pub(crate) use json::apply as apply_operations;
pub use json::json_patch;
pub use managed_fields::{Operation, Update};
pub use merge::merge_patch;
pub use scale_owners::update_scale;
pub use strategic::strategic_merge_patch;
pub use target::{Origin, Target};

//! CustomResourceDefinitions: from a stored object to resources.

mod compile;
mod defaults;
pub(crate) mod openapi;
mod resources;
mod status;
mod structural_rules;
mod validate;
mod versions;

pub use compile::compile_schema;
pub(crate) use defaults::{apply_defaults, initial_status, note_storage_version};
pub use resources::{NamesConflict, names_conflict, resources};
pub use status::status;
pub(crate) use validate::{validate, warnings};
pub use versions::compare_versions;

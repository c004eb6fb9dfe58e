//! CustomResourceDefinitions: from a stored object to resources.

mod compile;
mod defaults;
pub(crate) mod openapi;
mod resources;
mod rule_checks;
mod rules;
mod status;
mod structural_rules;
mod validate;
mod versions;

pub use compile::compile_schema;
pub(crate) use defaults::{apply_defaults, initial_status, note_storage_version};
pub use resources::{NamesConflict, names_conflict, resources};
pub use rules::RuleNode;
pub(in crate::registry) use rules::check_rules;
pub use status::status;
pub(crate) use validate::validate;
pub use versions::compare_versions;

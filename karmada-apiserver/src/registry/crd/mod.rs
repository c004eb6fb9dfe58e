//! CustomResourceDefinitions: from a stored object to resources.

mod compile;
pub(crate) mod openapi;
mod resources;
mod status;
mod versions;

pub use compile::compile_schema;
pub use resources::{names_conflict, resources};
pub use status::status;
pub use versions::compare_versions;

//! Picking values out of objects: JSONPath templates, custom columns and Go templates.

mod custom_columns;
mod go_template;
mod json_path;
mod relaxed;
mod scan;

pub use custom_columns::{ColumnsError, CustomColumns};
pub use go_template::{GoTemplate, GoTemplateError};
pub use json_path::{JsonPath, JsonPathError, MissingKeys};
pub use relaxed::relaxed;
pub use scan::text_of;

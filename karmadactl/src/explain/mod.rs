//! What fields a kind has, out of a server's OpenAPI documents.

mod render;
mod schema;

pub use render::{Depth, header, render};
pub use schema::{ExplainError, Explained, explain};

//! The kinds the server knows: a built-in table, CRDs, and their compiled schemas.

pub mod schema;

pub use schema::{ListType, Schema};

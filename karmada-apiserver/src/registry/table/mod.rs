//! Objects as a server-side `Table`.

mod age;
mod cells;
mod core;
mod json_path;
mod pod;
mod print;
mod scaler;
mod simple;
mod workload;

pub(crate) use json_path::JsonPath;
pub(crate) use print::held_metadata;
pub use print::{IncludeObject, table};

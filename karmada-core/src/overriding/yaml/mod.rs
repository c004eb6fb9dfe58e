//! YAML text as Go's tools read and write it.
//!
//! They read YAML 1.1 scalars (`yes` is true, `0644` is octal) and write block style with sorted keys, list
//! items not indented, and strings quoted when YAML 1.1 would read anything else.

mod print;
mod read;

pub use print::print;
pub use read::{YamlError, parse};

//! Kubernetes' built-in types as Go clients see them.
//!
//! Some rules convert an object to its Go type and back: that refuses values of the wrong type, loses unknown
//! fields, leaves out zero values and writes quantities in canonical form. [`convert`] does the same from a
//! table of the fields of the kinds that are treated so.

mod convert;
mod table;

pub use convert::{TypeError, convert};
pub use table::type_of;

//! Work on unstructured objects: quantities, selectors, paths, names and hashes.

mod quantity;

pub use quantity::{Quantity, QuantityError, QuantityFormat};

//! The CustomResourceDefinitions of all kinds: generated from their types, and embedded.

mod definition;
mod embedded;
mod kinds;
#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod upstream_tests;

pub use embedded::crds;
pub use kinds::generate_crds;

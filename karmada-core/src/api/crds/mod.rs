//! The CustomResourceDefinitions of all kinds, generated from their types.

mod definition;
mod kinds;
#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod upstream_tests;

pub use kinds::crds;

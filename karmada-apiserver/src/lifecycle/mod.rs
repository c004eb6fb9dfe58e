//! The controllers that an API server cannot live without.

mod bootstrap;

pub(crate) use bootstrap::start;

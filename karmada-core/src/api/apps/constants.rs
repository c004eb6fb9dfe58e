//! Names of the apps group.

/// The group's name.
pub const GROUP: &str = "apps.karmada.io";

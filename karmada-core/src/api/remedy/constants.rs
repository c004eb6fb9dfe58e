//! Names of the remedy group.

/// The group's name.
pub const GROUP: &str = "remedy.karmada.io";

//! Names of the autoscaling group.

/// The group's name.
pub const GROUP: &str = "autoscaling.karmada.io";

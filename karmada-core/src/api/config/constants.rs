//! Names of the config group.

/// The group's name.
pub const GROUP: &str = "config.karmada.io";
/// The version of the messages to interpreter webhooks.
pub const INTERPRETER_CONTEXT_VERSION: &str = "v1alpha1";

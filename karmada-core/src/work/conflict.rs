//! What to do with objects that a member has already.

use serde_json::Value;

use crate::api::policy::ConflictResolution;
use crate::api::work::constants::{
    CONFLICT_RESOLUTION_ABORT, CONFLICT_RESOLUTION_ANNOTATION, CONFLICT_RESOLUTION_OVERWRITE,
};
use crate::object;

/// What to do with an object that a member has already and that is not Karmada's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictRule {
    /// Leave it and report.
    Abort,
    /// Take it over.
    Overwrite,
}

impl ConflictRule {
    /// Returns the value of the annotation.
    pub fn annotation(self) -> &'static str {
        match self {
            Self::Abort => CONFLICT_RESOLUTION_ABORT,
            Self::Overwrite => CONFLICT_RESOLUTION_OVERWRITE,
        }
    }
}

/// Returns the rule for a manifest: its annotation decides, else the binding; an unknown annotation is ignored.
pub fn conflict_rule(manifest: &Value, binding: &ConflictResolution) -> ConflictRule {
    match object::annotation(manifest, CONFLICT_RESOLUTION_ANNOTATION) {
        Some(CONFLICT_RESOLUTION_OVERWRITE) => ConflictRule::Overwrite,
        Some(CONFLICT_RESOLUTION_ABORT) => ConflictRule::Abort,
        _ if *binding == ConflictResolution::Overwrite => ConflictRule::Overwrite,
        _ => ConflictRule::Abort,
    }
}

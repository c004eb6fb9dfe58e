//! Which function runs the cases of which category.

use serde_json::Value;

use super::{
    Outcome, apiserver, e2e, image_reference, interpreter_lua, interpreter_native, naming_prune_status,
    overrides, policy_matching, scheduling, validation,
};

/// API servers that run at once: transcripts mostly wait for silence.
const APISERVERS: usize = 8;
/// Fleets that run at once.
const FLEETS: usize = 4;

/// How the cases of a category are run.
#[derive(Clone, Copy, Debug)]
pub struct Runner {
    /// Runs one case.
    pub run: fn(&Value) -> Outcome,
    /// What bounds how many cases run at once.
    pub bound: Bound,
}

/// What bounds how many cases run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A case computes all the time: one per processor.
    Processor,
    /// A case mostly waits: this many at once.
    Waiting(usize),
}

/// Returns the runner of a category, or `None` when there is none for it.
pub fn runner(category: &str) -> Option<Runner> {
    let computes = |run| Some(Runner { run, bound: Bound::Processor });
    match category {
        "apiserver" => Some(Runner { run: apiserver::run, bound: Bound::Waiting(APISERVERS) }),
        "e2e" => Some(Runner { run: e2e::run, bound: Bound::Waiting(FLEETS) }),
        "image-reference" => computes(image_reference::run),
        "interpreter-lua" => computes(interpreter_lua::run),
        "interpreter-native" => computes(interpreter_native::run),
        "overrides" => computes(overrides::run),
        "policy-matching" => computes(policy_matching::run),
        "validation-defaulting" => computes(validation::run),
        "scheduling" => computes(scheduling::run),
        "naming-prune-status" => computes(naming_prune_status::run),
        _ => None,
    }
}

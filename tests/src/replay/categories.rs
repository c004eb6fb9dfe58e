//! Which function runs the cases of which category.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Outcome, apiserver, e2e, image_reference, interpreter_lua, interpreter_native, interpreter_thirdparty,
    naming_prune_status, overrides, policy_matching, scheduling, validation,
};
use crate::rig::Binaries;

/// API servers that run at once: transcripts mostly wait for silence.
const APISERVERS: usize = 8;
/// Scenarios that run at once on a real server, which needs most of the machine itself.
const REAL_SCENARIOS: usize = 4;
/// Fleets that run at once.
const FLEETS: usize = 4;

/// Runs one case.
pub type RunCase = Arc<dyn Fn(&Value) -> Outcome + Send + Sync>;

/// How the cases of a category are run.
#[derive(Clone)]
pub struct Runner {
    /// Runs one case.
    pub run: RunCase,
    /// What bounds how many cases run at once.
    pub bound: Bound,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("bound", &self.bound).finish_non_exhaustive()
    }
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
    let computes = |run: fn(&Value) -> Outcome| Some(Runner { run: Arc::new(run), bound: Bound::Processor });
    match category {
        "apiserver" => Some(Runner { run: Arc::new(apiserver::run), bound: Bound::Waiting(APISERVERS) }),
        "e2e" => Some(Runner { run: Arc::new(e2e::run), bound: Bound::Waiting(FLEETS) }),
        "image-reference" => computes(image_reference::run),
        "interpreter-lua" => computes(interpreter_lua::run),
        "interpreter-native" => computes(interpreter_native::run),
        "interpreter-thirdparty" => computes(interpreter_thirdparty::run),
        "overrides" => computes(overrides::run),
        "policy-matching" => computes(policy_matching::run),
        "validation-defaulting" => computes(validation::run),
        "scheduling" => computes(scheduling::run),
        "naming-prune-status" => computes(naming_prune_status::run),
        _ => None,
    }
}

/// Another way to replay the end to end scenarios on embedded servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Each member is driven by an agent.
    Pull,
    /// Our loops take over from upstream at every recorded state.
    TakeOver,
    /// The same with agents, which have the permissions that upstream gave its own.
    TakeOverAgents,
}

/// Returns the runner of a variant, or `None` when a category has none.
pub fn variant_runner(category: &str, variant: Variant) -> Option<Runner> {
    let run: fn(&Value) -> Outcome = match (category, variant) {
        ("e2e", Variant::Pull) => e2e::run_pulled,
        ("e2e", Variant::TakeOver) => e2e::takeover::run,
        ("e2e", Variant::TakeOverAgents) => e2e::takeover::run_pulled,
        _ => return None,
    };
    Some(Runner { run: Arc::new(run), bound: Bound::Waiting(FLEETS) })
}

/// Returns the runner of a category against real clusters, or `None` when it has nothing to do with them.
///
/// # Errors
/// When the clusters do not start.
pub fn rig_runner(
    category: &str,
    binaries: &Binaries,
    of_members: &Binaries,
) -> anyhow::Result<Option<Runner>> {
    let run: RunCase = match category {
        "apiserver" => {
            let servers = apiserver::RealServers::start(binaries)?;
            Arc::new(move |case: &Value| servers.run(case))
        }
        "e2e" => {
            let scenarios = e2e::RealScenarios::new(binaries, of_members)?;
            Arc::new(move |case: &Value| scenarios.run(case))
        }
        _ => return Ok(None),
    };
    Ok(Some(Runner { run, bound: Bound::Waiting(REAL_SCENARIOS) }))
}

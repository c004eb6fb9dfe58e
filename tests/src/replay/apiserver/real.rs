//! The same scenarios against real servers: what differs there is a fault of the comparison.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::super::Outcome;
use super::scenario::{replay_on, unsupported};
use super::target::Target;
use crate::rig::{Binaries, RealCluster, RealControllers};

/// What scenarios may need that the real servers have as this driver starts and reaches them.
const SUPPORTED: [&str; 10] = [
    "webhooks",
    "crd",
    "controllers",
    "timing",
    "bootstrap",
    "admission-plugins",
    "apiserver-controllers",
    "aggregation",
    "health-check-names",
    "requestheader",
];

/// Categories whose scenarios see what others do at the same time.
const ALONE: [&str; 2] = ["auth", "discovery"];

/// Real clusters: one where controllers run, and two where none does, of which one is for discovery alone.
pub struct RealServers {
    quiet: Arc<RealCluster>,
    pristine: Arc<RealCluster>,
    controlled: Arc<RealCluster>,
    /// Held for writing by scenarios that run alone.
    turn: RwLock<()>,
}

impl RealServers {
    /// Starts the clusters.
    ///
    /// # Errors
    /// When one does not become ready.
    pub fn start(binaries: &Binaries) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            Ok(Self {
                quiet: Arc::new(RealCluster::start(binaries, RealControllers::None).await?),
                pristine: Arc::new(RealCluster::start(binaries, RealControllers::None).await?),
                turn: RwLock::new(()),
                controlled: Arc::new(RealCluster::start(binaries, RealControllers::Lifecycle).await?),
            })
        })
    }

    /// Replays one scenario on the cluster it was recorded on.
    pub fn run(&self, case: &Value) -> Outcome {
        if let Some(reason) = unsupported(case, &SUPPORTED) {
            return Outcome::Skipped(reason);
        }
        let category = case["category"].as_str().unwrap_or_default();
        let needs_controllers =
            case["needs"].as_array().is_some_and(|needs| needs.iter().any(|need| need == "controllers"));
        let cluster = match category {
            "discovery" => &self.pristine,
            _ if needs_controllers => &self.controlled,
            _ => &self.quiet,
        };
        let _turn: (Option<_>, Option<_>) = if ALONE.contains(&category) {
            (Some(self.turn.write().unwrap_or_else(PoisonError::into_inner)), None)
        } else {
            (None, Some(self.turn.read().unwrap_or_else(PoisonError::into_inner)))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(replay_on(&Target::real(cluster.clone()), case)),
            Err(error) => Outcome::Failed(format!("cannot start a runtime: {error}")),
        }
    }
}

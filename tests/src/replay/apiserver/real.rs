//! The same scenarios against real servers: what differs there is a fault of the comparison.

use std::sync::Arc;

use serde_json::Value;

use super::super::Outcome;
use super::scenario::{replay_on, unsupported};
use super::target::Target;
use crate::rig::{Binaries, RealCluster, RealControllers};

/// What scenarios may need that the real servers have as this driver starts and reaches them.
const SUPPORTED: [&str; 8] = [
    "crd",
    "controllers",
    "timing",
    "bootstrap",
    "admission-plugins",
    "apiserver-controllers",
    "aggregation",
    "health-check-names",
];

/// Two real clusters: one where controllers run, one where none does.
pub struct RealServers {
    quiet: Arc<RealCluster>,
    controlled: Arc<RealCluster>,
}

impl RealServers {
    /// Starts both clusters.
    ///
    /// # Errors
    /// When one does not become ready.
    pub fn start(binaries: &Binaries) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            Ok(Self {
                quiet: Arc::new(RealCluster::start(binaries, RealControllers::None).await?),
                controlled: Arc::new(RealCluster::start(binaries, RealControllers::Lifecycle).await?),
            })
        })
    }

    /// Replays one scenario on the cluster it was recorded on.
    pub fn run(&self, case: &Value) -> Outcome {
        if let Some(reason) = unsupported(case, &SUPPORTED) {
            return Outcome::Skipped(reason);
        }
        let needs_controllers =
            case["needs"].as_array().is_some_and(|needs| needs.iter().any(|need| need == "controllers"));
        let cluster = if needs_controllers { &self.controlled } else { &self.quiet };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(replay_on(&Target::real(cluster.clone()), case)),
            Err(error) => Outcome::Failed(format!("cannot start a runtime: {error}")),
        }
    }
}

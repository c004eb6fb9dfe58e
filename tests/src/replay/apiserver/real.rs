//! The same scenarios against real servers: what differs there is a fault of the comparison.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tokio::runtime::Runtime;

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

/// Scenarios whose recording holds something of the server it was made on: part of the id, of the difference, and why.
const KNOWN: [(&str, &str, &str); 6] = [
    ("self-subject-rules-review", "/.well-known", "the recording server had one more default role"),
    ("bootstrap-objects", "/spec/ports/0/targetPort", "the port that the server listens on"),
    ("health-subchecks", "GET /readyz/etcd", "names of health checks"),
    ("health-verbose", "verbose", "names of health checks"),
    ("list/paging", "x81'", "how the release of Go that built the server quotes a character"),
    ("resource-version-future", ", current: ", "the revision at that moment is part of a message"),
];

/// How often a scenario that failed runs again, each time alone on a cluster of its own: what others left behind, or how busy
/// the machine was, is no difference.
const AGAIN: usize = 2;

/// Real clusters: one where controllers run, and two where none does, of which one is for discovery alone.
pub struct RealServers {
    binaries: Binaries,
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
                binaries: binaries.clone(),
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => self.run_on(&runtime, case),
            Err(error) => Outcome::Failed(format!("cannot start a runtime: {error}")),
        }
    }

    fn run_on(&self, runtime: &Runtime, case: &Value) -> Outcome {
        let category = case["category"].as_str().unwrap_or_default();
        let needs_controllers =
            case["needs"].as_array().is_some_and(|needs| needs.iter().any(|need| need == "controllers"));
        let (cluster, controllers) = match category {
            "discovery" => (&self.pristine, RealControllers::None),
            _ if needs_controllers => (&self.controlled, RealControllers::Lifecycle),
            _ => (&self.quiet, RealControllers::None),
        };
        let mut outcome = {
            let _turn: (Option<_>, Option<_>) = if ALONE.contains(&category) {
                (Some(self.turn.write().unwrap_or_else(PoisonError::into_inner)), None)
            } else {
                (None, Some(self.turn.read().unwrap_or_else(PoisonError::into_inner)))
            };
            with_known(case, runtime.block_on(replay_on(&Target::real(cluster.clone()), case)))
        };
        for _ in 0..AGAIN {
            if !matches!(outcome, Outcome::Failed(_)) {
                break;
            }
            let _alone = self.turn.write().unwrap_or_else(PoisonError::into_inner);
            outcome = runtime.block_on(async {
                match self.fresh(controllers).await {
                    Ok(cluster) => with_known(case, replay_on(&Target::real(Arc::new(cluster)), case).await),
                    Err(error) => Outcome::Failed(format!("a fresh cluster does not start: {error:#}")),
                }
            });
        }
        outcome
    }
}

impl RealServers {
    /// Starts a cluster that only writes what it is asked to, if no controllers run in it.
    async fn fresh(&self, controllers: RealControllers) -> anyhow::Result<RealCluster> {
        let cluster = RealCluster::start(&self.binaries, controllers).await?;
        if controllers == RealControllers::None {
            cluster.wait_until_calm().await?;
        }
        Ok(cluster)
    }
}

/// Tells apart what the recording holds of the server that it was made on.
fn with_known(case: &Value, outcome: Outcome) -> Outcome {
    let Outcome::Failed(difference) = &outcome else { return outcome };
    let id = format!(
        "{}/{}",
        case["category"].as_str().unwrap_or_default(),
        case["name"].as_str().unwrap_or_default()
    );
    let known = KNOWN.iter().find(|(part, text, _)| id.contains(part) && difference.contains(text));
    match known {
        Some((.., reason)) => Outcome::Differs((*reason).to_owned()),
        None => outcome,
    }
}
